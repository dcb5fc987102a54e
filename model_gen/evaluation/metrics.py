"""Scores of a multi-label classifier; a class without positives or without negatives has none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Metrics:
    """Over recordings. NaN-free: what cannot be computed is None."""

    roc_auc: float | None  # macro over the classes that have one
    average_precision: float | None  # macro, likewise
    top1: float | None  # share of the recordings of a class whose highest score is that class
    per_class: dict[str, dict[str, float | int | None]]


def evaluate_scores(wanted: Scores, scores: Scores, labels: tuple[str, ...]) -> Metrics:
    """Compare `scores` [n, labels] with `wanted` [n, labels], 0 or 1; rows of zeros are negatives for every class."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    aucs = _per_class(wanted, scores, roc_auc_score)
    precisions = _per_class(wanted, scores, average_precision_score)
    positive = wanted.sum(axis=1) > 0
    hits = wanted[np.arange(len(wanted)), np.argmax(scores, axis=1)] > 0
    return Metrics(
        roc_auc=_mean(aucs),
        average_precision=_mean(precisions),
        top1=float(hits[positive].mean()) if positive.any() else None,
        per_class={
            label: {
                "recordings": int(wanted[:, i].sum()),
                "roc_auc": aucs[i],
                "average_precision": precisions[i],
            }
            for i, label in enumerate(labels)
        },
    )


def macro_roc_auc(wanted: Scores, scores: Scores) -> float:
    """Mean ROC-AUC over the classes that have one; NaN when none has."""
    from sklearn.metrics import roc_auc_score

    value = _mean(_per_class(wanted, scores, roc_auc_score))
    return float("nan") if value is None else value


def _per_class(
    wanted: Scores, scores: Scores, metric: Callable[[Scores, Scores], float]
) -> list[float | None]:
    return [
        float(metric(w, s)) if 0 < w.sum() < len(w) else None
        for w, s in zip(wanted.T, scores.T, strict=True)
    ]


def _mean(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
