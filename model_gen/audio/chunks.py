"""Where chunks start in a recording."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]


def chunk_starts(samples: int, chunk: int, overlap: float = 0.0) -> list[int]:
    """Starts of the chunks that cover a recording.

    Args:
        samples: length of the recording, at least 1.
        chunk: length of a chunk, at least 1.
        overlap: share of a chunk that the next one repeats, in [0, 1).

    Returns:
        Rising starts from 0; the last chunk is aligned to the recording's end. One start, 0, where the recording is
        not longer than a chunk.
    """
    if samples < 1 or chunk < 1 or not 0.0 <= overlap < 1.0:
        raise ValueError(f"Received: samples={samples}, chunk={chunk}, overlap={overlap}")
    if samples <= chunk:
        return [0]
    hop = max(1, round(chunk * (1.0 - overlap)))
    last = samples - chunk
    return [*range(0, last, hop), last]


def cut(recording: Samples, starts: Iterable[int], chunk: int) -> Samples:
    """Cut chunks out of a recording, zero-padded at their end where the recording ends first.

    Returns:
        int16 [chunks, chunk].
    """
    chosen = list(starts)
    out = np.zeros((len(chosen), chunk), dtype=np.int16)
    for row, start in zip(out, chosen, strict=True):
        piece = recording[start : start + chunk]
        row[: len(piece)] = piece
    return out


class Loudness:
    """Mean squares of half-overlapping frames of a recording that comes in blocks.

    Args:
        chunk: length of a chunk in samples; a frame has min(1024, chunk / 4).
    """

    def __init__(self, chunk: int) -> None:
        self.frame = max(2, min(1024, chunk // 4))
        self.hop = self.frame // 2
        self._sums: list[npt.NDArray[np.int64]] = []
        self._rest: Samples = np.zeros(0, np.int16)

    def add(self, block: Samples) -> None:
        """Hear the next samples."""
        heard = np.concatenate((self._rest, block))
        frames = max(0, (len(heard) - self.frame) // self.hop + 1)
        starts = self.hop * np.arange(frames)
        totals = np.concatenate(([0], np.cumsum(heard.astype(np.int64) ** 2)))
        self._sums.append(totals[starts + self.frame] - totals[starts])
        self._rest = heard[frames * self.hop :]

    def energy(self) -> npt.NDArray[np.float64]:
        """The mean square of each whole frame, [frames]."""
        return np.concatenate([np.zeros(0, np.int64), *self._sums]) / self.frame


def salient_starts(loudness: Loudness, samples: int, chunk: int, most: int) -> list[int]:
    """Starts of the loudest stretches ("smart crop"), loudest first, `most` at most.

    Frames whose mean square reaches the 75th percentile form regions; each region gives a chunk
    centred on its loudest frame, moved to lie inside the recording. Regions are taken by their
    peak, and one whose chunk starts closer than chunk / 2 to a taken one is skipped.

    Returns:
        At least one start; [0] where the recording is not longer than a chunk.
    """
    if samples <= chunk:
        return [0]
    energy = loudness.energy()
    loud = energy >= np.percentile(energy, 75)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False])).astype(np.int8)))
    peaks = [
        int(start + np.argmax(energy[start:end]))
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    peaks.sort(key=lambda peak: (-energy[peak], peak))
    taken: list[int] = []
    for peak in peaks:
        centre = peak * loudness.hop + loudness.frame // 2
        start = min(max(0, centre - chunk // 2), samples - chunk)
        if all(abs(start - other) >= chunk / 2 for other in taken):
            taken.append(start)
        if len(taken) == most:
            break
    return taken


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans (begin, end) in order; those that overlap or touch are one.

    >>> merged([(5, 9), (0, 2), (2, 3), (8, 12)])
    [(0, 3), (5, 12)]
    """
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found
