"""What the models of one training say of recordings that they never heard, and how good that is."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.bootstrap import SEED, draw, interval
from model_gen.evaluation.ranking import Ranking

KINDS = ("float", "int8")


@dataclass(frozen=True, eq=False)
class Scores:
    """Pooled scores of recordings.

    Attributes:
        wanted: [recordings, labels], 0 or 1.
        kinds: "float" and "int8" -> scores float64 [recordings, labels] in [0, 1].
        epochs: that were trained.
        parameters: of the float model.
    """

    wanted: npt.NDArray[Any]
    kinds: dict[str, npt.NDArray[np.float64]]
    epochs: int
    parameters: int

    def to_npz(self) -> bytes:
        """The bytes of scores.npz."""
        stream = io.BytesIO()
        counts = np.array([self.epochs, self.parameters])
        np.savez_compressed(
            stream, allow_pickle=False, wanted=self.wanted, counts=counts, **self.kinds
        )
        return stream.getvalue()

    @classmethod
    def read(cls, path: Path) -> "Scores":
        """What `to_npz` gave."""
        with np.load(path, allow_pickle=False) as found:
            kinds = {kind: found[kind] for kind in KINDS}
            epochs, parameters = map(int, found["counts"])
            return cls(found["wanted"], kinds, epochs, parameters)


@dataclass(frozen=True)
class Precision:
    """Macro average precision, and its 95 % interval over resampled recordings."""

    value: float
    low: float
    high: float


def macro_precision(folds: Sequence[Scores], kind: str) -> Precision:
    """The mean over folds of class-mean average precision.

    Each draw takes as many recordings of each fold as it has, with replacement.
    """
    known = [macro(fold, kind, np.ones((1, len(fold.wanted))))[0] for fold in folds]
    drawn = [
        macro(
            fold,
            kind,
            draw([str(i) for i in range(len(fold.wanted))], seed=SEED + number).weights,
        )
        for number, fold in enumerate(folds)
    ]
    found = interval(np.mean(drawn, axis=0))
    assert found is not None
    return Precision(float(np.mean(known)), found.low, found.high)


def macro(scores: Scores, kind: str, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Class-mean average precision [draws], over the classes that have a value in a draw.

    weights: [draws, recordings], how often each recording is in each draw.
    """
    columns = zip(scores.wanted.T, scores.kinds[kind].T, strict=True)
    each = [Ranking(wanted, given).both(weights)[0] for wanted, given in columns]
    return np.asarray(np.nanmean(np.stack(each), axis=0))
