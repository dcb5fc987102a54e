"""Thresholds of decisions, one a class."""

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.metrics import Scores

Floats = npt.NDArray[np.float64]

# Where thresholds are from; a number between 0 and 1 is one for every class.
JUDGED, VALIDATION = "judged", "val"


def best_f1(wanted: Scores, scores: Scores) -> Floats:
    """The threshold of each class with the best F1; a score that reaches it counts. [labels].

    Of equally good ones the highest, which alarms least; infinite for a class that no recording
    has, which nothing reaches.

    Args:
        wanted: [n, labels], 0 or 1.
        scores: [n, labels].
    """
    from sklearn.metrics import precision_recall_curve

    found = np.full(wanted.shape[1], np.inf)
    for label, (w, s) in enumerate(zip(wanted.T, scores.T, strict=True)):
        if w.sum():
            precision, recall, thresholds = precision_recall_curve(w, s)
            both = precision[:-1] + recall[:-1]
            f1 = np.divide(
                2 * precision[:-1] * recall[:-1], both, out=np.zeros_like(both), where=both > 0
            )
            best = np.flatnonzero(f1 >= f1.max() - 1e-12)[-1]  # thresholds rise
            found[label] = thresholds[best]
    return found
