"""What a UART hears of bytes that were sent at another speed than it listens at."""

import math

_LEVELS = 10  # bits of a byte on the line: start, eight of data, stop


def heard(data: bytes, sent_at: float, read_at: float) -> bytes:
    """The bytes that a receiver takes from a line that was idle before and is idle behind them.

    8N1, least bit first; a bit is sampled in its middle. A byte whose stop bit is missing is taken
    as it was sampled, and the next start is looked for once the line has been high.

    Args:
        data: as sent, without a pause.
        sent_at: bits a second of the sender; at 0 it sends nothing.
        read_at: of the receiver; at 0 it hears nothing.
    """
    if not sent_at or not read_at:
        return b""
    if sent_at == read_at:
        return data
    line = [level for byte in data for level in (0, *(byte >> bit & 1 for bit in range(8)), 1)]
    bit = sent_at / read_at  # of the receiver, in bits of the sender
    taken = bytearray()
    at = 0.0
    while (start := _falls(line, at)) is not None:
        levels = [_level(line, start + (number + 0.5) * bit) for number in range(_LEVELS)]
        at = start + (_LEVELS - 0.5) * bit
        if levels[0] == 0:
            taken.append(sum(level << number for number, level in enumerate(levels[1:9])))
        else:  # shorter than half a bit of the receiver: no start
            at = start + 0.5 * bit
    return bytes(taken)


def _level(line: list[int], at: float) -> int:
    return line[int(at)] if at < len(line) else 1


def _falls(line: list[int], at: float) -> int | None:
    """When, from `at` on, the line next goes from high to low."""
    for number in range(math.ceil(at), len(line)):
        if line[number] == 0 and (number == 0 or line[number - 1] == 1):
            return number
    return None
