"""How good one model is on recordings, under one pooling: every figure, and how sure it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.evaluation.bootstrap import Interval, interval
from model_gen.evaluation.confusion import confusion
from model_gen.evaluation.decisions import NAMES, decide
from model_gen.evaluation.metrics import Metrics, Scores, evaluate_scores
from model_gen.evaluation.ranking import Ranking

Floats = npt.NDArray[np.float64]
# What one figure says of a model, in the order of tables.
FIGURES = (
    *("average_precision", "roc_auc", "top1", "top_k"),
    *("average_precision_micro", "roc_auc_micro"),
    *NAMES,
    *(f"{name}_micro" for name in NAMES),
)
CLASS_FIGURES = ("average_precision", "roc_auc", *NAMES)


@dataclass(frozen=True, eq=False)
class Quality:
    """Figures over recordings; None is what cannot be computed, as of a class that none has.

    metrics: as training and quantization see them. figures: name of `FIGURES` -> value. draws: the
    same names -> [draws]. per_class: label -> name of `CLASS_FIGURES` -> value; class_intervals
    likewise. thresholds: of the decisions; None where nothing is decided for. confusion: see
    `confusion`.
    """

    metrics: Metrics
    k: int
    figures: dict[str, float | None]
    intervals: dict[str, Interval | None]
    draws: dict[str, Floats]
    per_class: dict[str, dict[str, float | None]]
    class_intervals: dict[str, dict[str, Interval | None]]
    thresholds: dict[str, float | None]
    confusion: npt.NDArray[np.int64]

    def as_json(self) -> dict[str, Any]:
        """What `nightjar/evaluate/1` holds of it: the four keys of `Metrics`, and more."""
        found = asdict(self.metrics)
        for label, row in found["per_class"].items():
            own = self.class_intervals[label]
            row.update(self.per_class[label])
            row["threshold"] = self.thresholds[label]
            row["intervals"] = {name: _pair(own[name]) for name in CLASS_FIGURES}
        return {
            **found,
            **{name: value for name, value in self.figures.items() if name not in found},
            "k": self.k,
            "intervals": {name: _pair(one) for name, one in self.intervals.items()},
            "confusion": self.confusion.tolist(),
        }


def judge(
    wanted: Scores,
    scores: Scores,
    labels: tuple[str, ...],
    *,
    thresholds: Floats,
    k: int,
    weights: Floats,
) -> Quality:
    """Judge pooled scores.

    Args:
        wanted: [recordings, labels], 0 or 1; rows of zeros are negatives for every class.
        scores: likewise, between 0 and 1.
        labels: of the columns.
        thresholds: [labels], see `best_f1`.
        k: how many of the highest scores top-k looks at.
        weights: [draws, recordings], how often each is in a draw of the bootstrap.
    """
    metrics = evaluate_scores(wanted, scores, labels)
    per_class, decided = _decisions(wanted, scores, thresholds)
    figures: dict[str, float | None] = {
        "average_precision": metrics.average_precision,
        "roc_auc": metrics.roc_auc,
        "top1": metrics.top1,
        "top_k": _top_k(wanted, scores, k),
        **_micro(wanted, scores),
        **decided,
    }
    drawn, class_drawn = statistics(wanted, scores, thresholds, k, weights)
    rows = {
        label: {
            "average_precision": metrics.per_class[label]["average_precision"],
            "roc_auc": metrics.per_class[label]["roc_auc"],
            **row,
        }
        for label, row in zip(labels, per_class, strict=True)
    }
    return Quality(
        metrics=metrics,
        k=k,
        figures=figures,
        intervals=_intervals(figures, drawn),
        draws=drawn,
        per_class=rows,
        class_intervals={
            label: _intervals(rows[label], {n: v[:, i] for n, v in class_drawn.items()})
            for i, label in enumerate(labels)
        },
        thresholds={
            label: float(t) if np.isfinite(t) else None
            for label, t in zip(labels, thresholds, strict=True)
        },
        confusion=confusion(wanted, scores, thresholds),
    )


def statistics(
    wanted: Scores, scores: Scores, thresholds: Floats, k: int, weights: Floats
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Every figure in every draw: name -> [draws], and of classes name -> [draws, labels]. NaN is
    what cannot be computed."""
    count, labels = wanted.shape
    ranked = [Ranking(w, s).both(weights) for w, s in zip(wanted.T, scores.T, strict=True)]
    precisions, areas = (np.stack([one[i] for one in ranked], axis=1) for i in (0, 1))
    rows = np.repeat(np.arange(count), labels)
    micro_precision, micro_area = Ranking(wanted.ravel(), scores.ravel(), rows).both(weights)
    decided = decide(wanted, scores, thresholds, weights)
    birds = (wanted.sum(axis=1) > 0).astype(np.float64)
    with np.errstate(invalid="ignore"):
        top1 = (weights @ (birds * _hits(wanted, scores, 1))) / (weights @ birds)
        top_k = (weights @ (birds * _hits(wanted, scores, k))) / (weights @ birds)
    whole = {
        "average_precision": _mean(precisions),
        "roc_auc": _mean(areas),
        "top1": top1,
        "top_k": top_k,
        "average_precision_micro": micro_precision,
        "roc_auc_micro": micro_area,
        **{name: decided.macro[:, i] for i, name in enumerate(NAMES)},
        **{f"{name}_micro": decided.micro[:, i] for i, name in enumerate(NAMES)},
    }
    each = {
        "average_precision": precisions,
        "roc_auc": areas,
        **{name: decided.per_class[..., i] for i, name in enumerate(NAMES)},
    }
    return whole, each


def _mean(values: Floats) -> Floats:
    """Of [draws, labels] over the classes that have a value, NaN where none has one."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=1) / known.sum(axis=1))


def _hits(wanted: Scores, scores: Scores, k: int) -> Floats:
    """Whether one of the `k` highest scores is right, [n]; of equal scores the first label's."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(wanted, best, axis=1) > 0
    return np.asarray(found.any(axis=1), np.float64)


def _top_k(wanted: Scores, scores: Scores, k: int) -> float | None:
    birds = wanted.sum(axis=1) > 0
    return float(_hits(wanted, scores, k)[birds].mean()) if birds.any() else None


def _micro(wanted: Scores, scores: Scores) -> dict[str, float | None]:
    """Both ranking metrics over every pair of recording and class."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    w, s = wanted.ravel(), scores.ravel()
    if not 0 < w.sum() < w.size:
        return {"average_precision_micro": None, "roc_auc_micro": None}
    return {
        "average_precision_micro": float(average_precision_score(w, s)),
        "roc_auc_micro": float(roc_auc_score(w, s)),
    }


def _decisions(
    wanted: Scores, scores: Scores, thresholds: Floats
) -> tuple[list[dict[str, float | None]], dict[str, float | None]]:
    """Precision, recall and F1 of each class, and over all: macro over the classes that recordings
    have, and micro."""
    from sklearn.metrics import precision_recall_fscore_support

    chosen = (scores >= thresholds).astype(int)
    truth = wanted.astype(int)
    found = [
        precision_recall_fscore_support(
            truth[:, i], chosen[:, i], average="binary", zero_division=0
        )
        for i in range(truth.shape[1])
    ]
    there = np.asarray(truth.any(axis=0))
    rows: list[dict[str, float | None]] = [
        {name: float(row[i]) if known else None for i, name in enumerate(NAMES)}
        for row, known in zip(found, there, strict=True)
    ]
    if not there.any():
        return rows, dict.fromkeys((*NAMES, *(f"{name}_micro" for name in NAMES)))
    micro = precision_recall_fscore_support(
        truth.ravel(), chosen.ravel(), average="binary", zero_division=0
    )
    over: dict[str, float | None] = {
        name: float(np.mean([r[i] for r, known in zip(found, there, strict=True) if known]))
        for i, name in enumerate(NAMES)
    }
    over.update({f"{name}_micro": float(micro[i]) for i, name in enumerate(NAMES)})
    return rows, over


def _intervals(
    figures: Mapping[str, float | None], draws: Mapping[str, Floats]
) -> dict[str, Interval | None]:
    return {
        name: None if value is None else interval(draws[name]) for name, value in figures.items()
    }


def _pair(one: Interval | None) -> list[float] | None:
    return None if one is None else [one.low, one.high]
