"""Each figure beside its definition, written out in loops."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_gen.evaluation.alarms import alarms
from model_gen.evaluation.confusion import confusion
from model_gen.evaluation.curves import curves
from model_gen.evaluation.decisions import decide
from model_gen.evaluation.quality import judge
from model_gen.evaluation.testing import Floats, example
from model_gen.evaluation.thresholds import best_f1

LABELS = ("a", "b", "c")


def f1_of(w: Floats, chosen: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """(precision, recall, F1), 0 where there is nothing to divide by."""
    hits = float((w * chosen).sum())
    precision = hits / chosen.sum() if chosen.any() else 0.0
    recall = hits / w.sum() if w.any() else 0.0
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0.0


@given(st.integers(0, 1000))
def test_the_threshold_is_the_highest_of_the_best_f1(seed: int) -> None:
    wanted, scores = example(25, seed=seed)
    for i, threshold in enumerate(best_f1(wanted, scores)):
        w, s = wanted[:, i], scores[:, i]
        tried = {float(t): f1_of(w, s >= t)[2] for t in sorted(set(s))}
        if w.any():
            best = max(tried.values())
            assert threshold == max(t for t, f1 in tried.items() if f1 >= best - 1e-12)
        else:
            assert threshold == np.inf


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_decisions(seed: int) -> None:
    wanted, scores = example(30, seed=seed)
    thresholds = np.array([0.3, 0.5, 0.9])
    chosen = scores >= thresholds
    got = judge(wanted, scores, LABELS, thresholds=thresholds, k=2, weights=np.ones((1, 30)))
    rows = [f1_of(wanted[:, i], chosen[:, i]) for i in range(3) if wanted[:, i].any()]
    for i, name in enumerate(("precision", "recall", "f1")):
        assert got.figures[name] == pytest.approx(np.mean([row[i] for row in rows]))
        micro = f1_of(wanted.ravel(), chosen.ravel())[i]
        assert got.figures[f"{name}_micro"] == pytest.approx(micro)
    drawn = decide(wanted, scores, thresholds, np.ones((2, 30)))
    assert drawn.micro[1] == pytest.approx(f1_of(wanted.ravel(), chosen.ravel()))


def test_top_k_and_micro_figures() -> None:
    wanted, scores = example(50)
    got = judge(wanted, scores, LABELS, thresholds=np.full(3, 0.5), k=2, weights=np.ones((1, 50)))
    hits = []
    for w, s in zip(wanted, scores, strict=True):
        if w.any():
            order = sorted(range(3), key=lambda i: (-s[i], i))[:2]
            hits.append(any(w[i] for i in order))
    assert got.figures["top_k"] == pytest.approx(np.mean(hits))
    w, s = wanted.ravel(), scores.ravel()
    pairs = [float(p > n) + 0.5 * (p == n) for p in s[w == 1] for n in s[w == 0]]
    assert got.figures["roc_auc_micro"] == pytest.approx(np.mean(pairs))


def test_a_class_that_no_recording_has_is_none_and_in_no_mean() -> None:
    wanted, scores = example(30)
    wanted[:, 2] = 0
    thresholds = best_f1(wanted, scores)
    weights = np.ones((4, 30))
    got = judge(wanted, scores, LABELS, thresholds=thresholds, k=1, weights=weights)
    assert set(got.per_class["c"].values()) == {None}
    assert got.thresholds["c"] is None
    row = got.as_json()["per_class"]["c"]
    assert (row["recordings"], row["threshold"], row["average_precision"]) == (0, None, None)
    assert set(row["intervals"].values()) == {None}
    two = [got.per_class[label]["f1"] for label in "ab"]
    assert got.figures["f1"] == pytest.approx(np.mean([f for f in two if f is not None]))
    nothing = judge(
        wanted * 0, scores, LABELS, thresholds=best_f1(wanted * 0, scores), k=1, weights=weights
    )
    assert set(nothing.figures.values()) == {None}
    assert set(nothing.intervals.values()) == {None}


def test_confusion_counts_what_the_highest_score_says() -> None:
    wanted = np.array([[1, 0], [1, 0], [0, 1], [0, 0], [0, 0], [1, 1]], float)
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.4], [0.6, 0.1], [0.1, 0.1], [0.9, 0.9]])
    got = confusion(wanted, scores, np.array([0.5, 0.5]))
    assert got.tolist() == [[1, 1, 0], [0, 0, 1], [1, 0, 1]]
    assert not confusion(np.ones((2, 2)), np.ones((2, 2)), np.ones(2)).any()


@given(st.integers(0, 1000))
def test_alarms(seed: int) -> None:
    wanted, peaks = example(40, seed=seed)
    peaks = peaks.round(1)  # with ties
    thresholds = np.array([0.3, 0.5, 0.7])
    folders = ["noise" if i % 2 else "other" for i in range(40)]
    got = alarms(wanted, peaks, thresholds, folders)
    detection, wrong = [], []
    for label in range(3):
        own = [i for i in range(40) if wanted[i, label]]
        right, bad = 0, 0
        for i in own:
            others = [c for c in range(3) if c != label]
            rank = 1 + sum(peaks[i, c] >= peaks[i, label] for c in others)  # ties count against
            best = label if rank == 1 else max(others, key=lambda c: peaks[i, c])
            reported = peaks[i, best] >= thresholds[best]
            right += reported and rank == 1
            bad += reported and rank > 1
        if own:
            detection.append(right / len(own))
            wrong.append(bad / len(own))
    assert got.detection == pytest.approx(np.mean(detection))
    assert got.false_alarm == pytest.approx(np.mean(wrong))
    for folder, (count, share) in got.negatives.items():
        own = [i for i in range(40) if not wanted[i].any() and folders[i] == folder]
        assert count == len(own)
        assert share == np.mean([any(peaks[i] >= thresholds) for i in own])


def test_curves_are_counts_at_every_threshold() -> None:
    wanted, scores = example(40)
    w, s = wanted[:, 0], scores[:, 0]
    got = curves(w, s)
    assert got is not None
    points = {
        (float((s[w == 0] >= t).mean()), float((s[w == 1] >= t).mean())) for t in {*s, np.inf}
    }
    assert {(float(x), float(y)) for x, y in zip(got.roc.x, got.roc.y, strict=True)} <= points
    assert {(float(x), float(1 - y)) for x, y in zip(got.det.x, got.det.y, strict=True)} <= points
    for recall, precision in list(zip(got.pr.x, got.pr.y, strict=True))[:-1]:
        assert any(
            (f1_of(w, s >= t)[1], f1_of(w, s >= t)[0]) == pytest.approx((recall, precision))
            for t in s
        )
    assert curves(w * 0, s) is None
    assert len(got.pr.thinned(5).x) == 5
    assert got.pr.thinned(5).x[-1] == got.pr.x[-1]
