"""What a board says besides its answers, live: LOG frames, and bytes outside frames."""

from dataclasses import dataclass

from host.link.frames import DELIMITER, Frame, FrameType, StreamDecoder

_STEP = 512  # bytes; less than the decoder keeps of what belongs to no frame


@dataclass(frozen=True)
class Said:
    """`frame`: whether it came in a LOG frame; else it stood outside frames."""

    text: str
    frame: bool


class LogReader:
    """Turns a byte stream into what was said, in order. Frames of other types are dropped."""

    def __init__(self) -> None:
        self._decoder = StreamDecoder()
        self._shown = 0  # bytes of the unfinished block that `idle` has given away

    def feed(self, data: bytes) -> list[Said]:
        """What `data` completes."""
        said = []
        for start in range(0, len(data), _STEP):
            *whole, rest = data[start : start + _STEP].split(DELIMITER)
            for block in (*(part + DELIMITER for part in whole), rest):
                said += self._feed(block)
        return said

    def idle(self) -> list[Said]:
        """What has come of a block that nobody finishes, when the line has been silent: text has no delimiter."""
        rest = self._decoder.partial[self._shown :]
        self._shown += len(rest)
        return [_outside(rest)] if rest else []

    def _feed(self, block: bytes) -> list[Said]:
        decoder = self._decoder
        before = decoder.noise_bytes
        frames = [item for item in decoder.feed(block) if isinstance(item, Frame)]
        fresh = decoder.noise_bytes - before
        kept = bytes(decoder.noise[-fresh:]) if fresh else b""
        said = [_outside(kept[self._shown :])] if len(kept) > self._shown else []
        if not decoder.partial:
            self._shown = 0
        said += [
            Said(frame.payload.decode(errors="replace"), frame=True)
            for frame in frames
            if frame.type == FrameType.LOG
        ]
        return said


def _outside(data: bytes) -> Said:
    return Said(data.decode(errors="backslashreplace"), frame=False)
