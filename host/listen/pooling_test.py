"""Pooling against plain loops, and the order between the pools."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from host.listen.pooling import BETA, activate, detect, pool

SCORES = arrays(np.float64, (4, 3), elements=st.floats(0, 1))


@given(SCORES)
def test_log_mean_exp(scores: npt.NDArray[np.float64]) -> None:
    for label in range(3):
        terms = [math.exp(BETA * scores[chunk, label]) for chunk in range(4)]
        want = math.log(sum(terms) / 4) / BETA
        assert pool(scores, "lme")[label] == pytest.approx(want, abs=1e-12)


@given(SCORES)
def test_log_mean_exp_lies_between_average_and_max(scores: npt.NDArray[np.float64]) -> None:
    assert np.all(pool(scores, "average") <= pool(scores, "lme") + 1e-12)
    assert np.all(pool(scores, "lme") <= pool(scores, "max") + 1e-12)


def test_activations() -> None:
    steps = np.array([[-128, 0, 127]], np.int8)
    real = [0.5 * (s + 1) for s in (-128, 0, 127)]
    assert activate(steps, 0.5, -1, "none")[0].tolist() == real
    want = [1 / (1 + math.exp(-v)) for v in real]
    assert activate(steps, 0.5, -1, "sigmoid")[0] == pytest.approx(want)
    assert activate(steps, 0.5, -1, "softmax").sum() == pytest.approx(1)


def test_labels_come_with_the_time_of_their_chunk() -> None:
    scores = np.array([[0.1, 0.9], [0.8, 0.2]])
    found = detect(scores, ("a", "b"), [0, 50], chunk=100, length=120, rate=10, how="max", top_k=1)
    assert [(d.label, d.score, d.start, d.end) for d in found] == [("b", 0.9, 0.0, 10.0)]
    second = detect(
        scores, ("a", "b"), [0, 50], chunk=100, length=120, rate=10, how="max", top_k=2
    )[1]
    assert (second.label, second.start, second.end) == ("a", 5.0, 12.0)
