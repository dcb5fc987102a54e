"""How the chunks of a recording reach a board: each whole, or as a stream that carries every sample once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]


class Way(StrEnum):
    """Whole; as the first of a stream; or as the samples that follow the chunk before."""

    WHOLE = "whole"
    FIRST = "first"
    NEXT = "next"


@dataclass(frozen=True, eq=False)
class Feed:
    """A chunk, int16 [samples], and the blocks that are sent for it."""

    way: Way
    chunk: Samples
    blocks: tuple[Samples, ...]
    stride: int = 0  # of the stream

    def in_blocks(self, generator: np.random.Generator) -> "Feed":
        """The same samples in up to eight blocks of random sizes."""
        (samples,) = self.blocks
        if self.way is Way.WHOLE:
            return self
        cuts = generator.integers(1, max(2, samples.size), generator.integers(0, 8))
        parts = np.split(samples, np.unique(cuts[cuts < samples.size]))
        return replace(self, blocks=tuple(parts))


def feeds(recording: Samples, starts: Sequence[int], chunk: int, stride: int = 0) -> list[Feed]:
    """How the chunks that begin at `starts` are sent.

    Args:
        recording: int16 [samples]; padded with zeros at its end where it is shorter than a chunk.
        starts: rising.
        stride: chunks that follow one another by just so many samples form a stream; 0: none do. Any other chunk, as
            the last one, which is aligned to the recording's end, goes whole.
    """
    padded = np.pad(recording, (0, max(0, chunk - recording.size)))
    places = np.array(starts)
    joined = np.diff(places) == stride if stride else np.zeros(max(0, places.size - 1), bool)
    made = []
    for place, after, before in zip(places, [False, *joined], [*joined, False], strict=True):
        end = place + chunk
        whole = padded[place:end]
        if after:
            made.append(Feed(Way.NEXT, whole, (padded[end - stride : end],), stride))
        elif before:
            made.append(Feed(Way.FIRST, whole, (whole,), stride))
        else:
            made.append(Feed(Way.WHOLE, whole, (whole,)))
    return made
