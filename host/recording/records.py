"""The stream of a recording, `frames.bin`: what a session took from outside, in order, each with its time.

A record is a byte that says its kind, the microseconds since the record before, and what the kind has: of SENT and
CAME the number of the line, how many bytes, and the bytes; of SILENCE the number of the line; of NOTE how many bytes,
and JSON; of CLOCK nothing. Numbers are unsigned LEB128.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

MOST_RECORD = (
    4 << 20
)  # bytes of one record; a read gives 128 KiB at most, notes are errors and places
MOST_RECORDS = 1 << 24
_LONGEST = 9  # bytes of a number: 63 bits


class Kind(IntEnum):
    """What a record is."""

    CLOCK = 0  # the session looked at its clock
    SENT = 1  # the client sent a frame
    CAME = 2  # a read gave these bytes
    SILENCE = 3  # a read gave none before its deadline
    NOTE = 4  # JSON: what the board did besides the link; what is asked from here on


_ON_A_LINE = (Kind.SENT, Kind.CAME, Kind.SILENCE)


@dataclass(frozen=True)
class Record:
    """One record.

    at: microseconds since the session began. line: 0 is the session's own link, each further number another
    connection to the board. data: bytes of SENT and CAME, JSON of a NOTE.
    """

    kind: Kind
    at: int
    line: int = 0
    data: bytes = b""


class Stream:
    """Records as they are written."""

    def __init__(self) -> None:
        self.count = 0
        self._bytes = bytearray()
        self._at = 0

    def __len__(self) -> int:
        return len(self._bytes)

    def __bytes__(self) -> bytes:
        return bytes(self._bytes)

    def put(self, kind: Kind, at: int, line: int = 0, data: bytes = b"") -> None:
        """Add a record; `at` is never before that of the last one."""
        self.count += 1
        out = self._bytes
        out.append(kind)
        out += _number(at - self._at)
        self._at = at
        if kind in _ON_A_LINE:
            out += _number(line)
        if kind not in (Kind.CLOCK, Kind.SILENCE):
            out += _number(len(data))
            out += data


def records(data: bytes) -> Iterator[Record]:
    """The records of a stream.

    Raises:
        ValueError: it is none, ends within a record, or has more than MOST_RECORDS.
    """
    place, at, left = 0, 0, MOST_RECORDS

    def number() -> int:
        nonlocal place
        value = 0
        for shift in range(0, 7 * _LONGEST, 7):
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError(f"a number of more than {_LONGEST} bytes before byte {place}")

    while place < len(data):
        start = place
        try:
            kind = Kind(data[place])
            place += 1
            at += number()
            line = number() if kind in _ON_A_LINE else 0
            size = number() if kind not in (Kind.CLOCK, Kind.SILENCE) else 0
        except IndexError:
            raise ValueError(f"it ends within the record at byte {start}") from None
        left -= 1
        if left < 0:
            raise ValueError(f"more than {MOST_RECORDS:,} records")
        if size > MOST_RECORD or place + size > len(data):
            raise ValueError(f"a record of {size:,} bytes at byte {start} of {len(data):,}")
        yield Record(kind, at, line, data[place : place + size])
        place += size


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
