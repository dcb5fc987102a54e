"""For tests: firmware around networks of the NPU's tests, built and run."""

import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host.boards.base import Board
from host.boards.bench_file import Machine
from host.boards.folder import private_folder
from host.boards.kinds import DK
from host.boards.n6_virtual import N6VirtualBoard, machine_of
from host.build import build
from host.deadline import Deadline
from host.link.client import Client
from host.link.messages import Mode, Stages
from host.npu.testing.write import Written
from host.project import Project
from model_gen.codegen.neural_art.firmware.generate import generate
from model_gen.codegen.neural_art.firmware.testing_networks import given


def soon(seconds: float = 60) -> Deadline:
    return Deadline.after(seconds)


def built(
    folder: Path,
    network: Path,
    edits: dict[str, tuple[str, str]] | None = None,
    st: Path | None = None,
) -> Project:
    """The firmware of a network, with `edits` made in its files: path -> (text, other text).

    Args:
        folder: of the project.
        network: the folder with network.c.
        edits: none where it is None.
        st: ST's runtime, in whose place ours is where it is None.
    """
    project = generate(given(network), DK.name, folder, st=st)
    for name, (before, after) in (edits or {}).items():
        text = (folder / name).read_text()
        assert text.count(before) == 1, (name, before)
        (folder / name).write_text(text.replace(before, after))
    build(project, soon(300))
    return project


@contextmanager
def board_of(project: Project, boot: str = "development") -> Iterator[Board]:
    """A virtual STM32N6 that runs the firmware."""
    with tempfile.TemporaryDirectory(prefix="nj-") as folder:
        root = private_folder(Path(folder) / "b", make=True)
        board = N6VirtualBoard.start(root, machine=machine_of(DK.name, Machine(), boot))
        try:
            board.flash(project.elf, soon())
            yield board
        finally:
            board.close()


def loaded(board: Board, project: Project, written: Written) -> Client:
    """The board's link, with the network's inputs loaded."""
    client = Client(board.connect(soon()))
    client.hello(soon())
    for index, port in enumerate(project.description.inputs):
        client.load_input(index, written.inputs[port.name], soon())
    return client


def wrong_taps(client: Client, project: Project, written: Written) -> list[str]:
    """Tensors whose digests, right behind the epoch that finishes them, are not those of their expected bytes."""
    client.run(Stages.MODEL, mode=Mode.TAPPED, deadline=soon())
    digests = client.digests(soon()).taps
    taps = [tap for tap in project.description.taps if tap.slot is not None]
    assert len(taps) == len(digests) == len(written.expected)
    return [
        tap.name
        for tap in taps
        if tap.slot is not None and digests[tap.slot] != zlib.crc32(written.expected[tap.name])
    ]
