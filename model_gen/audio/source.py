"""A recording as it lies on the disk, in blocks; of a damaged one, what is good of it.

Recorders lose power, cards fill up, transfers break off. What was written before is worth hearing:

* a header that was never finished (data size 0) is read as if its data reached to the end;
* space that was reserved and never written (zeros behind such data) is no sound;
* where the data break off or make no sense, the samples before that are given.

What was wrong stands in `Source.damage` afterwards.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.interrupts import unbroken
from model_gen.audio.ends import end_trouble
from model_gen.audio.quiet import quiet
from model_gen.audio.stream import Stream
from model_gen.audio.unfinished import put_right

BLOCK = 1 << 16  # frames read at a time
_UNKNOWN = 1 << 40  # frames; a header that claims more does not know
# What libsndfile notes of a container whose data end before its header says.
_CUT = re.compile(r"(?:data|SSND|Data Size|riff|Riff size)\s*: (\d+) \(should be (\d+)\)")
_OPEN_ENDED = (1 << 32) - 1  # bytes; who writes into a pipe says this
_NO_FILE = 7  # libsndfile's code for a path that is no regular file
_FLOATS = frozenset({"FLOAT", "DOUBLE"})

Samples = npt.NDArray[np.float32]


class Unreadable(Exception):
    """Nothing of a file can be decoded; the text says why."""


class Source:
    """An open recording. rate: in Hz. floats: whether its samples may lie outside [-1, 1]."""

    def __init__(self, file: Any, stream: Stream, damage: str) -> None:
        self._file = file
        self._stream = stream
        self._reserved = bool(damage)
        self.rate = int(file.samplerate)
        self.channels = int(file.channels)
        self.floats = file.subtype in _FLOATS
        self.damage = damage or _cut_short(file.extra_info)
        claimed = int(file.frames)
        self.claimed = claimed if claimed < _UNKNOWN else None  # frames, as the header says

    def blocks(self, most: int | None = None, size: int = BLOCK) -> Iterator[Samples]:
        """Yield float32 [n, channels], n from 1 to `size`, of the first `most` frames; once.

        Raises:
            Unreadable: the file cannot be decoded at all.
        """
        blocks = self._blocks(most, size)
        return _written(blocks) if self._reserved else blocks

    def _blocks(self, most: int | None, size: int) -> Iterator[Samples]:
        end = self.claimed if most is None else min(most, self.claimed or most)
        done = 0
        while end is None or done < end:
            block = np.full((size if end is None else min(size, end - done), self.channels), np.nan)
            block = block.astype(np.float32)
            reason = ""
            try:
                # libsndfile calls our stream, which no exception leaves: Ctrl-C would be the end of the file.
                with unbroken(), quiet():
                    got = len(self._file.read(out=block))
            except (RuntimeError, OSError, ValueError) as error:
                got, reason = _filled(block), _reason(error)
            reason = reason or self._stream.trouble
            done += got
            if got:
                yield block[:got]
            if got < len(block) or reason:
                if not done and reason:
                    raise Unreadable(reason)
                self._ended(done, reason, most)
                return

    def sha256(self) -> str:
        """SHA-256 of all bytes of the file; those that were not decoded are read for it.

        Raises:
            Unreadable: the system refuses to read them.
        """
        try:
            return self._stream.sha256()
        except OSError as error:
            raise Unreadable(_reason(error)) from error

    def _ended(self, done: int, reason: str, most: int | None) -> None:
        """Say what is wrong with data that end after `done` frames, before the header or `most`
        does."""
        seconds = f"{done / self.rate:.3f} s"
        if self.claimed is None:
            self.damage = f"its header does not say how long it is; {seconds} can be read"
        elif done < self.claimed and (most is None or done < most):
            claimed = f"{self.claimed / self.rate:.3f} s"
            self.damage = f"only {seconds} of {claimed} can be read" + (
                f": {reason}" if reason else ""
            )


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a recording.

    Raises:
        Unreadable: it is no sound that libsndfile knows, or the system refuses to read it.
    """
    try:
        stream = Stream(path)
    except OSError as error:
        raise Unreadable(_reason(error)) from error
    with stream:
        if not stream.size:
            raise Unreadable("an empty file")
        damage = put_right(stream.head, stream.size)
        end = "" if damage else end_trouble(stream)
        with _file(path, stream) as file:
            source = Source(file, stream, damage)
            source.damage = source.damage or end
            yield source


@contextmanager
def _file(path: Path, stream: Stream) -> Iterator[Any]:
    import soundfile

    try:
        with unbroken(), quiet():
            try:
                file = soundfile.SoundFile(stream)
            except soundfile.LibsndfileError:
                # By its name libsndfile also knows MP3 that begins with something else. Bytes:
                # soundfile cannot encode a name that is not UTF-8.
                file = soundfile.SoundFile(os.fsencode(path))
    except (RuntimeError, OSError, ValueError) as error:
        raise Unreadable(stream.trouble or _reason(error)) from error
    # soundfile seeks after each read of a file that lets it, and MP3 goes astray there.
    file.seekable = lambda: False
    try:
        yield file
    finally:
        file.close()


def _reason(error: Exception) -> str:
    """What an exception of libsndfile, of ours or of the system says, without the path."""
    if getattr(error, "code", None) == _NO_FILE:  # what it also says of any file with no MP3 in it
        return "nothing in it can be decoded"
    said = getattr(error, "error_string", None) or getattr(error, "strerror", None)
    return said or str(error) or type(error).__name__


def _cut_short(notes: str) -> str:
    found = _CUT.search(notes)
    claimed, there = (int(found[1]), int(found[2])) if found else (0, 0)
    if there >= claimed or claimed == _OPEN_ENDED:
        return ""
    return f"it ends early: {there:,} of {claimed:,} bytes are there"


def _filled(block: Samples) -> int:
    """Frames that a read which failed had written into a block of NaN."""
    empty = np.isnan(block).any(axis=1)
    return int(np.argmax(empty)) if empty.any() else len(block)


def _written(blocks: Iterator[Samples]) -> Iterator[Samples]:
    """The blocks without the zeros behind the last other sample."""
    zeros: list[Samples] = []
    for block in blocks:
        sounding = np.flatnonzero(block.any(axis=1))
        if not len(sounding):
            zeros.append(block)
            continue
        yield from zeros
        last = int(sounding[-1]) + 1
        yield block[:last]
        zeros = [block[last:]] if last < len(block) else []
