"""Golden texts: what `flash --dry-run` prints, for every way and board."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from host.boards.bench_file import BenchBoard, Machine
from host.boards.elf import loaded_sections
from host.boards.flashers import dry_run, flasher_of
from host.boards.flashers.gdb_server import GdbServer
from host.boards.flashers.parts import Image, Part
from host.boards.flashers.testing_tools import (
    DK,
    ENTRY,
    GOLDEN,
    NUCLEO,
    Tools,
    add_loader,
    needs_binutils,
)
from host.boards.gdb_script import PYOCD
from host.boards.kinds import NOT_SEEN, VIRTUAL_N6
from host.boards.testing_bare import link_bare


@pytest.mark.parametrize("board", [DK, NUCLEO], ids=lambda board: board.kind)
@pytest.mark.parametrize("way", ["probe-rs", "cubeprogrammer"])
def test_a_dry_run_prints_the_exact_commands(
    tools: Tools, image: Image, board: BenchBoard, way: str
) -> None:
    flasher = flasher_of(replace(board, flasher=way))
    text = dry_run(flasher, image, replace(board, flasher=way))
    golden = GOLDEN / f"{way}-{board.kind}.txt"
    assert text.replace(str(image.elf.parent), "BUILD") == golden.read_text()
    assert tools.calls == []


GDBS = {
    "openocd-stm32n6570-dk": (DK, GdbServer()),
    "openocd-nucleo-n657x0-q": (NUCLEO, GdbServer()),
    "st-link-stm32n6570-dk": (replace(DK, gdb="localhost:61234"), GdbServer()),
    "st-link-nucleo-n657x0-q": (replace(NUCLEO, gdb="localhost:61234"), GdbServer()),
    "pyocd-stm32n6570-dk": (replace(DK, gdb="bench:3333"), GdbServer(PYOCD)),
    "pyocd-nucleo-n657x0-q": (replace(NUCLEO, gdb="bench:3333"), GdbServer(PYOCD)),
    "openocd-server-stm32n6570-dk": (replace(DK, gdb="bench:3333"), GdbServer()),
    "qemu-n6-virtual": (
        BenchBoard("vm", VIRTUAL_N6, gdb="/run/nightjar/gdb.sock", machine=Machine(uid="Z")),
        GdbServer(),
    ),
}


@needs_binutils
@pytest.mark.parametrize("name", GDBS)
def test_a_dry_run_by_gdb_prints_its_script(tmp_path: Path, name: str) -> None:
    """And where the server is none of its own, how that is started on the right probe."""
    board, way = GDBS[name]
    text = dry_run(way, Image(link_bare(tmp_path)), board)
    assert (NOT_SEEN in text) == (board.kind != VIRTUAL_N6)
    assert text.replace(str(tmp_path), "BUILD") == (GOLDEN / f"gdb-{name}.txt").read_text()


@needs_binutils
@pytest.mark.parametrize("board", [DK, NUCLEO], ids=lambda board: board.kind)
def test_a_dry_run_by_gdb_for_the_nor(tmp_path: Path, board: BenchBoard) -> None:
    """Each part split as the loader takes it, and its blocks written where they are not there already."""
    elf = link_bare(tmp_path)
    add_loader(tmp_path)
    (tmp_path / "nor").mkdir()
    parts = []
    for name, address, size in (
        ("first-stage", 0x70000000, 0x1000),
        ("application", 0x70100000, 0x41000),
    ):
        file = tmp_path / "nor" / f"{name}.bin"
        file.write_bytes(bytes(size))
        parts.append(Part(file, address, ENTRY if address == 0x70000000 else None, headed=True))
    text = dry_run(GdbServer(), Image(elf, tuple(parts)), board)
    golden = GOLDEN / f"gdb-flash-boot-{board.kind}.txt"
    assert text.replace(str(tmp_path), "BUILD") == golden.read_text()


@needs_binutils
def test_a_dry_run_by_gdb_of_firmware_with_weights_in_the_nor(tmp_path: Path) -> None:
    """The ELF is taken apart first; what is typed makes just the files that are then written."""
    elf = link_bare(tmp_path, constants=0x71000000, text="weights")
    add_loader(tmp_path)
    text = dry_run(GdbServer(), Image(elf), DK)
    golden = GOLDEN / "gdb-weights-in-nor.txt"
    assert text.replace(str(tmp_path), "BUILD") == golden.read_text()
    before_gdb = text.partition("cat >")[0]
    subprocess.run(["bash", "-e", "-c", before_gdb], check=True)
    whole = (tmp_path / "nor/rodata.bin.0000").read_bytes()
    assert whole == b"weights\0".ljust(0x1000, b"\xff")
    ram = loaded_sections(tmp_path / "nor/bare-in-ram.elf")
    assert [one.name for one in ram] == [".vectors", ".text"]
