"""What lies where on a memory card: index, log and recordings, byte for byte as `nj_card_layout.h` says.

A pair of the firmware's header: the magics, sizes and fields are its, and a test compiles it to hold them together.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from host.errors import BadInput

BLOCK = 512  # bytes
INDEX_BLOCK = 1
MOST_FILES = 30
LOG_ENTRIES = 15
_CARD = b"NJCARD\0\1"
_LOG = b"NJLOG\0\0\1"
_RECORDING = b"NJREC\0\0\1"
_LOG_BLOCK = b"NJLB"
_BUSY = (0x25, 0x41)  # of a boot sector: systems note there that a volume is in use


class FileKind(IntEnum):
    """What a file of the index is."""

    LOG = 1
    RECORDING = 2


class EntryKind(IntEnum):
    """What an entry of the log says."""

    START = 1
    DETECTION = 2
    END = 3
    LOST = 4


@dataclass(frozen=True)
class CardFile:
    """A contiguous file, in blocks of the card."""

    kind: FileKind
    first: int
    blocks: int


@dataclass(frozen=True)
class Entry:
    """An entry of the log. What its fields mean, by kind, says `struct nj_log_entry`."""

    kind: EntryKind
    label: int
    start: int
    end: int
    score: int
    count: int


def _sealed(content: bytes, size: int = BLOCK) -> bytes:
    """`content`, zeros, and the CRC-32 of both at the end of `size` bytes."""
    body = content.ljust(size - 4, b"\0")
    assert len(body) == size - 4
    return body + struct.pack("<I", zlib.crc32(body))


def _is_sealed(block: bytes, size: int = BLOCK) -> bool:
    return block[size - 4 : size] == struct.pack("<I", zlib.crc32(block[: size - 4]))


def volume_crc(boot_sector: bytes) -> int:
    """The CRC-32 by which the index knows its volume.

    Args:
        boot_sector: the volume's first 512 bytes.
    """
    sector = bytearray(boot_sector[:BLOCK])
    for place in _BUSY:
        sector[place] = 0
    return zlib.crc32(sector)


def index_block(files: Sequence[CardFile], *, volume: int, boot_sector: bytes) -> bytes:
    """The index, 512 bytes, for block `INDEX_BLOCK`.

    Args:
        volume: block of the boot sector.

    Raises:
        BadInput: more files than it has room for.
    """
    if len(files) > MOST_FILES:
        raise BadInput(
            f"a card's index names at most {MOST_FILES} files", evidence=f"Received: {len(files)}"
        )
    head = _CARD + struct.pack("<II", len(files), volume)
    rows = b"".join(struct.pack("<4I", file.kind, file.first, file.blocks, 0) for file in files)
    return _sealed(
        head + rows.ljust(16 * MOST_FILES, b"\0") + struct.pack("<I", volume_crc(boot_sector))
    )


def read_index(block: bytes) -> tuple[CardFile, ...]:
    """The files that an index names.

    Raises:
        BadInput: it is none of ours, or damaged.
    """
    if len(block) != BLOCK or not block.startswith(_CARD) or not _is_sealed(block):
        if block.startswith(_CARD[:-1]) and block[len(_CARD) - 1 :][:1] != _CARD[-1:]:
            raise _of_another_version("index", f"version {block[len(_CARD) - 1]}")
        raise BadInput(
            f"block {INDEX_BLOCK} of the card is no index of nightjar's",
            evidence=f"Received: {block[:8]!r}",
            next_step="format the card anew, after copying what it holds, then `nightjar sdcard add` to it",
        )
    (count, _) = struct.unpack_from("<II", block, 8)
    rows = [struct.unpack_from("<3I", block, 16 + 16 * i) for i in range(min(count, MOST_FILES))]
    try:
        return tuple(CardFile(FileKind(kind), first, blocks) for kind, first, blocks in rows)
    except ValueError as error:
        raise _of_another_version("index", str(error)) from error


def _of_another_version(what: str, found: str) -> BadInput:
    return BadInput(
        f"the card's {what} is of another version of nightjar",
        evidence=f"Received: {found}",
        next_step="read it with the nightjar that made it",
    )


def log_head(log_id: int, blocks: int) -> bytes:
    """The first block of a log.

    Args:
        log_id: u32, another one for every log that is made.
        blocks: of the file, this one included; at least 2. The others need no content.
    """
    return _sealed(_LOG + struct.pack("<II", log_id, blocks))


def log_block(log_id: int, number: int, entries: Sequence[Entry]) -> bytes:
    """Block `number` of a log, 512 bytes, as the firmware writes it: 1 to 15 entries."""
    assert 1 <= len(entries) <= LOG_ENTRIES
    rows = b"".join(
        struct.pack("<IIQQII", e.kind, e.label, e.start, e.end, e.score, e.count) for e in entries
    )
    return _sealed(_LOG_BLOCK + struct.pack("<3I", log_id, number, len(entries)) + rows)


@dataclass(frozen=True)
class Log:
    """What a log holds. damaged: blocks before its last whole one that are not whole, whose entries are lost.
    full: its last block is written, and it takes no more."""

    entries: tuple[Entry, ...]
    damaged: int
    full: bool


def read_log(file: bytes) -> Log:
    """The entries of a log, but for those of blocks that are not whole.

    Args:
        file: its head and any number of bytes after it.

    Raises:
        BadInput: it does not begin with a log's head, or has entries that nobody knows.
    """
    if len(file) < BLOCK or not file.startswith(_LOG) or not _is_sealed(file[:BLOCK]):
        raise BadInput(
            "this file is no log of nightjar's",
            evidence=f"Received: {len(file)} bytes, {file[:8]!r}",
            next_step="give the log file of a card that `nightjar sdcard` made",
        )
    (log_id, blocks) = struct.unpack_from("<II", file, 8)
    entries: list[Entry] = []
    whole = last = 0
    for number in range(1, min(blocks, len(file) // BLOCK)):
        block = file[BLOCK * number : BLOCK * (number + 1)]
        magic, owner, place, count = struct.unpack_from("<4s3I", block)
        if (magic, owner, place) != (_LOG_BLOCK, log_id, number) or not _is_sealed(block):
            continue
        whole, last = whole + 1, number
        for i in range(min(count, LOG_ENTRIES)):
            kind, *rest = struct.unpack_from("<IIQQII", block, 16 + 32 * i)
            try:
                entries.append(Entry(EntryKind(kind), *rest))
            except ValueError as error:
                raise _of_another_version("log", str(error)) from error
    return Log(tuple(entries), last - whole, full=last == blocks - 1)


def recording_head(rate_hz: int, samples: int) -> bytes:
    """The first block of a recording, a WAV head of 512 bytes; int16 mono samples follow.

    Raises:
        BadInput: more samples than a WAV file can have.
    """
    size = 2 * samples
    if size + BLOCK - 8 >= 1 << 32:
        raise BadInput(
            "a WAV file has less than 4 GiB", evidence=f"Received: {samples} samples of 2 bytes"
        )
    riff = b"RIFF" + struct.pack("<I", size + BLOCK - 8) + b"WAVE"
    format_ = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    junk = b"JUNK" + struct.pack("<I", 460) + _RECORDING + struct.pack("<II", rate_hz, samples)
    return _sealed(riff + format_ + junk, 504) + b"data" + struct.pack("<I", size)
