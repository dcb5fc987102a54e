"""What is asked before a board is flashed, and after: on silicon, which is not here, HELLO is played."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from host.boards.base import FlashReport
from host.boards.bench_file import BenchBoard
from host.boards.flashers import job
from host.boards.flashers.parts import Image, Part
from host.boards.kinds import DK, VIRTUAL_UID
from host.deadline import Deadline
from host.errors import BoardFailure, BoardLocked, IdentityFailure, LinkFailure, NightjarError
from host.link.identity_test import HELLO
from host.link.messages import Hello
from host.project import Project, ProjectDescription

UID = "310025000b51333231383730"
BOARD = BenchBoard("left", DK.name, probe="1", port="/dev/tty-of-left", uid=UID)
OURS = replace(
    HELLO, boot=7, build_id=b"ours", board=DK.name, cost_unit="cycles", uid=bytes.fromhex(UID)
)
OTHERS = replace(OURS, build_id=b"others")
PROJECT = Project(
    Path("/nowhere"),
    ProjectDescription(
        DK.name, "cm55", model_sha256="", contract_sha256="", rounding={}, arena_bytes=0, steps=1,
        inputs=(), outputs=(), taps=(),
    ),
)  # fmt: skip
RAM = Image(Path("/nowhere/a.elf"))
NOR = replace(RAM, parts=(Part(Path("/nowhere/a.bin"), 0x70000000),))
Answers = list[Hello | NightjarError]


class Way:
    """A way that notes what it is told to do."""

    def __init__(self, *, holds: bool = False) -> None:
        self.did: list[str] = []
        self._holds = holds

    def seen(self, board: BenchBoard) -> bool:
        return False

    def remarks(self, image: Image, board: BenchBoard) -> tuple[str, ...]:
        return ()

    def commands(self, image: Image, board: BenchBoard) -> list[str]:
        return []

    def holds(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> bool:
        self.did.append("compared")
        return self._holds

    def flash(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> FlashReport:
        self.did.append("wrote")
        return FlashReport(100, 1.0, 2.0)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What the port answers to HELLO, one question after the other; the last stays."""
    given: Answers = []

    def ask(board: BenchBoard, deadline: Deadline) -> Hello:
        one = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(one, NightjarError):
            raise one
        return one

    def check(hello: Hello, project: Project) -> None:
        if hello.build_id != OURS.build_id:
            raise IdentityFailure("other firmware")

    monkeypatch.setattr(job, "_ask", ask)
    monkeypatch.setattr(job, "check_identity", check)
    monkeypatch.setattr(job, "explain_speed", lambda error, url, baud: error)

    def start(board: BenchBoard, project: Project, before: Hello | None, *rest: object) -> Hello:
        return ask(board, Deadline.after(0))

    monkeypatch.setattr(job, "booted", start)
    return given


def flash(image: Image, way: Way, *, always: bool = False, moved: float = 20.0) -> job.Flashed:
    return job.flash_board(BOARD, PROJECT, image, way, lambda _: None, always=always, moved=moved)


SILENT = BoardFailure("nobody answers")


def test_into_ram_hello_decides(answers: Answers) -> None:
    way = Way()
    answers[:] = [OURS]
    done = flash(RAM, way)
    assert (way.did, done.report, done.hello) == ([], None, OURS)
    assert flash(RAM, way, always=True).report is not None
    for before in (OTHERS, SILENT, LinkFailure("garbage")):
        answers[:] = [before, OURS]
        way = Way()
        assert flash(RAM, way).report == FlashReport(100, 1.0, 2.0)
        assert way.did == ["wrote"]


def test_into_the_nor_what_it_holds_decides_too(answers: Answers) -> None:
    answers[:] = [OURS, replace(OURS, boot=8)]
    way = Way(holds=False)
    assert flash(NOR, way).hello == replace(OURS, boot=8)
    assert way.did == ["compared", "wrote"]
    answers[:] = [OURS]
    way = Way(holds=True)
    assert flash(NOR, way).report is None
    assert way.did == ["compared"]


def test_another_chip_ends_it_before_or_after(answers: Answers) -> None:
    strange = replace(OURS, uid=b"x" * 12)
    way = Way()
    answers[:] = [strange]
    with pytest.raises(IdentityFailure, match="nothing was written"):
        flash(RAM, way)
    assert way.did == []
    answers[:] = [SILENT, strange]
    with pytest.raises(IdentityFailure) as caught:
        flash(RAM, way)
    assert caught.value.what == "another board answers than the bench calls left"
    assert way.did == ["wrote"]


def test_a_virtual_chip_is_never_taken_for_silicon(answers: Answers) -> None:
    virtual = replace(OURS, uid=VIRTUAL_UID + b"Z")
    answers[:] = [SILENT, virtual]
    board = replace(BOARD, uid=virtual.uid.hex())
    with pytest.raises(IdentityFailure, match="a virtual chip answered"):
        job.flash_board(board, PROJECT, RAM, Way(), lambda _: None)


def test_other_firmware_afterwards_and_a_port_in_other_hands(answers: Answers) -> None:
    answers[:] = [SILENT, OTHERS]
    with pytest.raises(IdentityFailure, match="other firmware"):
        flash(RAM, Way())
    way = Way()
    answers[:] = [BoardLocked("open in pid 1")]
    with pytest.raises(BoardLocked):
        flash(RAM, way)
    assert way.did == []


def test_without_a_port_nobody_is_asked() -> None:
    said: list[str] = []
    done = job.flash_board(replace(BOARD, port=None), PROJECT, RAM, Way(), said.append)
    assert done.hello is None
    assert "HELLO was not asked" in said[-1]
