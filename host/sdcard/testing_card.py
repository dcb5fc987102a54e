"""Images of cards for tests, and a naive reader of FAT to hold ours against."""

import struct
from pathlib import Path

BLOCK = 512


def fat16_image(
    path: Path, *, clusters: int = 5000, start: int = 63, root_entries: int = 32
) -> None:
    """An image as an old camera formats one: FAT16, and a file OLD.TXT of 1500 bytes in two pieces of 1024 at most."""
    fat_blocks = -(-(clusters + 2) * 2 // BLOCK)
    root_blocks = root_entries * 32 // BLOCK
    total = 1 + 2 * fat_blocks + root_blocks + 2 * clusters
    boot = struct.pack(
        "<3s8sHBHBHHBHHHII", b"\xeb\x3c\x90", b"CAMERA  ", BLOCK, 2, 1, 2, root_entries, 0, 0xF8,
        fat_blocks, 63, 255, start, total,
    ).ljust(510, b"\0") + b"\x55\xaa"  # fmt: skip
    fat = bytearray(fat_blocks * BLOCK)
    struct.pack_into("<6H", fat, 0, 0xFFF8, 0xFFFF, 5, 0, 0, 0xFFFF)
    entry = struct.pack("<11sB14xHI", b"OLD     TXT", 0x20, 2, 1500)
    mbr = bytearray(BLOCK)
    mbr[446:462] = struct.pack("<B3sB3sII", 0, b"\0\0\0", 0x06, b"\0\0\0", start, total)
    mbr[510:] = b"\x55\xaa"
    size = -(-(start + total) * BLOCK // 0x80000) * 0x80000
    with path.open("wb") as file:
        file.truncate(size)
        file.write(mbr)
        file.seek(start * BLOCK)
        file.write(boot + bytes(fat) * 2 + entry)
        data = start + 1 + 2 * fat_blocks + root_blocks
        file.seek(data * BLOCK)
        file.write(b"first".ljust(1024, b"1"))
        file.seek((data + 6) * BLOCK)
        file.write(b"second".ljust(476, b"2"))


def read_file(path: Path, name: str) -> bytes:
    """A file of the root folder, cluster by cluster along its chain, by both copies of the FAT.

    Raises:
        KeyError: there is none.
    """
    image = path.read_bytes()
    start = struct.unpack_from("<I", image, 454)[0] * BLOCK
    boot = image[start : start + BLOCK]
    per, reserved, fats, roots = struct.unpack_from("<BHBH", boot, 13)
    short, long = struct.unpack_from("<H", boot, 22)[0], struct.unpack_from("<I", boot, 36)[0]
    fat_size = (short or long) * BLOCK
    width = 2 if short else 4
    fat = start + reserved * BLOCK
    copies = [image[fat + i * fat_size : fat + (i + 1) * fat_size] for i in range(fats)]
    assert len(set(copies)) == 1, "the copies of the FAT differ"
    data = fat + fats * fat_size + roots * 32

    def after(cluster: int) -> int:
        return (
            int.from_bytes(copies[0][width * cluster : width * cluster + width], "little")
            & 0x0FFFFFFF
        )

    def chain(cluster: int) -> bytes:
        found = b""
        while 2 <= cluster < (0xFFF8 if short else 0x0FFFFFF8):
            at = data + (cluster - 2) * per * BLOCK
            found += image[at : at + per * BLOCK]
            cluster = after(cluster)
        return found

    root = (
        image[data - roots * 32 : data] if short else chain(struct.unpack_from("<I", boot, 44)[0])
    )
    stem, _, suffix = name.partition(".")
    for at in range(0, len(root), 32):
        if root[at : at + 11] == stem.ljust(8).encode() + suffix.ljust(3).encode():
            high, low, size = struct.unpack_from("<H4xHI", root, at + 20)
            return chain((0 if short else high << 16) | low)[:size]
    raise KeyError(name)
