"""An STM32N6's external NOR, written through gdb: it holds weights, or all that the virtual chip boots from."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil_tests.tester.conftest import Make
from host.boards import end_board
from host.boards.base import Board
from host.boards.bench_file import Machine
from host.boards.flashers.nor import loader_beside
from host.boards.folder import LOCK, make_kept_folder, private_folder
from host.boards.kinds import DK, VIRTUAL_N6
from host.boards.n6_image import FIRST_STAGE, Piece, application, first_stage, write_nor
from host.boards.n6_virtual import N6VirtualBoard, machine_of
from host.boards.virtual_n6.build import find
from host.build import build
from host.bundle import Subject
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import BoardFailure, FirmwareFailure, FlashFailure, NightjarError
from host.link.client import Client
from host.link.identity import elf_build_id
from host.locks import take
from host.project import Project, load_project
from model_gen.codegen.project.generate import generate

pytestmark = pytest.mark.skipif(find() is None, reason="make n6-virtual")

APPLICATION, WEIGHTS = 0x70100000, 0x71000000


@dataclass(frozen=True)
class InNor:
    """A project whose weights lie in the NOR, and the same model's with all in RAM."""

    subject: Subject
    project: Project
    in_ram: Project


@pytest.fixture(scope="module")
def in_nor(made: Make, bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> InNor:
    subject, in_ram = made(bundle_path, VIRTUAL_N6)
    project = generate(subject, DK.name, tmp_path_factory.mktemp("nor") / "p", weights="nor")
    build(project, Deadline.after(300))
    return InNor(subject, project, in_ram)


def soon() -> Deadline:
    return Deadline.after(60)


@pytest.fixture
def machine(boards: Path) -> Iterator[N6VirtualBoard]:
    """One in its development boot, whose NOR is erased."""
    board = N6VirtualBoard.start(private_folder(boards, make=True))
    assert isinstance(board, N6VirtualBoard)
    yield board
    board.close()


def keep(root: Path, nor: Path, boot: str, *, dies: bool = False) -> Iterator[N6VirtualBoard]:
    """One that is kept in `root`, as a bench has it; `dies`: its firmware ends its run."""
    folder = make_kept_folder(private_folder(root, make=True), VIRTUAL_N6)
    hold = take(folder / LOCK, soon())
    assert hold is not None
    record = N6VirtualBoard.keep(folder, hold, machine_of(DK.name, Machine(nor=str(nor)), boot))
    os.close(hold)
    board = N6VirtualBoard.attach(record)
    assert isinstance(board, N6VirtualBoard)
    yield board
    assert end_board(VIRTUAL_N6, root=root) or dies  # whichever process it has by now


@pytest.fixture
def flash_booting(boards: Path, tmp_path: Path) -> Iterator[N6VirtualBoard]:
    yield from keep(boards, tmp_path / "nor", "flash")


def hello_of(board: Board, seconds: float = 30) -> bytes:
    transport = board.connect(soon())
    try:
        return Client(transport).hello(Deadline.after(seconds)).build_id
    finally:
        transport.close()


def test_weights_in_the_nor_change_no_byte_and_no_count(in_nor: InNor, boards: Path) -> None:
    ram, nor = (
        prove(Session(project, in_nor.subject, VIRTUAL_N6, vectors=2, seed=1, root=boards))
        for project in (in_nor.in_ram, in_nor.project)
    )
    assert (nor.exact, nor.complete) == (True, True)
    assert nor.cost.model == ram.cost.model
    assert nor.cost.frontend == ram.cost.frontend


def test_only_what_the_nor_lacks_is_written(in_nor: InNor, machine: N6VirtualBoard) -> None:
    loader = loader_beside(in_nor.project.elf)
    data = bytes(range(256)) * 2048
    pieces = [Piece("a", WEIGHTS, data), Piece("b", WEIGHTS + 0x200000, b"b" * 5000)]
    first = machine._debugger.write_nor(loader, pieces, soon())
    assert first.written == first.bytes == len(data) + 8192
    assert machine._debugger.write_nor(loader, pieces, soon()).written == 0
    changed = bytearray(data)
    changed[300_000] ^= 0xFF
    again = machine._debugger.write_nor(loader, [Piece("a", WEIGHTS, bytes(changed))], soon())
    assert 0 < again.written < len(data)


def test_the_loader_is_below_eight_kilobytes(in_nor: InNor) -> None:
    from host.boards.elf import loaded_sections

    elf = loader_beside(in_nor.project.elf).elf
    sizes = [len(section.data) for section in loaded_sections(elf)]
    assert 0 < sum(sizes) < 8192


def test_flash_boot_is_exact_and_counts_the_same(
    in_nor: InNor, boards: Path, flash_booting: N6VirtualBoard, tmp_path: Path
) -> None:
    """The very ELF that a debugger loads into RAM, copied by the first stage; its weights stay where they are."""
    for project in (in_nor.in_ram, in_nor.project):
        session = Session(project, in_nor.subject, VIRTUAL_N6, vectors=2, seed=1, root=boards)
        verdict = prove(session)
        assert (verdict.exact, verdict.complete) == (True, True)
        if project is in_nor.in_ram:
            loaded = prove(
                Session(project, in_nor.subject, VIRTUAL_N6, vectors=2, seed=1, root=boards / "own")
            )
            assert verdict.cost.model == loaded.cost.model
            assert loaded.boot == "ram"
        assert verdict.boot == "flash"
    assert (tmp_path / "nor").read_bytes()[:4] == b"STM2"


def test_a_reset_boots_again_from_the_nor(in_nor: InNor, flash_booting: N6VirtualBoard) -> None:
    flash_booting.flash(in_nor.project.elf, soon())
    first = hello_of(flash_booting)
    flash_booting.reset(soon())
    assert hello_of(flash_booting) == first


def test_a_kept_board_boots_by_itself_when_it_is_started(
    in_nor: InNor, boards: Path, tmp_path: Path
) -> None:
    """As a board does that gets power: no debugger lets it go."""
    write_nor(tmp_path / "nor", pieces_of(in_nor.in_ram))
    for board in keep(boards, tmp_path / "nor", "flash"):
        assert hello_of(board, 10) == elf_build_id(in_nor.in_ram.elf)


def pieces_of(project: Project) -> list[Piece]:
    return [first_stage(project.elf.with_name(FIRST_STAGE)), *application(project.elf)]


def spoilt(piece: Piece, at: int) -> Piece:
    data = bytearray(piece.data)
    data[at] ^= 1
    return Piece(piece.name, piece.address, bytes(data))


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ("a bit", "the application's CRC is not what its header says: 0x"),
        ("the magic", "there is no application in the NOR at 0x70100000: 0x"),
        ("nothing", "there is no application in the NOR at 0x70100000: 0xffffffff"),
    ],
)
def test_what_the_first_stage_refuses_it_says(
    in_nor: InNor, boards: Path, tmp_path: Path, wrong: str, complaint: str
) -> None:
    pieces = pieces_of(in_nor.in_ram)
    changed = {
        "a bit": [pieces[0], spoilt(pieces[1], 0x5000)],
        "the magic": [pieces[0], spoilt(pieces[1], 0)],
        "nothing": [pieces[0]],
    }
    write_nor(tmp_path / "nor", changed[wrong])
    for board in keep(boards, tmp_path / "nor", "flash"):
        board._debugger.reset(soon())
        with pytest.raises(BoardFailure) as caught:
            hello_of(board, 4)
        assert complaint in caught.value.what


def changed(project: Project, copy: Path, file: str, old: str, new: str) -> Project:
    """The project in `copy`, built, with one place of the port changed."""
    shutil.copytree(project.path, copy, ignore=shutil.ignore_patterns("build"))
    source = copy / "board" / file
    text = source.read_text()
    assert text.count(old) == 1
    source.write_text(text.replace(old, new))
    made = load_project(copy)
    build(made, Deadline.after(300))
    return made


@pytest.fixture(scope="module")
def deaf(in_nor: InNor, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Firmware that takes the NOR's pins for something else."""
    copy = tmp_path_factory.mktemp("deaf") / "project"
    pins = ("FUNCTION_XSPIM 9u", "FUNCTION_XSPIM 8u")
    return changed(in_nor.project, copy, "nj_xspi.c", *pins)


FORGOTTEN = {
    # Of the first stage: file, what is there, what is there instead, and how the run ends.
    "end of the caches": (
        *("nj_bare.h", '        "bl nj_cache_stop\\n"\n', ""),
        "another program is started while the data cache may hold what was copied",
    ),
    "what the data cache holds": (
        *("nj_cache.c", "        each_line(&SCB_DCCISW);\n", ""),
        "another program is started while the data cache may hold what was copied",
    ),
    "who may debug": (
        *("nj_registers.h", "NJ_BSEC_DBGCR_OPEN 0xB451B400u", "NJ_BSEC_DBGCR_OPEN 0xB451B500u"),
        "BSEC 56009e8c: debugging was neither left alone nor opened",
    ),
}


@pytest.mark.parametrize("forgotten", FORGOTTEN)
def test_what_the_first_stage_must_not_forget(
    in_nor: InNor, boards: Path, tmp_path: Path, forgotten: str
) -> None:
    """The boot ROM leaves caches on and debugging closed."""
    *change, said = FORGOTTEN[forgotten]
    project = changed(in_nor.in_ram, tmp_path / "project", *change)
    write_nor(tmp_path / "nor", pieces_of(project))
    for board in keep(boards, tmp_path / "nor", "flash", dies=True):
        with pytest.raises(NightjarError) as caught:
            hello_of(board, 10)
        assert said in str(caught.value)


def test_the_first_stage_opens_the_debug_port(
    in_nor: InNor, boards: Path, flash_booting: N6VirtualBoard
) -> None:
    flash_booting.flash(in_nor.in_ram.elf, soon())
    assert hello_of(flash_booting) == elf_build_id(in_nor.in_ram.elf)
    (server,) = boards.glob("**/gdb.sock")
    ask = ["gdb-multiarch", "-nx", "-batch", "-ex", f"target remote {server}"]
    ask += ["-ex", "x/2wx 0x56009e8c"]
    said = subprocess.run(ask, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "0xb451b400\t0x000000b4" in said


def test_a_nor_that_does_not_answer(
    in_nor: InNor, deaf: Project, boards: Path, tmp_path: Path
) -> None:
    """The flash loader, the first stage and the firmware say so, each in its way, and none for ever."""
    board = N6VirtualBoard.start(private_folder(boards, make=True))
    assert isinstance(board, N6VirtualBoard)
    try:
        with pytest.raises(FlashFailure, match="the NOR cannot be written: it does not answer"):
            board.flash(deaf.elf, soon())
    finally:
        board.close()
    good = pieces_of(in_nor.project)
    for name, pieces in (
        ("first", [first_stage(deaf.elf.with_name(FIRST_STAGE)), *good[1:]]),
        ("application", [good[0], *application(deaf.elf)]),
    ):
        write_nor(tmp_path / name, pieces)
        for kept in keep(boards / name, tmp_path / name, "flash"):
            kept._debugger.reset(soon())
            time.sleep(1)
            with pytest.raises(NightjarError) as caught:
                hello_of(kept, 10)
            if name == "first":
                assert "the NOR does not answer" in caught.value.what
            else:
                assert isinstance(caught.value, FirmwareFailure)
                assert f"{WEIGHTS:#010x}" in str(caught.value)
