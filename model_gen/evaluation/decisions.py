"""Precision, recall and F1 of decisions: which scores reach the threshold of their class."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.metrics import Scores

Floats = npt.NDArray[np.float64]
NAMES = ("precision", "recall", "f1")


@dataclass(frozen=True, eq=False)
class Decisions:
    """Of each weighting of the recordings: macro and micro float64 [draws, 3], per_class float64
    [draws, labels, 3]; each in the order of `NAMES`.

    A class that no recording has is NaN, and not in the macro mean. Precision is 0 where nothing is
    decided for.
    """

    macro: Floats
    micro: Floats
    per_class: Floats


def decide(wanted: Scores, scores: Scores, thresholds: Floats, weights: Floats) -> Decisions:
    """Decide by `thresholds` [labels] on wanted and scores [n, labels] weighted [draws, n]."""
    chosen = (scores >= thresholds).astype(np.float64)
    wanted = wanted.astype(np.float64)
    hits = weights @ (chosen * wanted)
    said, there = weights @ chosen, weights @ wanted
    per_class = _three(hits, said, there)
    per_class[there == 0] = np.nan
    known = (there > 0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        macro = np.nansum(per_class, axis=1) / known[:, None]
    micro = _three(hits.sum(axis=1), said.sum(axis=1), there.sum(axis=1))
    micro[known == 0] = np.nan
    return Decisions(macro, micro, per_class)


def _three(hits: Floats, said: Floats, there: Floats) -> Floats:
    def share(part: Floats, of: Floats) -> Floats:
        return np.divide(part, of, out=np.zeros_like(part), where=of > 0)

    return np.stack([share(hits, said), share(hits, there), share(2 * hits, said + there)], axis=-1)
