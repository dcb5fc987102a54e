"""A file of the window cache: what is heard of a recording, as PCM.

A line with the SHA-256 of the next; a line of JSON; then the samples, int16, of the stretches of
the recording that hold its chunks and what is kept around them. Where chunks overlap, their samples
are there once. A file is written whole, and its samples are held against their digest before their
first use, so that a damaged disk or a torn write is not taken for sound.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from model_gen.audio.chunks import merged

SCHEMA = "nightjar/windows/2"
_LONGEST = 1 << 26  # bytes of a header
_PIECE = 1 << 20  # bytes that are read at once

Samples = npt.NDArray[np.int16]


class Part(NamedTuple):
    """What of a recording lies in a window, in samples; zeros are around it."""

    offset: int  # in the window
    begin: int  # among the samples of the entry's stretches
    length: int


class Damaged(Exception):
    """A file that is no whole entry of this version; the text says why."""


@dataclass(frozen=True)
class Entry:
    """What is known of a recording's windows. All figures but the digest are in samples."""

    name: str  # of its file: what it is of
    starts: tuple[int, ...]  # of the chunks
    samples: int  # that were decoded
    whole: int  # of the recording, with what was not decoded; as its header says
    stretches: tuple[tuple[int, int], ...]  # begin and end in the recording, rising, apart
    sha256: str  # of the samples of all stretches

    def head(self) -> bytes:
        """What stands in a file before the samples."""
        line = json.dumps({"schema": SCHEMA, **asdict(self)}).encode() + b"\n"
        return hashlib.sha256(line).hexdigest().encode() + b"\n" + line

    @property
    def pcm_bytes(self) -> int:
        """Bytes of the samples of all stretches."""
        return 2 * sum(end - begin for begin, end in self.stretches)

    def unheard(self, chunk: int) -> int:
        """How many samples of the recording are in no chunk."""
        heard = merged((start, min(start + chunk, self.samples)) for start in self.starts)
        return self.whole - sum(end - begin for begin, end in heard)

    def stretch(self, sample: int) -> tuple[int, int]:
        """The stretch that a sample of the recording lies in.

        Raises:
            ValueError: it is not kept.
        """
        at = bisect_right(self.stretches, (sample, self.whole)) - 1
        if at < 0 or sample >= self.stretches[at][1]:
            raise ValueError(f"Received: sample {sample}, of which {self.stretches} is kept")
        return self.stretches[at]

    def part(self, start: int, length: int) -> Part:
        """What of the recording lies in a window from sample `start` on, `start` being of any sign.

        Raises:
            ValueError: the recording has samples there that are not kept.
        """
        begin, end = max(0, start), min(start + length, self.samples)
        if begin >= end:
            return Part(0, 0, 0)
        kept = self.stretch(begin)
        if end > kept[1]:
            raise ValueError(f"Received: samples {begin} to {end}, of which {kept} is kept")
        before = sum(high - low for low, high in self.stretches if high < kept[1])
        return Part(begin - start, before + begin - kept[0], end - begin)


def stretches(
    starts: Iterable[int], chunk: int, margin: int, samples: int
) -> tuple[tuple[int, int], ...]:
    """What is kept of a recording: its chunks with `margin` on both sides, as far as it goes.

    With a margin, a recording of at most two chunks is kept whole: a chunk may lie anywhere in it.
    """
    if margin and samples <= 2 * chunk:
        return ((0, samples),)
    spans = ((max(0, at - margin), min(samples, at + chunk + margin)) for at in starts)
    return tuple(merged(spans))


def parts(blocks: Iterable[Samples], kept: tuple[tuple[int, int], ...]) -> Iterator[Samples]:
    """The samples of stretches of a recording that comes in blocks; stops when it has them all."""
    source, at, block = iter(blocks), 0, np.zeros(0, np.int16)
    for begin, end in kept:
        while begin < end:
            while at + len(block) <= begin:
                at += len(block)
                following = next(source, None)
                if following is None:
                    return
                block = following
            piece = block[begin - at : end - at]
            yield piece
            begin += len(piece)


def read_entry(stream: BinaryIO, name: str) -> Entry:
    """The header of an entry, held against its digest; the file is as long as it says.

    The stream stands before the samples then.

    Raises:
        Damaged: it is no whole entry of this version, or that of another name.
    """
    digest, line = stream.readline(66).rstrip(b"\n"), stream.readline(_LONGEST)
    if hashlib.sha256(line).hexdigest().encode() != digest:
        raise Damaged("its header is damaged, or of another version")
    head = json.loads(line)
    if head.pop("schema") != SCHEMA:
        raise Damaged(f"it is not {SCHEMA}")
    head["starts"] = tuple(head["starts"])
    head["stretches"] = tuple((begin, end) for begin, end in head["stretches"])
    entry = Entry(**head)
    if entry.name != name:
        raise Damaged("it is of another recording")
    begin = stream.tell()
    size, wanted = stream.seek(0, 2), begin + entry.pcm_bytes
    if size != wanted:
        raise Damaged(f"it has {size} bytes instead of {wanted}")
    stream.seek(begin)
    return entry


def check_samples(stream: BinaryIO, entry: Entry) -> None:
    """Hold the samples, before which the stream stands, against the header.

    Raises:
        Damaged: these are others.
    """
    digest = hashlib.sha256()
    while piece := stream.read(_PIECE):
        digest.update(piece)
    if digest.hexdigest() != entry.sha256:
        raise Damaged("the digest of its samples differs")
