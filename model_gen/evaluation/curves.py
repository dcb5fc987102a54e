"""Curves over every threshold: precision and recall, ROC, DET."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.metrics import Scores

Floats = npt.NDArray[np.float64]
MOST = 201  # points of a curve that is written or drawn


@dataclass(frozen=True, eq=False)
class Curve:
    """Points (x, y), each float64 [points], x rising or falling throughout.

    pr: recall, precision. roc: false and true positive rate. det: false positive and false negative
    rate.
    """

    x: Floats
    y: Floats

    def thinned(self, most: int = MOST) -> "Curve":
        """The first, the last and every so many between: at most `most` points."""
        places = np.unique(np.linspace(0, len(self.x) - 1, most).round().astype(int))
        return self if len(self.x) <= most else Curve(self.x[places], self.y[places])

    def as_json(self) -> dict[str, list[float]]:
        """Thinned, to six digits."""
        some = self.thinned()
        return {"x": some.x.round(6).tolist(), "y": some.y.round(6).tolist()}


@dataclass(frozen=True, eq=False)
class Curves:
    """The three of them."""

    pr: Curve
    roc: Curve
    det: Curve


def curves(wanted: Scores, scores: Scores) -> Curves | None:
    """The curves of one class, or of all in one (micro) where both are tables; scikit-learn's.

    None where there are no positives or no negatives.
    """
    from sklearn.metrics import det_curve, precision_recall_curve, roc_curve

    w, s = wanted.ravel(), scores.ravel()
    if not 0 < w.sum() < w.size:
        return None
    precision, recall, _ = precision_recall_curve(w, s)
    wrong, right, _ = roc_curve(w, s)
    alarm, miss, _ = det_curve(w, s, drop_intermediate=True)
    return Curves(Curve(recall, precision), Curve(wrong, right), Curve(alarm, miss))
