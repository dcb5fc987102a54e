"""A stream of bytes cut into whole link frames, delimiters included, and what lies between them."""

from dataclasses import dataclass

from host.link.frames import (
    DELIMITER,
    MAX_BLOCK,
    Frame,
    FrameType,
    decode_block,
    parse_credit,
    parse_data,
)

Identity = tuple[int, int, int]  # type, request, and of DATA and CREDIT the offset


@dataclass(frozen=True)
class Cut:
    """A frame with its delimiters; or bytes between frames, whose identity is None."""

    data: bytes
    identity: Identity | None


class Cutter:
    """Cuts the same stream in the same places, however it comes.

    What may be the beginning of a frame is held back.
    """

    def __init__(self) -> None:
        self._lead = b""  # the delimiter before the block
        self._block = bytearray()

    def feed(self, data: bytes) -> list[Cut]:
        """What `data` completes, in order."""
        cuts = []
        for number, part in enumerate(data.split(DELIMITER)):
            if number:
                cuts += self._delimiter()
            self._block += part
            while len(self._block) > MAX_BLOCK:
                cuts.append(Cut(self._lead + bytes(self._block[:MAX_BLOCK]), None))
                self._lead = b""
                del self._block[:MAX_BLOCK]
        return cuts

    def _delimiter(self) -> list[Cut]:
        block, lead = bytes(self._block), self._lead
        self._block.clear()
        if not block:
            self._lead = DELIMITER
            return [Cut(lead, None)] if lead else []
        self._lead = b""
        frame = decode_block(block)
        identity = None if frame is None else _identity(frame)
        return [Cut(lead + block + DELIMITER, identity)]


def _identity(frame: Frame) -> Identity:
    offset = None
    if frame.type == FrameType.CREDIT:
        offset = parse_credit(frame.payload)
    elif frame.type == FrameType.DATA and (parsed := parse_data(frame.payload)):
        offset = parsed[0]
    return frame.type, frame.request, offset or 0
