"""Where a recording that is shorter than a chunk lies in its window: at start, middle or end.

The chunk rule puts it at the start; a board that listens hears it anywhere. What is judged and what
calibrates is therefore taken at three places. Longer recordings stay where their chunks are.
"""

from dataclasses import replace

import numpy as np

from model_gen.data.features import Chunks

PLACES = 3  # start, middle and end of the window


def start_at(place: int, samples: int, chunk: int) -> int:
    """The first sample of the window in which a clip of `samples` < `chunk` has that place.

    >>> [start_at(place, 4, 10) for place in range(PLACES)]
    [0, -3, -6]
    """
    return -((chunk - samples) * place // (PLACES - 1))


def at_every_place(chunks: Chunks) -> Chunks:
    """Each short recording at start, middle and end in turn, as three recordings.

    So what is computed over recordings counts each place, and none that is judged wrongly is hidden
    by the others. Order and rows of long recordings stay.
    """
    length = chunks.contract.chunk_samples
    copies = np.array([PLACES if entry.samples < length else 1 for entry in chunks.entries])
    first = np.cumsum(copies) - copies  # of the copies of each recording
    times = copies[chunks.owner]
    owner = np.repeat(chunks.owner, times)
    place = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    starts = np.repeat(chunks.starts, times)
    for row in np.flatnonzero(place):
        starts[row] = start_at(int(place[row]), chunks.entries[owner[row]].samples, length)
    of = np.repeat(np.arange(len(copies)), copies)
    return replace(
        chunks,
        recordings=tuple(chunks.recordings[i] for i in of),
        entries=tuple(chunks.entries[i] for i in of),
        names=tuple(chunks.names[i] for i in of),
        owner=first[owner] + place,
        rows=np.repeat(chunks.rows, times),
        starts=starts,
    )


def in_turn(chunks: Chunks) -> Chunks:
    """The first short chunk at the start of its window, the next in the middle, the next at the end,
    and so on."""
    starts = chunks.starts.copy()
    short = [row for row in range(len(chunks)) if chunks.is_short(row)]
    for turn, row in enumerate(short):
        samples = chunks.entries[chunks.owner[row]].samples
        starts[row] = start_at(turn % PLACES, samples, chunks.contract.chunk_samples)
    return replace(chunks, starts=starts)
