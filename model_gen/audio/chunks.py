"""Where chunks start in a recording, and which of them are worth hearing."""

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


def salient_starts(recording: Samples, chunk: int) -> list[int]:
    """Starts of the loudest stretches ("smart crop"), loudest first.

    Frames of min(1024, chunk / 4) samples at half overlap whose mean square reaches the 75th percentile form
    regions; each region gives a chunk centred on its loudest frame, moved to lie inside the recording. Regions are
    taken by their peak, and one whose chunk starts closer than chunk / 2 to a taken one is skipped.

    Returns:
        At least one start; [0] where the recording is not longer than a chunk.
    """
    if len(recording) <= chunk:
        return [0]
    frame = max(2, min(1024, chunk // 4))
    hop = frame // 2
    energy = _mean_squares(recording, frame, hop)
    loud = energy >= np.percentile(energy, 75)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False])).astype(np.int8)))
    peaks = [
        int(start + np.argmax(energy[start:end]))
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    peaks.sort(key=lambda peak: (-energy[peak], peak))
    taken: list[int] = []
    for peak in peaks:
        centre = peak * hop + frame // 2
        start = min(max(0, centre - chunk // 2), len(recording) - chunk)
        if all(abs(start - other) >= chunk / 2 for other in taken):
            taken.append(start)
    return taken


def activity(chunk: Samples) -> float:
    """Share of samples that stand out of a chunk's own background, in [0, 1].

    |x| above median + 2 * MAD in a subsample of 512 points; a share above 0.8 is not a song and counts as 0.
    """
    step = max(1, len(chunk) // 512)
    level = np.abs(chunk[::step][:512].astype(np.float64))
    median = np.median(level)
    spread = np.median(np.abs(level - median))
    share = float(np.mean(level > median + 2 * spread))
    return 0.0 if share > 0.8 else share


def active(chunks: Samples, least: float) -> npt.NDArray[np.bool_]:
    """Which chunks [chunks, samples] have an activity of `least`; where none has, the most active one."""
    shares = np.array([activity(chunk) for chunk in chunks])
    keep = shares >= least
    if len(shares) and not keep.any():
        keep[int(np.argmax(shares))] = True
    return keep


def _mean_squares(recording: Samples, frame: int, hop: int) -> npt.NDArray[np.float64]:
    totals = np.concatenate(([0.0], np.cumsum(recording.astype(np.float64) ** 2)))
    starts = np.arange(0, len(recording) - frame + 1, hop)
    return (totals[starts + frame] - totals[starts]) / frame
