"""The images of the NOR against ELFs that gcc links, and against a reader of them written apart."""

import re
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.boards.n6_image import (
    Piece,
    application,
    check_apart,
    first_stage,
    joined,
    write_nor,
)
from host.errors import BadInput
from host.n6_layout import layout

SOURCE = """
extern const unsigned weights[];
__attribute__((section(".vectors"), used)) const unsigned vectors[2] = {0x30000400, 1};
__attribute__((section(".weights"), used)) const unsigned weights[3] = {1, 2, 3};
unsigned counter = 7;
void start(void) { counter += weights[1]; for (;;) {} }
"""
SCRIPT = """
ENTRY(start)
PHDRS {{ code PT_LOAD; data PT_LOAD; weights PT_LOAD; }}
SECTIONS
{{
    .text {code:#x} : {{ KEEP(*(.vectors)) *(.text*) . = ALIGN(16); }} :code
    .data 0x34190000 : AT({data}) {{ *(.data*) }} :data
    .weights {weights:#x} : AT({weights:#x}) {{ *(.weights) }} :weights
    /DISCARD/ : {{ *(.ARM.exidx* .comment .note*) }}
}}
"""

needs_gcc = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="apt-get install gcc-arm-none-eabi"
)


def linked(
    folder: Path, code: int, weights: int, data: str = "LOADADDR(.text) + SIZEOF(.text)"
) -> Path:
    """A program for these addresses."""
    (folder / "a.c").write_text(SOURCE)
    (folder / "a.ld").write_text(SCRIPT.format(code=code, weights=weights, data=data))
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-nostdlib", "-O1", "a.c"]
    subprocess.run(
        [*command, "-Wl,--no-check-sections", "-Ta.ld", "-o", "a.elf"], cwd=folder, check=True
    )
    return folder / "a.elf"


@needs_gcc
def test_an_application_lies_where_the_first_stage_looks(tmp_path: Path) -> None:
    at = layout()
    elf = linked(tmp_path, at["APPLICATION"], at["NOR_WEIGHTS"])
    image, weights = application(elf)
    magic, load, size, entry, crc = struct.unpack_from("<IIIII", image.data)
    payload = image.data[0x400:]
    assert image.address == 0x70100000
    assert (magic, load, size) == (0x50414A4E, 0x34000400, len(payload))
    assert crc == zlib.crc32(payload)
    assert payload[:8] == struct.pack("<II", 0x30000400, 1)
    assert load < entry < load + size
    # The start of .data is the last of what is copied, as objcopy sees it, too.
    flat = tmp_path / "flat"
    copy = ["arm-none-eabi-objcopy", "-O", "binary", "-R", ".weights", str(elf), str(flat)]
    subprocess.run(copy, check=True)
    assert flat.read_bytes() == payload
    assert weights == Piece("a segment of a.elf", 0x71000000, struct.pack("<III", 1, 2, 3))


@needs_gcc
def test_a_first_stage_has_the_header_that_the_boot_rom_reads(tmp_path: Path) -> None:
    at = layout()
    elf = linked(tmp_path, at["FIRST_STAGE"], at["FIRST_STAGE"] + 0x1000)
    image = first_stage(elf)
    assert image.address == 0x70000000
    assert image.data[:4] == b"STM2"
    checksum, version, size, entry = struct.unpack_from("<IIII", image.data, 0x64)
    assert (version, size) == (0x20300, len(image.data) - 0x400)
    assert checksum == sum(image.data[0x400:])
    assert entry & 1
    assert 0x34180400 < entry < 0x34181000
    # What is between the header's own 160 bytes and the payload is one padding header, and it says so.
    flags, behind, kind = struct.unpack_from("<III", image.data, 0x84)
    assert (flags, behind, kind) == (0x80000000, 0x400 - 0xA0, 0x10)
    assert image.data[0xA0:0xA8] == b"ST\xff\xff" + struct.pack("<I", behind)
    assert not any(image.data[4:0x64]), "no signature"
    assert not any(image.data[0xA8:0x400])


@needs_gcc
@pytest.mark.parametrize(
    ("code", "weights", "said"),
    [
        (0x34000000, 0x71000000, "begins at 0x34000400"),
        (0x34000400, 0x34180000, "ends before 0x34180000"),
        (0x34000400, 0x70100010, "application runs into"),
        (0x34000400, 0x34000404, "runs into"),
    ],
)
def test_what_cannot_be_booted_is_refused(
    tmp_path: Path, code: int, weights: int, said: str
) -> None:
    elf = linked(tmp_path, code, weights, "0x34001000")
    with pytest.raises(BadInput, match=said) as caught:
        application(elf)
    assert re.search(r"0x[0-9a-f]+ to 0x[0-9a-f]+ \([\d,]+ bytes\)", caught.value.evidence)


def test_what_is_no_elf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\x7fELF")
    for path in (tmp_path / "x", tmp_path / "none"):
        with pytest.raises(BadInput, match="cannot be read"):
            application(path)


@given(st.lists(st.tuples(st.integers(0, 40), st.binary(min_size=1, max_size=8)), min_size=1))
def test_pieces_join_as_bytes_do(drawn: list[tuple[int, bytes]]) -> None:
    pieces = [Piece(str(number), at, data) for number, (at, data) in enumerate(drawn)]
    taken = [at + index for at, data in drawn for index in range(len(data))]
    if len(taken) != len(set(taken)):
        with pytest.raises(BadInput, match="runs into"):
            check_apart(pieces)
        return
    memory = {at + index: byte for at, data in drawn for index, byte in enumerate(data)}
    whole = joined(pieces)
    assert whole.address == min(memory)
    assert list(whole.data) == [memory.get(at, 0xFF) for at in range(min(memory), max(memory) + 1)]


def test_the_nor_is_erased_where_nothing_lies(tmp_path: Path) -> None:
    write_nor(tmp_path / "nor", [Piece("a", 0x70000004, b"ab"), Piece("b", 0x70000008, b"c")])
    assert (tmp_path / "nor").read_bytes() == b"\xff" * 4 + b"ab" + b"\xff" * 2 + b"c"
