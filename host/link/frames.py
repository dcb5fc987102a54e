"""Link frames: COBS( version | type | sequence | request | payload | crc32 ) between 0x00 delimiters.

Little endian; the CRC-32 (zlib's) covers everything before it. See firmware/core/link/nightjar.cddl.
"""

import re
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from cobs import cobs

VERSION = 4
MAX_PIECE = 1024  # raw bytes of one DATA frame
DELIMITER = b"\x00"

_HEADER = struct.Struct("<BBHH")
_CRC = struct.Struct("<I")
_DATA = struct.Struct("<II")
_LARGEST = _HEADER.size + _DATA.size + MAX_PIECE + _CRC.size
# COBS adds one byte for every 254, and one.
MAX_BLOCK = _LARGEST + _LARGEST // 254 + 1
_KEPT_NOISE = 4096
_TEXT = re.compile(rb"[ -~]{8,}")
_PRINTABLE = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n\x1b")


class FrameType(IntEnum):
    """What a link frame is."""

    REQUEST = 1
    RESPONSE = 2
    DATA = 3
    CREDIT = 4
    LOG = 5
    EVENT = 6


_TYPES = frozenset(map(int, FrameType))


@dataclass(frozen=True)
class Frame:
    """One link frame. `type` is a plain number: an unknown one is kept and ignored by the client."""

    type: int  # u8
    sequence: int  # u16, counts the frames of one direction
    request: int  # u16, 0 for none
    payload: bytes
    version: int = VERSION


def encode(frame: Frame) -> bytes:
    """The bytes on the wire. The delimiter in front confines a lost delimiter to one frame."""
    body = _HEADER.pack(frame.version, frame.type, frame.sequence, frame.request) + frame.payload
    block: bytes = cobs.encode(body + _CRC.pack(zlib.crc32(body)))
    return DELIMITER + block + DELIMITER


@dataclass(frozen=True)
class Broken:
    """A block that looks like a frame that was hit.

    `frame`: what it says, when it is a frame of this version but for its CRC.
    """

    frame: Frame | None


def decode_block(block: bytes) -> Frame | None:
    """The frame in the bytes between two delimiters, or None when they are damaged or no frame."""
    frame, whole = _read_block(block)
    return frame if whole else None


def _read_block(block: bytes) -> tuple[Frame | None, bool]:
    """What a block says, if it is well formed, and whether its CRC is right."""
    try:
        body = cobs.decode(block)
    except cobs.DecodeError:
        return None, False
    if len(body) < _HEADER.size + _CRC.size:
        return None, False
    content, crc = body[: -_CRC.size], body[-_CRC.size :]
    version, kind, sequence, request = _HEADER.unpack_from(content)
    frame = Frame(kind, sequence, request, content[_HEADER.size :], version)
    return frame, _CRC.unpack(crc)[0] == zlib.crc32(content)


def data_payload(offset: int, total: int, piece: bytes) -> bytes:
    """The payload of a DATA frame; offset and total in bytes."""
    return _DATA.pack(offset, total) + piece


def parse_data(payload: bytes) -> tuple[int, int, bytes] | None:
    """(offset, total, piece) of a DATA payload, or None when it cannot be one."""
    if not _DATA.size <= len(payload) <= _DATA.size + MAX_PIECE:
        return None
    offset, total = _DATA.unpack_from(payload)
    piece = payload[_DATA.size :]
    return (offset, total, piece) if offset + len(piece) <= total else None


def parse_credit(payload: bytes) -> int | None:
    """The next offset wanted, or None when the payload is no CREDIT."""
    return _CRC.unpack(payload)[0] if len(payload) == _CRC.size else None


class StreamDecoder:
    """Cuts a byte stream into frames, and keeps the bytes that belong to none.

    `noise` holds the last 4 KiB of bytes outside frames, `noise_bytes` counts all of them but
    delimiters; `framed` counts the bytes of good frames, and `legible` those of frames that are
    well formed but for their CRC, delimiters included.
    """

    def __init__(self) -> None:
        self.noise = bytearray()
        self.noise_bytes = 0
        self.framed = 0
        self.legible = 0
        self._block = bytearray()
        self._skipping = False

    @property
    def partial(self) -> bytes:
        """What has come since the last delimiter."""
        return bytes(self._block)

    def feed(self, data: bytes) -> list[Frame | Broken]:
        """The frames that `data` completes, and the blocks that look like one, in order."""
        items = []
        *whole, rest = data.split(DELIMITER)
        for part in whole:
            self._block += part
            item = self._end_block()
            if item is not None:
                items.append(item)
        self._block += rest
        if len(self._block) > MAX_BLOCK:
            self._skipping = True
            self._keep(bytes(self._block))
            self._block.clear()
        return items

    def _end_block(self) -> Frame | Broken | None:
        block = bytes(self._block)
        self._block.clear()
        skipped, self._skipping = self._skipping, False
        if not block and not skipped:
            return None
        too_long = skipped or len(block) > MAX_BLOCK
        frame, good = (None, False) if too_long else _read_block(block)
        if good:
            self.framed += len(block) + 2 * len(DELIMITER)
            return frame
        self._keep(block)
        if frame is not None and frame.version == VERSION and frame.type in _TYPES:
            self.legible += len(block) + 2 * len(DELIMITER)
            return Broken(frame)
        return Broken(None) if skipped or not _is_text(block) else None

    def _keep(self, block: bytes) -> None:
        self.noise_bytes += len(block)
        self.noise += block
        del self.noise[:-_KEPT_NOISE]


def text_in(noise: bytes) -> str:
    """What can be read in bytes outside frames: runs of eight printable characters and more, the last 200 of them."""
    return " | ".join(run.decode("ascii") for run in _TEXT.findall(noise))[-200:]


def _is_text(block: bytes) -> bool:
    return sum(byte in _PRINTABLE for byte in block) * 10 >= len(block) * 9
