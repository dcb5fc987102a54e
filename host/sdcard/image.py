"""An image of an empty card: an MBR and one FAT32 volume, as the SD Association's formatter leaves one."""

import os
import secrets
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host.errors import BadInput, HostFailure
from host.files import temporary_prefix
from host.interrupts import unbroken
from host.listen.card import BLOCK
from host.sdcard.blocks import UNIT

LEAST = 64 << 20
MOST = 32 << 30  # what the Association formats as FAT32
_START = 8192  # block of the volume: 4 MiB, where a card's own units begin
_RESERVED = 32
_ROOT = 2  # first cluster of the root folder
_ROOT_BLOCKS = 32  # 512 files; one cluster of a small card has 16


def make_image(path: Path, size: int) -> None:
    """A new file of `size` bytes, most of which take no room on the disk. Raises as `new_image`."""
    with new_image(path, size):
        pass


@contextmanager
def new_image(path: Path, size: int) -> Iterator[Path]:
    """An image as `make_image` makes one, which is at `path` only if the block ends well, and never in part.

    Yields where it lies meanwhile, which is all that a kill leaves.

    Raises:
        BadInput: the file is there, or `size` is none that FAT32 can be made in.
        HostFailure: it cannot be written.
    """
    if not LEAST <= size <= MOST or size % UNIT:
        raise BadInput(
            f"an image has {LEAST >> 20} MiB to {MOST >> 30} GiB, in units of {UNIT} bytes",
            evidence=f"Received: {size} bytes",
        )
    if os.path.lexists(path):
        raise _there(path)
    meanwhile = path.with_name(f"{temporary_prefix(path)}{secrets.token_hex(4)}")
    try:
        _write(path, meanwhile, size)
        yield meanwhile
        with unbroken():
            _name(meanwhile, path)
    finally:
        meanwhile.unlink(missing_ok=True)


def _name(meanwhile: Path, path: Path) -> None:
    """Give a file its name, which nobody has given another one since."""
    try:
        path.hardlink_to(meanwhile)
    except FileExistsError as error:
        raise _there(path) from error
    except OSError as error:  # no hard links there, as on FAT
        if os.path.lexists(path):
            raise _there(path) from error
        meanwhile.rename(path)


def _there(path: Path) -> BadInput:
    return BadInput(
        "this file is there already, and nothing is written over",
        evidence=f"Received: {path}",
        next_step="give another name; `nightjar sdcard add` adds to a card that is there",
    )


def _write(path: Path, meanwhile: Path, size: int) -> None:
    """Write what shall become `path`."""
    try:
        descriptor = os.open(meanwhile, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise BadInput(
            "the image cannot be made", evidence=f"Received: {path}: {error.strerror}"
        ) from error
    try:
        os.truncate(descriptor, size)
        for block, data in _content(size // BLOCK):
            os.pwrite(descriptor, data, BLOCK * block)
        os.fsync(descriptor)
    except OSError as error:
        raise HostFailure(
            "the image cannot be written", evidence=f"{path}: {error.strerror}"
        ) from error
    finally:
        os.close(descriptor)


def _content(blocks: int) -> list[tuple[int, bytes]]:
    """What is not zero: block, and its bytes."""
    total = blocks - _START
    per = 1 if blocks <= 512 << 11 else 8 if blocks <= 8 << 21 else 32
    # As many entries as there may be clusters: a few blocks more than are needed, which FAT allows.
    fat_blocks = -(-(total // per + 2) * 4 // BLOCK)
    clusters = (total - _RESERVED - 2 * fat_blocks) // per
    assert clusters >= 65525
    boot = (
        struct.pack(
            "<3s8sHBHBHHBHHHIIIHHIHH12xBxBI11s8s",
            *(b"\xeb\x58\x90", b"NIGHTJAR", BLOCK, per, _RESERVED, 2, 0, 0, 0xF8, 0, 63, 255),
            *(_START, total, fat_blocks, 0, 0, _ROOT, 1, 6),
            *(0x80, 0x29, secrets.randbits(32), b"NO NAME    ", b"FAT32   "),
        ).ljust(510, b"\0")
        + b"\x55\xaa"
    )
    info = b"RRaA".ljust(484, b"\0") + b"rrAa" + b"\xff" * 8
    info = info.ljust(508, b"\0") + b"\x00\x00\x55\xaa"
    entry = struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", 0x0C, b"\xfe\xff\xff", _START, total)
    mbr = (bytes(446) + entry).ljust(510, b"\0") + b"\x55\xaa"
    root = [*range(_ROOT + 1, _ROOT + max(1, _ROOT_BLOCKS // per)), 0x0FFFFFFF]
    entries = [0x0FFFFFF8, 0x0FFFFFFF, *root]
    fat = struct.pack(f"<{len(entries)}I", *entries).ljust(BLOCK, b"\0")
    first = _START + _RESERVED
    return [
        (0, mbr),
        (_START, boot),
        (_START + 1, info),
        (_START + 6, boot),
        (_START + 7, info),
        (first, fat),
        (first + fat_blocks, fat),
    ]
