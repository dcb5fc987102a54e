"""Event recall: which annotated events a model finds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.bootstrap import Interval, interval

Floats = npt.NDArray[np.float64]
OVERLAP = 0.25  # seconds of an event that a window must cover to find it; all of a shorter one
_ROUNDING = 1e-6  # seconds


@dataclass(frozen=True)
class Event:
    """What is heard from `start` to `end` seconds of a recording; label None: of its folder."""

    start: float
    end: float
    label: str | None


@dataclass(frozen=True, eq=False)
class Peaks:
    """Of each event: its recording and label by index, and the highest score of its label over the
    windows that may find it.

    unheard: events that no window covers, as behind what is read of a recording.
    """

    recording: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    peak: Floats
    unheard: int


@dataclass(frozen=True)
class EventRecall:
    """Shares of events; a class without events is not in the mean. per_class: label -> (events,
    recall)."""

    events: int
    unheard: int
    recordings: int
    micro: float
    macro: float
    interval: Interval | None  # of micro
    per_class: dict[str, tuple[int, float]]


def peaks_of(
    events: Sequence[Sequence[tuple[float, float, int]]],
    begins: Floats,
    owner: npt.NDArray[np.int64],
    seconds: float,
    scores: Floats,
) -> Peaks:
    """The best score that finds each event.

    Args:
        events: of each recording, (start, end, label by index) in seconds.
        begins: [windows], seconds; a window lasts `seconds`.
        owner: [windows], the recording of each.
        scores: [windows, labels].
    """
    rows: list[tuple[int, int, float]] = []
    unheard = 0
    for recording, own in enumerate(events):
        if not own:
            continue
        windows = np.flatnonzero(owner == recording)
        first, last = begins[windows], begins[windows] + seconds
        for start, end, label in own:
            common = np.minimum(end, last) - np.maximum(start, first)
            finding = windows[common >= min(OVERLAP, end - start) - _ROUNDING]
            if finding.size:
                rows.append((recording, label, float(scores[finding, label].max())))
            else:
                unheard += 1
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return Peaks(
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int64),
        np.array(columns[2], np.float64),
        unheard,
    )


def recall_of(
    peaks: Peaks, labels: Sequence[str], thresholds: Floats, weights: Floats
) -> EventRecall | None:
    """Which share of the events reaches the threshold of their class; None where there are none.

    Args:
        thresholds: [labels].
        weights: [draws, recordings] of the bootstrap.
    """
    if not len(peaks.peak):
        return None
    found = peaks.peak >= thresholds[peaks.label]
    drawn = weights[:, peaks.recording]
    with np.errstate(invalid="ignore"):
        between = interval((drawn @ found.astype(np.float64)) / drawn.sum(axis=1))
    per_class = {
        name: (int((peaks.label == i).sum()), float(found[peaks.label == i].mean()))
        for i, name in enumerate(labels)
        if (peaks.label == i).any()
    }
    return EventRecall(
        events=len(found),
        unheard=peaks.unheard,
        recordings=len(np.unique(peaks.recording)),
        micro=float(found.mean()),
        macro=float(np.mean([share for _, share in per_class.values()])),
        interval=between,
        per_class=per_class,
    )
