"""What faults are injected into: a small model, its firmware for each tier, and sessions that say what a user sees."""

import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from host.boards import bench_lock, end_board, keep_board
from host.boards.bench_file import BenchBoard
from host.boards.folder import private_folder
from host.boards.kinds import VIRTUAL_N6
from host.boards.record import Record
from host.boards.recovery.mark import mark_well
from host.boards.which import Which
from host.bundle import Subject, load_subject
from host.compare.attempts import attempted, bring_back, with_attempts
from host.compare.flip import copy_project, find_symbol, overwrite
from host.compare.prepare import prepare
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.elf_record import write_record
from host.errors import NightjarError
from host.installed import ROOT
from host.link.transport import Transport
from host.project import Project
from host.report.summary import summary_lines
from host.report.verdict import Verdict
from host.selftest.commands import PROGRAM, called
from host.selftest.faults.seen import Seen
from host.selftest.links import Line
from host.selftest.stock import swapped
from model_gen.codegen.testing.net import make_net

Wrap = Callable[[Transport, random.Random], Line]
ENOUGH = 60.0  # seconds for what is mended
SHORT = 2.0  # seconds for what nothing mends
_SEEDS = 4  # of vectors: few, so that what is expected of them is recalled
_LIMIT = 300.0  # seconds of a command
_FLIP = (2, 30, 6)  # op, byte, bit


@dataclass(frozen=True)
class KeptN6:
    """A virtual STM32N6 that is kept, and how the bench reaches it: at its serial port, through its gdb server."""

    record: Record
    at: Which


class Scene:
    """Models and firmware, made when they are first asked for.

    Attributes:
        folder: for files.
        boards: the private folder of boards: a short path.
    """

    def __init__(self, folder: Path, boards: Path) -> None:
        self.folder, self.boards = folder, boards
        self._net = make_net(1)
        self._made: dict[str, Project] = {}
        self._count = 0

    @cached_property
    def model(self) -> Path:
        """A small .tflite."""
        path = self.folder / "small.tflite"
        path.write_bytes(self._net.tflite())
        return path

    @cached_property
    def subject(self) -> Subject:
        """The same, read."""
        return load_subject(self.model)

    def built(self, tier: str) -> Project:
        """Its firmware for a tier, as it was built."""
        return self._once(tier, lambda: prepare(self.model, tier, out=self.folder / tier)[1])

    def ready(self) -> None:
        """Make the native firmware, and what is expected of each vector."""
        for number in range(_SEEDS):
            for project in (self.good, self.flipped):
                self.judge(number, project=project)

    @property
    def good(self) -> Project:
        """The native one."""
        return self.built("native")

    @property
    def flipped(self) -> Project:
        """Native, with a bit of a weight flipped: right but for some bytes of its tensors."""

        def make() -> Project:
            project = copy_project(self.good, self.folder / "flipped")
            self._net.flip(project.elf, *_FLIP)
            return project

        return self._once("flipped", make)

    @property
    def foreign(self) -> Project:
        """The native project with the program of another model."""

        def make() -> Project:
            other = self.folder / "other.tflite"
            other.write_bytes(make_net(9).tflite())
            made = prepare(other, "native", out=self.folder / "other")[1]
            return swapped(self.good, made, self.folder / "foreign")

        return self._once("foreign", make)

    def broken(self, tier: str, code: bytes) -> Project:
        """Firmware that does `code`, machine code, in place of its third step."""

        def make() -> Project:
            project = copy_project(self.built(tier), self.fresh("broken"))
            overwrite(project.elf, find_symbol(project.elf, "nj_step2", "STT_FUNC"), code)
            write_record(project.elf)
            return project

        return self._once(f"{tier} {code.hex()}", make)

    def fresh(self, name: str) -> Path:
        """A path that is not used yet."""
        self._count += 1
        return self.folder / f"{name}-{self._count}"

    def judge(
        self,
        number: int,
        wrap: Wrap | None = None,
        *,
        project: Project | None = None,
        tier: str = "native",
        at: Which | None = None,
        seconds: float = ENOUGH,
        attempts: int = 1,
    ) -> Seen:
        """Judge firmware over a link, and tell what a user sees; the link of a second attempt is a whole one.

        Args:
            number: draws the vectors, and what is left to chance.
            wrap: the link around the board's; None: as it is.
            project: None: the good one.
        """
        lines: list[Line] = []
        said: list[str] = []

        def link(transport: Transport) -> Line:
            chance = random.Random(f"fault {number} {len(lines)}")
            whole = lines and attempts > 1
            whole_one = Line(transport, transport, chance, 0)
            lines.append(whole_one if whole or wrap is None else wrap(transport, chance))
            return lines[-1]

        session = Session(
            *(project or self.built(tier), self.subject, tier, 1, number % _SEEDS),
            limit=Deadline.after(seconds),
            root=self.boards,
            wrap=link,
            repeats=2,
            at=at,
        )
        try:
            verdict, failed = attempted(
                attempts,
                lambda n: prove(session, say=said.append),
                lambda error, n: bring_back(session, error, said.append),
                said.append if attempts > 1 else lambda line: None,
            )
            verdict = with_attempts(verdict, failed, 0)
            code, text = verdict.exit_code, _told(verdict)
        except NightjarError as error:
            code, text = error.exit_code, str(error)
        struck = wrap is None or any(_struck(line) for line in lines)
        return Seen(int(code), "\n".join([*said, text]), struck, sum(line.frames for line in lines))

    def command(self, *words: str | Path) -> Seen:
        """What a command of nightjar ends with and says."""
        line = [*PROGRAM, *map(str, words)]
        ended = called(line, self.folder, {**os.environ, "PYTHONPATH": str(ROOT)}, _LIMIT)
        return Seen(ended.returncode, ended.stdout)

    @contextmanager
    def n6(self) -> Iterator[KeptN6]:
        """A virtual STM32N6 of its own, for the block."""
        with TemporaryDirectory(prefix="n6-", dir=self.boards) as root:
            record, _ = keep_board(VIRTUAL_N6, root=Path(root))
            entry = BenchBoard(
                self.fresh("n6").name, VIRTUAL_N6, port=str(record.port), gdb=str(record.gdb)
            )
            try:
                yield KeptN6(record, Which(VIRTUAL_N6, entry))
            finally:
                mark_well(entry)  # its port's number is the next one's
                end_board(VIRTUAL_N6, root=Path(root))

    @contextmanager
    def at_pty(self, uid: str = "board-alpha-", named: str | None = None) -> Iterator["AtPty"]:
        """The good native firmware as a process behind a pseudo-terminal, for the block.

        Args:
            uid: its id, 12 characters.
            named: the id that the bench says, if it is another.
        """
        process, port = self.start_at_pty(uid)
        link = self.fresh("by-id")
        link.symlink_to(port)
        entry = BenchBoard("mine", "native", port=str(link), uid=(named or uid).encode().hex())
        board = AtPty(self, process, link, Which("native", entry, flashes=False), uid)
        try:
            yield board
        finally:
            board.end()

    @contextmanager
    def at_socket(self) -> Iterator[tuple[Path, Which]]:
        """The good native firmware as a process behind a unix socket, for the block; the bench's entry has no port."""
        with TemporaryDirectory(prefix="so-", dir=self.boards) as folder:
            socket = Path(folder) / "link.sock"
            line = [str(self.good.elf), "--socket", str(socket), "--die-with-parent"]
            process = subprocess.Popen(line)
            try:
                while not socket.exists() and process.poll() is None:
                    time.sleep(0.01)
                yield socket, Which("native", BenchBoard("mine", "native"), flashes=False)
            finally:
                process.kill()
                process.wait()

    def start_at_pty(self, uid: str) -> "tuple[subprocess.Popen[str], str]":
        """The process, and the port that it has opened."""
        line = [str(self.good.elf), "--pty", "--uid", uid, "--die-with-parent"]
        process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    def _once(self, name: str, make: Callable[[], Project]) -> Project:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]


@dataclass
class AtPty:
    """A board behind a pseudo-terminal. port: the name that it keeps, as one below /dev/serial/by-id."""

    scene: Scene
    process: "subprocess.Popen[str]"
    port: Path
    at: Which
    uid: str

    def pull(self) -> None:
        """Its port is gone, and its name, as when its cable is pulled."""
        self.end()
        self.port.unlink()

    def plug(self, seconds: float) -> threading.Timer:
        """The same board is there again after so many seconds, perhaps behind another device."""
        self.process, port = self.scene.start_at_pty(
            self.uid
        )  # which ends with the thread that starts it
        back = threading.Timer(seconds, lambda: self.port.symlink_to(port))
        back.start()
        return back

    def end(self) -> None:
        """End its process."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def scene() -> Iterator[Scene]:
    """A scene with folders and locks of its own, for the block."""
    private, before = private_folder(None, make=True), bench_lock.ROOT
    with (
        TemporaryDirectory(prefix="nightjar-faults-") as folder,
        TemporaryDirectory(prefix="fa-", dir=private) as boards,
    ):
        bench_lock.ROOT = Path(folder) / "locks"
        try:
            yield Scene(Path(folder), Path(boards))
        finally:
            bench_lock.ROOT = before


def _told(verdict: Verdict) -> str:
    return "\n".join(
        [
            *summary_lines(verdict),
            *(f"attempt ended by {one.failure}: {one.what}" for one in verdict.failed_attempts),
        ]
    )


def _struck(line: Line) -> bool:
    if line.link is line.board:
        return line.struck
    return int(getattr(line.link, "faults", 0)) > 0
