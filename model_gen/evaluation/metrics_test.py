import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_gen.evaluation.metrics import evaluate_scores, macro_roc_auc
from model_gen.evaluation.pooling import POOLINGS, activate, pool


@given(st.integers(0, 500))
def test_auc_is_the_share_of_pairs_in_order_and_ap_the_mean_precision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = np.eye(4)[rng.integers(0, 4, 30)][:, :3]  # the fourth is noise
    wanted[:3] = np.eye(3)
    scores = rng.permutation(90).reshape(30, 3) / 90
    got = evaluate_scores(wanted, scores, ("a", "b", "c"))
    aucs, precisions = [], []
    for w, s in zip(wanted.T, scores.T, strict=True):
        aucs.append(np.mean([p > n for p in s[w == 1] for n in s[w == 0]]))
        order = w[np.argsort(-s)]
        precisions.append(np.mean([order[: i + 1].mean() for i in np.flatnonzero(order)]))
    assert got.roc_auc == pytest.approx(np.mean(aucs))
    assert got.average_precision == pytest.approx(np.mean(precisions))
    birds = [i for i in range(30) if wanted[i].any()]
    assert got.top1 == pytest.approx(np.mean([wanted[i, scores[i].argmax()] for i in birds]))


def test_classes_without_positives_are_left_out_of_the_mean() -> None:
    wanted = np.array([[1, 0], [0, 0], [1, 0]], float)
    scores = np.array([[0.9, 0.1], [0.5, 0.2], [0.4, 0.3]])
    got = evaluate_scores(wanted, scores, ("a", "b"))
    assert got.per_class["b"] == {"recordings": 0, "roc_auc": None, "average_precision": None}
    assert got.roc_auc == got.per_class["a"]["roc_auc"] == 0.5
    nothing = evaluate_scores(wanted * 0, scores, ("a", "b"))
    assert (nothing.roc_auc, nothing.average_precision, nothing.top1) == (None, None, None)
    assert np.isnan(macro_roc_auc(wanted * 0, scores))


@given(st.integers(1, 6), st.integers(0, 99))
def test_log_mean_exp_lies_between_average_and_maximum(chunks: int, seed: int) -> None:
    scores = np.random.default_rng(seed).random((chunks, 3))
    got = {how: POOLINGS[how](scores) for how in POOLINGS}
    np.testing.assert_allclose(got["lme"], np.log(np.exp(10 * scores).mean(axis=0)) / 10)
    assert (got["average"] <= got["lme"] + 1e-12).all()
    assert (got["lme"] <= got["max"] + 1e-12).all()


def test_pool_keeps_recordings_apart() -> None:
    scores = np.array([[0.1], [0.9], [0.4]])
    assert pool(scores, np.array([1, 0, 1]), 2, "max").ravel().tolist() == [0.9, 0.4]


def test_sigmoid_does_not_overflow() -> None:
    got = activate(np.array([-1000, 0, 1000, 2], np.float32), "sigmoid")
    np.testing.assert_allclose(got, [0, 0.5, 1, 1 / (1 + np.exp(-2))])
