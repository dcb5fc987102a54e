"""Which class was taken for which."""

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.metrics import Scores

NONE = "(none)"  # the last row: no class is heard; the last column: no score reached its threshold


def confusion(
    wanted: Scores, scores: Scores, thresholds: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Recordings by what they are (rows) and what the highest score says (columns).

    Recordings of several labels have no row, and are left out.

    Args:
        wanted: [n, labels], 0 or 1.
        scores: [n, labels]; of equal ones the first label's is the highest.
        thresholds: [labels]; a highest score that does not reach its own says none.

    Returns:
        int64 [labels + 1, labels + 1], the last of each being `NONE`.
    """
    from sklearn.metrics import confusion_matrix

    labels = wanted.shape[1]
    several = wanted.sum(axis=1) > 1
    is_any = wanted.any(axis=1)
    truth = np.where(is_any, wanted.argmax(axis=1), labels)
    best = scores.argmax(axis=1)
    said = np.where(scores.max(axis=1) >= thresholds[best], best, labels)
    if several.all():
        return np.zeros((labels + 1, labels + 1), np.int64)
    found = confusion_matrix(truth[~several], said[~several], labels=np.arange(labels + 1))
    return np.asarray(found, np.int64)
