"""Average precision and ROC-AUC of one ranking under many weightings at once: what a bootstrap asks
for."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_AT_ONCE = 1 << 18  # weights that are looked at together: a few MB, which a core's cache holds


class Ranking:
    """Items by falling score, sorted once. Equal scores share a rank.

    Both metrics are scikit-learn's with `sample_weight`, for each row of a table of weights.

    Args:
        wanted: [n], 1 for a positive, 0 for a negative.
        scores: [n].
        rows: [n], which column of a weighting each item has; None: its own.
    """

    def __init__(
        self,
        wanted: npt.NDArray[Any],
        scores: npt.NDArray[Any],
        rows: npt.NDArray[np.int64] | None = None,
    ) -> None:
        order = np.argsort(-scores, kind="stable")
        self._rows = order if rows is None else rows[order]
        self._positive = (wanted[order] > 0).astype(np.float64)
        changes = np.flatnonzero(np.diff(scores[order]))
        ends = np.append(changes, len(order) - 1)  # the last item of each rank
        begins = np.concatenate(([0], changes + 1))
        heard = np.add.reduceat(self._positive, begins) > 0  # ranks without a positive add nothing
        self._begins, self._ends = begins[heard], ends[heard] + 1

    def both(self, weights: Floats) -> tuple[Floats, Floats]:
        """(average precision, ROC-AUC), each float64 [draws], of weights [draws, columns].

        NaN where positives or negatives weigh nothing.
        """
        step = max(1, _AT_ONCE // len(self._rows))
        parts = [self._some(weights[at : at + step]) for at in range(0, len(weights), step)]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _some(self, weights: Floats) -> tuple[Floats, Floats]:
        taken = weights[:, self._rows]
        everything = np.zeros((len(taken), len(self._rows) + 1))
        np.cumsum(taken, axis=1, out=everything[:, 1:])
        taken *= self._positive
        positives = np.zeros_like(everything)
        np.cumsum(taken, axis=1, out=positives[:, 1:])
        whole = positives[:, -1]
        negative = everything[:, -1] - whole
        above, until = positives[:, self._begins], positives[:, self._ends]
        rank = until - above
        heard = everything[:, self._ends]
        wrong_above = everything[:, self._begins] - above
        wrong = heard - until - wrong_above
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.where(heard > 0, until / heard, 0.0)
            average = (rank * precision).sum(axis=1) / whole
            below = negative[:, None] - wrong_above - wrong / 2  # a tie is half in order
            area = (rank * below).sum(axis=1) / (whole * negative)
        lost = ~((whole > 0) & (negative > 0))
        average[lost] = area[lost] = np.nan
        return average, area
