"""Whether a model is better than what was there by more than which recordings happen to validate."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.bootstrap import difference, draw
from model_gen.evaluation.ranking import Ranking

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Heard:
    """What a model makes of the validation recordings.

    scores: [recordings, labels], between 0 and 1. losses: [recordings], the mean over its chunks.
    """

    scores: Floats
    losses: Floats


class Gain:
    """A paired bootstrap of one metric over the same draws of recordings.

    Args:
        metric: "ap" or "roc-auc" (macro, over the classes that have one in a draw), "top1", or "loss".
        wanted: [recordings, labels], 0 or 1.
        names: [recordings]; those of one name, as the places of a short clip, are drawn together.
        before: what was there.
    """

    def __init__(self, metric: str, wanted: Floats, names: Sequence[str], before: Heard) -> None:
        self._metric, self._wanted = metric, wanted
        self._weights = draw(names).weights
        self._whole = np.ones((1, len(wanted)))
        self._before = self._values(before, self._whole).item()
        self._before_drawn = self._values(before, self._weights)

    def is_sure(self, now: Heard) -> bool:
        """Whether `now` is above what was there in 97.5 % of the draws; never where nothing can be drawn."""
        found = difference(
            self._values(now, self._whole).item(),
            self._before,
            self._values(now, self._weights),
            self._before_drawn,
        )
        return found is not None and found.low > 0

    def _values(self, heard: Heard, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The metric, higher the better, under each row of weights [draws, recordings]; NaN where there is none."""
        wanted, scores = self._wanted, heard.scores
        if self._metric == "loss":
            return -_mean(heard.losses, weights)
        if self._metric == "top1":
            hits = wanted[np.arange(len(wanted)), scores.argmax(axis=1)] > 0
            return _mean(hits, weights * (wanted.sum(axis=1) > 0))
        which = ("ap", "roc-auc").index(self._metric)
        columns = [
            Ranking(wanted[:, label], scores[:, label]).both(weights)[which]
            for label in range(wanted.shape[1])
            if 0 < wanted[:, label].sum() < len(wanted)
        ]
        if not columns:
            return np.full(len(weights), np.nan)
        table = np.stack(columns)
        there = np.isfinite(table)
        with np.errstate(invalid="ignore"):
            mean: npt.NDArray[np.float64] = np.where(there, table, 0).sum(axis=0) / there.sum(
                axis=0
            )
        return mean


def _mean(values: Floats, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        mean: npt.NDArray[np.float64] = (weights @ values) / weights.sum(axis=1)
    return mean
