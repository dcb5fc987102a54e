"""A virtual board of our own under the plugin; never a kept one, never one that counts costs."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from host.boards.folder import private_folder
from host.boards.virtual import VirtualBoard
from host.bundle import Subject
from host.compare.vectors import Vector
from host.coverage.image import Image
from host.coverage.link import Link
from host.coverage.marks import Marks
from host.coverage.steps import Steps
from host.deadline import Deadline
from host.errors import FirmwareFailure
from host.link.identity import check_identity, check_tables
from host.link.messages import Hello, Mode, Stages, Target, What
from host.link.registers import FirmwareFault
from host.project import Project
from host.reference.kept import to_bytes

START = 60.0  # seconds to start, to flash and to boot
PATIENCE = 120.0  # seconds for an answer: marking makes a run slower, and a busy machine more so


@dataclass(frozen=True)
class Observed:
    """A board that runs, who answered, and what is marked meanwhile."""

    link: Link
    hello: Hello
    marks: Marks
    project: Project
    limit: Deadline | None

    def judge(self, vector: Vector) -> None:
        """What a verdict does with a vector: runs in every mode, costs, digests, outputs.

        Raises:
            FirmwareFailure: the runs gave different outputs.
        """
        link, hello = self.link, self.hello
        stages = self.load(vector)
        outputs = {link.run(stages, Mode.PLAIN, self.patience()).output}
        self._read_outputs()
        link.cost(hello.steps, self.patience())
        outputs.add(link.run(stages, Mode.STEPS, self.patience()).output)
        link.cost(hello.steps, self.patience())
        outputs.add(link.run(stages, Mode.TAPPED, self.patience()).output)
        outputs.add(link.digests(hello.taps, self.patience()).output)
        self._read_outputs()
        if len(outputs) != 1:
            raise FirmwareFailure(
                "one input gave different outputs while coverage was measured",
                evidence=f"vector {vector.index}: digests {sorted(map(hex, outputs))}",
            )

    def run(self, inputs: Sequence[npt.NDArray[Any]]) -> None:
        """One plain run on model inputs."""
        stages = self.load(Vector(0, inputs=tuple(inputs)))
        self.link.run(stages, Mode.PLAIN, self.patience())

    def load(self, vector: Vector) -> Stages:
        """Put a vector on the board; the stages that it goes through."""
        if vector.chunk is not None:
            data = vector.chunk.astype("<i2").tobytes()
            self.link.load(Target.CHUNK, 0, data, self.patience())
            return Stages.BOTH
        if self.project.description.state_bytes and vector.past is None:
            self.link.clear(self.patience())
        for index, tensor in enumerate(vector.inputs):
            self.link.load(Target.INPUT, index, to_bytes(tensor), self.patience())
        return Stages.MODEL

    def patience(self) -> Deadline:
        """The deadline of one exchange."""
        own = Deadline.after(PATIENCE)
        return own if self.limit is None else own.at_most(self.limit.remaining)

    def _read_outputs(self) -> None:
        for index, port in enumerate(self.project.description.outputs):
            self.link.read(What.OUTPUT, index, port.bytes, self.patience())


@contextmanager
def observed(
    project: Project,
    subject: Subject,
    image: Image,
    steps: Steps | None,
    limit: Deadline | None = None,
) -> Iterator[Observed]:
    """The ELF of `project` on a board that ends with the block, marked from reset on.

    Args:
        image, steps: of that ELF; steps None tells none apart.
        limit: a deadline over everything.

    Raises:
        IdentityFailure: other firmware answers; nothing is yielded.
        FirmwareFault: with places, when the firmware faults inside the block.
        BoardFailure, FlashFailure, HostFailure: it does not start.
    """
    start = Deadline.after(START)
    if limit is not None:
        start = start.at_most(limit.remaining)
    with tempfile.TemporaryDirectory(prefix="nightjar-") as folder:
        marks = Marks(Path(folder), image, steps)
        board = VirtualBoard.start(private_folder(None, make=True), marks.arguments())
        try:
            # Before the firmware starts, so that its boot event is heard: an early HELLO is lost.
            with closing(board.connect(start)) as transport:
                board.flash(project.elf, start)
                link = Link(transport)
                link.await_boot(start)
                hello = link.hello(start)
                check_identity(hello, project, subject)
                check_tables(hello, project)
                yield Observed(link, hello, marks, project, limit)
        except FirmwareFault as error:
            raise error.symbolized(lambda pc: board.symbolize(project.elf, pc)) from error
        finally:
            board.close()
