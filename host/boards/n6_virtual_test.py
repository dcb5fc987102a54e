"""The virtual STM32N6 as a board: which machine it is, how it starts, and that it is kept."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.boards import board_status, end_board, keep_board, open_board
from host.boards.bench_file import BenchBoard, Machine
from host.boards.folder import private_folder
from host.boards.kinds import DK, NUCLEO
from host.boards.n6_virtual import N6VirtualBoard, kind_of, machine_of
from host.boards.process import ProcessId
from host.boards.testing_bare import CODE, RIGHT, link_bare
from host.boards.virtual_n6 import build
from host.boards.virtual_n6.build import find
from host.boards.which import Which
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, HostFailure
from host.locks import is_held

NAME = "n6-virtual"
needs_binutils = pytest.mark.skipif(
    shutil.which("arm-none-eabi-ld") is None, reason="binutils-arm-none-eabi is not installed"
)
needs_machine = pytest.mark.skipif(find() is None, reason="make n6-virtual")


def soon(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    private = private_folder(tmp_path / "boards", make=True)
    yield private
    end_board(NAME, root=private)


def option(process: ProcessId | None) -> str:
    """What the machine of a process was asked for."""
    assert process is not None
    words = Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")
    return words[words.index("-machine") + 1]


def test_what_is_not_built_is_said_with_the_command(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "_place", lambda: tmp_path / "nothing")
    with (
        pytest.raises(HostFailure, match="has not been built") as caught,
        open_board(NAME, root=root),
    ):
        pass
    assert caught.value.next_step.startswith("make n6-virtual")
    with pytest.raises(HostFailure, match="has not been built"):
        keep_board(NAME, root=root)
    assert board_status(NAME, root=root).record is None


def test_a_microphone_has_instructions_take_what_they_take_on_silicon() -> None:
    machine = machine_of(DK.name, Machine(card="a.img", microphone="b.wav"))
    (option,) = (word for word in machine.arguments if word.startswith("nightjar-n6"))
    where = Path.cwd()
    assert option.endswith(f",card={where}/a.img,microphone={where}/b.wav")
    assert "shift=1" in machine.arguments
    assert "shift=6" in machine_of(DK.name, Machine(card="microphone=.img")).arguments


def test_the_machine_of_a_bench_board() -> None:
    """Its id, and its NOR's file from wherever the command is called; a comma in a path ends no property."""
    machine = machine_of(NUCLEO.name, Machine(nor="a,b/nor", uid="7"))
    assert machine.arguments[:2] == (
        "-machine",
        f"nightjar-n6,board=nucleo-n657x0-q,uid=7,nor={os.getcwd()}/a,,b/nor",  # noqa: PTH109
    )


@needs_binutils
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (DK.name, DK.name),
        (NUCLEO.name, NUCLEO.name),
        ("virtual", None),
        (f"{DK.name}-2", None),
        (rf"{DK.name}\0{NUCLEO.name}", None),
    ],
)
def test_the_kind_of_an_elf(tmp_path: Path, text: str, kind: str | None) -> None:
    assert kind_of(link_bare(tmp_path, text=text)) == kind


@needs_binutils
@needs_machine
def test_firmware_decides_which_board_it_is(root: Path, tmp_path: Path) -> None:
    nucleo = link_bare(tmp_path, text=NUCLEO.name)
    with open_board(NAME, root=root) as board:
        assert isinstance(board, N6VirtualBoard)
        first = board._process
        assert option(first) == "nightjar-n6,board=stm32n6570-dk"
        board.flash(nucleo, soon())
        second = board._process
        assert option(second) == "nightjar-n6,board=nucleo-n657x0-q"
        assert not first.alive
        board.flash(nucleo, soon())
        assert board._process == second
        assert _place(board, nucleo) == CODE + RIGHT
    assert not second.alive


@needs_binutils
@needs_machine
def test_a_kept_one_becomes_another_board_and_stays_kept(root: Path, tmp_path: Path) -> None:
    record, new = keep_board(NAME, root=root)
    assert new
    nucleo = link_bare(tmp_path, text=NUCLEO.name)
    with open_board(NAME, root=root) as board:
        assert board.kept
        board.flash(nucleo, soon())
    found = board_status(NAME, root=root).record
    assert found is not None
    assert found.process != record.process
    assert option(found.process) == "nightjar-n6,board=nucleo-n657x0-q"
    assert found.elf_sha256 is not None
    assert is_held(found.folder / "lock")
    with open_board(NAME, root=root) as board:
        assert isinstance(board, N6VirtualBoard)
        assert _place(board, nucleo) == CODE + RIGHT
    assert end_board(NAME, root=root)
    assert found.process is not None
    assert not found.process.alive


@needs_binutils
@needs_machine
def test_fittings_stay_when_the_kind_changes(root: Path, tmp_path: Path) -> None:
    fitting = Machine(nor=str(tmp_path / "nor"), uid="Z")
    board = N6VirtualBoard.start(root, machine=machine_of(DK.name, fitting))
    assert isinstance(board, N6VirtualBoard)
    try:
        board.flash(link_bare(tmp_path, text=NUCLEO.name), soon())
        wanted = f"nightjar-n6,board=nucleo-n657x0-q,uid=Z,nor={tmp_path}/nor"
        assert option(board._process) == wanted
    finally:
        board.close()


@needs_binutils
@needs_machine
def test_a_file_of_any_name_is_a_nor(root: Path, tmp_path: Path) -> None:
    """Nothing that its name says is taken for what the machine was told."""
    folder = tmp_path / f"a,,uid=Q,board={DK.name}"
    folder.mkdir()
    nor = folder / "x,switches=flash,"
    board = N6VirtualBoard.start(root, machine=machine_of(DK.name, Machine(nor=str(nor), uid="Z")))
    assert isinstance(board, N6VirtualBoard)
    try:
        assert board.unique_id == (b"NIGHTJAR-VM" + b"Z").hex()
        elf = link_bare(tmp_path, text=NUCLEO.name)
        board.flash(elf, soon())
        assert option(board._process).startswith(f"nightjar-n6,board={NUCLEO.name},uid=Z,nor=")
        assert _place(board, elf) == CODE + RIGHT
        assert nor.exists()
    finally:
        board.close()


@needs_machine
def test_two_chips_never_share_a_nor(root: Path, tmp_path: Path) -> None:
    """Not of two benches, nor of two users: what both wrote would be neither's."""
    machine = machine_of(DK.name, Machine(nor=str(tmp_path / "nor")))
    first = N6VirtualBoard.start(root, machine=machine)
    try:
        with pytest.raises(HostFailure, match="QEMU ended at once") as caught:
            N6VirtualBoard.start(root, machine=machine)
        assert f"the NOR's file {tmp_path}/nor cannot be used: another board has it" in str(
            caught.value
        )
    finally:
        first.close()
    N6VirtualBoard.start(root, machine=machine).close()


@needs_machine
@pytest.mark.parametrize(
    "changed",
    [{"switches": "flash"}, {"machine": Machine(nor="/tmp/other", uid="7")}],
    ids=["switches", "nor"],
)
def test_a_kept_board_that_stands_otherwise_than_its_bench_says_is_refused(
    root: Path, tmp_path: Path, changed: dict[str, Any]
) -> None:
    """As after a flash that was killed while its switches were moved: its NOR is not what would be judged."""
    fitting = Machine(nor=str(tmp_path / "nor"), uid="7")
    entry = BenchBoard("desk", NAME, switches="development", machine=fitting)
    meant = Which(NAME, entry)
    keep_board(meant, root=root)
    try:
        with open_board(meant, root=root) as board:
            assert board.kept
        other = replace(meant, entry=replace(entry, **changed))
        with (
            pytest.raises(BoardFailure, match="does not stand as its bench says") as caught,
            open_board(other, root=root),
        ):
            pass
        assert f"nor={tmp_path}/nor" in caught.value.evidence
        with pytest.raises(BoardFailure, match="does not stand as its bench says"):
            keep_board(other, root=root)
    finally:
        end_board(meant, root=root)


@needs_binutils
@needs_machine
def test_a_start_sets_the_stack_pointer_that_the_core_had_before(
    root: Path, tmp_path: Path
) -> None:
    """Its stack pointer is what it was at the start, and so gdb would not write it: it knows of no reset."""
    elf = link_bare(tmp_path, text=DK.name)
    with open_board(NAME, root=root) as board:
        assert isinstance(board, N6VirtualBoard)
        for start in (lambda: board.flash(elf, soon()), lambda: board.reset(soon())) * 2:
            start()
            assert _place(board, elf) == CODE + RIGHT


@needs_binutils
@needs_machine
def test_what_needs_ram_that_is_off_is_refused(root: Path, tmp_path: Path) -> None:
    """AXISRAM3 is not powered when a debugger loads."""
    elf = link_bare(tmp_path, constants=0x34200000, text=DK.name)
    with (
        open_board(NAME, root=root) as board,
        pytest.raises(BadInput, match="a debugger loads") as caught,
    ):
        board.flash(elf, soon())
    assert ".rodata at 0x34200000" in caught.value.evidence


@needs_binutils
@needs_machine
def test_a_dead_one_is_said_when_it_is_flashed(root: Path, tmp_path: Path) -> None:
    with open_board(NAME, root=root) as board:
        assert isinstance(board, N6VirtualBoard)
        assert board._child is not None
        board._child.kill()
        board._child.wait()
        with pytest.raises(BoardFailure, match="has ended"):
            board.flash(link_bare(tmp_path, text=NUCLEO.name), soon())


def _place(board: N6VirtualBoard, elf: Path) -> int:
    """Where the core is, as the debugger sees it."""
    where = board.whereabouts(elf, soon())
    assert where is not None
    return where.pc
