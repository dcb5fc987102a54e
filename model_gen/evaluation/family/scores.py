"""What the models of one training say of recordings that they never heard, and how good that is."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.bootstrap import SEED, Difference, difference, draw, interval
from model_gen.evaluation.ranking import Ranking

KINDS = ("float", "int8")


@dataclass(frozen=True, eq=False)
class Scores:
    """Pooled scores of recordings.

    Attributes:
        wanted: [recordings, labels], 0 or 1.
        kinds: kind of model, as "float" and "int8" -> scores float64 [recordings, labels] in [0, 1].
        epochs: that were trained.
        parameters: of the float model.
        processor: seconds of training; NaN where nobody measured it.
        best_epoch: the one whose weights are kept.
    """

    wanted: npt.NDArray[Any]
    kinds: dict[str, npt.NDArray[np.float64]]
    epochs: int
    parameters: int
    processor: float = math.nan
    best_epoch: int = 0

    def to_npz(self) -> bytes:
        """The bytes of scores.npz."""
        stream = io.BytesIO()
        counts = np.array([self.epochs, self.parameters, self.processor, self.best_epoch])
        np.savez_compressed(
            stream, allow_pickle=False, wanted=self.wanted, counts=counts, **self.kinds
        )
        return stream.getvalue()

    @classmethod
    def read(cls, path: Path) -> "Scores":
        """What `to_npz` gave."""
        with np.load(path, allow_pickle=False) as found:
            kinds = {name: found[name] for name in found.files if name not in ("wanted", "counts")}
            epochs, parameters, *more = found["counts"].tolist()
            processor, best = more or (math.nan, 0)
            return cls(found["wanted"], kinds, int(epochs), int(parameters), processor, int(best))


@dataclass(frozen=True)
class Precision:
    """Macro average precision, and its 95 % interval over resampled recordings."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Drawn:
    """Macro average precision on the recordings themselves, and in each draw of them: float64 [draws]."""

    value: float
    draws: npt.NDArray[np.float64]


def drawn(folds: Sequence[Sequence[Scores]], kind: str) -> Drawn:
    """The mean over folds, and over what was trained for a fold, of class-mean average precision.

    Each draw takes as many recordings of each fold as it has, with replacement: the same ones for
    all that is of the fold, whatever its seed and kind, so that two of them are paired.
    """
    values, draws = [], []
    for number, fold in enumerate(folds):
        count = len(fold[0].wanted)
        weights = draw([str(i) for i in range(count)], seed=SEED + number).weights
        values.append(np.mean([macro(one, kind, np.ones((1, count)))[0] for one in fold]))
        draws.append(np.mean([macro(one, kind, weights) for one in fold], axis=0))
    return Drawn(float(np.mean(values)), np.mean(draws, axis=0))


def precision_of(one: Drawn) -> Precision:
    """With its interval."""
    found = interval(one.draws)
    assert found is not None
    return Precision(one.value, found.low, found.high)


def between(one: Drawn, other: Drawn) -> Difference:
    """How much more the one has than the other, draw by draw."""
    found = difference(one.value, other.value, one.draws, other.draws)
    assert found is not None
    return found


def macro_precision(folds: Sequence[Scores], kind: str) -> Precision:
    """The mean over folds of class-mean average precision, one training a fold."""
    return precision_of(drawn([[fold] for fold in folds], kind))


def macro(scores: Scores, kind: str, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Class-mean average precision [draws], over the classes that have a value in a draw.

    weights: [draws, recordings], how often each recording is in each draw.
    """
    columns = zip(scores.wanted.T, scores.kinds[kind].T, strict=True)
    each = [Ranking(wanted, given).both(weights)[0] for wanted, given in columns]
    return np.asarray(np.nanmean(np.stack(each), axis=0))
