"""The CRC of an image, against program headers that are read by hand."""

import struct
import zlib
from pathlib import Path

import pytest

from host.errors import BadInput
from host.link.image import image_crc
from host.link.testing_firmware import build_firmware, can_build

LOAD, NOTE = 1, 4
READ, WRITE = 4, 2


def make_elf(segments: list[tuple[int, int, int, int, bytes, int]]) -> bytes:
    """A 32-bit ELF of (type, flags, virtual, physical, bytes, bytes in memory)."""
    at = 52 + 32 * len(segments)
    headers, content = b"", b""
    for kind, flags, virtual, physical, data, size in segments:
        headers += struct.pack(
            "<8I", kind, at + len(content), virtual, physical, len(data), size, flags, 4
        )
        content += data
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    head = struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, 0, 52, 0, 0, 52, 32, len(segments), 40, 0, 0)
    return ident + head + headers + content


def naive(*parts: tuple[int, bytes]) -> int:
    whole = b""
    for address, data in parts:
        whole += address.to_bytes(4, "little") + len(data).to_bytes(4, "little") + data
    return zlib.crc32(whole)


def test_loaded_segments_by_address_without_what_is_written_in_place(tmp_path: Path) -> None:
    elf = tmp_path / "made.elf"
    segments = [
        (LOAD, READ, 0x70000000, 0x70000000, b"constants", 9),
        (LOAD, READ | WRITE, 0x31000000, 0x70000010, b"image of data", 13),
        (LOAD, READ | WRITE, 0x32000000, 0x32000000, b"in place", 8),
        (LOAD, READ, 0x10000000, 0x10000000, b"code", 4),
        (LOAD, READ, 0x20000000, 0x20000000, b"", 100),
        (NOTE, READ, 0x70000000, 0x70000000, b"note", 4),
    ]
    elf.write_bytes(make_elf(segments))
    want = naive((0x10000000, b"code"), (0x70000000, b"constants"), (0x70000010, b"image of data"))
    assert image_crc(elf) == want
    moved = [(*segments[0][:3], 0x70000100, *segments[0][4:]), *segments[1:]]
    elf.write_bytes(make_elf(moved))
    assert image_crc(elf) != want


@pytest.mark.parametrize("tier", ["native", "virtual"])
def test_of_real_firmware(tier: str) -> None:
    if not can_build(tier):
        pytest.skip(f"no compiler for {tier}")
    elf = build_firmware("tiny", tier)
    data = elf.read_bytes()
    wide = data[4] == 2
    table, size = struct.unpack_from("<Q" if wide else "<I", data, 32 if wide else 28)[0], 56
    parts = []
    for number in range(struct.unpack_from("<H", data, 56 if wide else 44)[0]):
        if wide:
            fields = struct.unpack_from("<IIQQQQ", data, table + size * number)
            kind, flags, offset, virtual, physical, count = fields
        else:
            fields = struct.unpack_from("<IIIIIII", data, table + 32 * number)
            kind, offset, virtual, physical, count, _, flags = fields
        if kind == LOAD and count and not (flags & WRITE and virtual == physical):
            parts.append((physical, data[offset : offset + count]))
    assert len(parts) == 3
    assert image_crc(elf) == naive(*sorted(parts))


def test_what_is_no_elf_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"no ELF at all", make_elf([])[:40]):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(BadInput, match="image of the firmware cannot be read"):
            image_crc(tmp_path / "other")
    with pytest.raises(BadInput):
        image_crc(tmp_path / "absent")
