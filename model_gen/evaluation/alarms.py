"""The operational gate: what somebody meets who listens to what a recorder reports.

A recording is reported as the class of its highest peak over half-overlapped windows, if that
reaches the class's threshold. Of the recordings of a class a right report is a detection and a
wrong one a false alarm; both are means over classes. A recording of a negative folder, hard as they
are chosen, is a false alarm where any peak reaches its threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.metrics import Scores

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Alarms:
    """Shares of recordings; None where there are none to count.

    negatives: folder -> (recordings, share of them that alarm); hard_negative: over all of them.
    """

    detection: float | None
    false_alarm: float | None
    hard_negative: float | None
    negatives: dict[str, tuple[int, float]]


def alarms(wanted: Scores, peaks: Scores, thresholds: Floats, folders: Sequence[str]) -> Alarms:
    """Count reports.

    Args:
        wanted: [n, labels], 0 or 1; rows of zeros are negatives.
        peaks: [n, labels], the highest score over windows. A tie counts against the model: the
            right class must be higher than every wrong one.
        thresholds: [labels].
        folders: of each recording; those of negatives are told apart.
    """
    detected, wrong, alarmed = reports(wanted, peaks, thresholds)
    negative = np.asarray(~wanted.any(axis=1))
    found: dict[str, tuple[int, float]] = {}
    for folder in sorted({f for f, none in zip(folders, negative, strict=True) if none}):
        own = negative & (np.array(folders) == folder)
        found[folder] = int(own.sum()), float(alarmed[own].mean())
    return Alarms(
        _macro(wanted, detected),
        _macro(wanted, wrong),
        float(alarmed[negative].mean()) if negative.any() else None,
        found,
    )


def reports(
    wanted: Scores, peaks: Scores, thresholds: Floats
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(rightly reported, wrongly reported, any peak at its threshold) of each recording, [n]."""
    right = np.where(wanted > 0, peaks, -np.inf)
    other = np.where(wanted > 0, -np.inf, peaks)
    first = right.max(axis=1) > other.max(axis=1)
    best = np.where(first, right.argmax(axis=1), other.argmax(axis=1))
    high = np.take_along_axis(peaks, best[:, None], axis=1)[:, 0] >= thresholds[best]
    return first & high, ~first & high, np.asarray((peaks >= thresholds).any(axis=1))


def _macro(wanted: Scores, found: npt.NDArray[np.bool_]) -> float | None:
    """The mean over classes of the share of their recordings."""
    shares = [found[column > 0].mean() for column in wanted.T if column.any()]
    return float(np.mean(shares)) if shares else None
