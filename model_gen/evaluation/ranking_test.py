import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_gen.evaluation.ranking import Ranking


def naive(w: npt.NDArray[np.float64], s: npt.NDArray[np.float64]) -> tuple[float, float]:
    """(average precision, ROC-AUC) by their definitions: thresholds one by one, pairs one by one."""
    average, recall = 0.0, 0.0
    for threshold in sorted(set(s), reverse=True):
        chosen = s >= threshold
        hits = w[chosen].sum()
        average += (hits / w.sum() - recall) * hits / chosen.sum()
        recall = hits / w.sum()
    pairs = [float(p > n) + 0.5 * (p == n) for p in s[w == 1] for n in s[w == 0]]
    return average, float(np.mean(pairs))


@given(st.integers(0, 10_000), st.integers(2, 25), st.integers(1, 8))
def test_weights_are_repetitions(seed: int, count: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = rng.integers(0, 2, count).astype(float)
    scores = rng.integers(0, steps, count) / steps  # with ties
    weights = rng.integers(0, 4, (5, count)).astype(float)
    precisions, areas = Ranking(wanted, scores).both(weights)
    for row, precision, area in zip(weights.astype(int), precisions, areas, strict=True):
        w, s = np.repeat(wanted, row), np.repeat(scores, row)
        if 0 < w.sum() < len(w):
            assert (precision, area) == pytest.approx(naive(w, s))
        else:
            assert np.isnan(precision)
            assert np.isnan(area)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_it_is_what_scikit_learn_computes(seed: int) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(seed)
    wanted = np.concatenate(([0, 1], rng.integers(0, 2, 30)))
    scores = rng.integers(0, 9, 32) / 9
    weights = rng.random((2, 32)) + 0.01
    precisions, areas = Ranking(wanted, scores).both(weights)
    for row, precision, area in zip(weights, precisions, areas, strict=True):
        want = average_precision_score(wanted, scores, sample_weight=row)
        assert precision == pytest.approx(want)
        assert area == pytest.approx(roc_auc_score(wanted, scores, sample_weight=row))


def test_items_may_share_a_weight_and_many_draws_come_in_pieces() -> None:
    rng = np.random.default_rng(3)
    wanted, scores = rng.integers(0, 2, (500, 4)).astype(float), rng.random((500, 4))
    weights = rng.integers(0, 3, (300, 500)).astype(float)
    rows = np.repeat(np.arange(500), 4)
    got = Ranking(wanted.ravel(), scores.ravel(), rows).both(weights)
    want = Ranking(wanted.ravel(), scores.ravel()).both(np.repeat(weights[-2:], 4, axis=1))
    assert [len(one) for one in got] == [300, 300]
    np.testing.assert_allclose([one[-2:] for one in got], want)
