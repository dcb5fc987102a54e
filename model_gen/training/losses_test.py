from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model_gen.runtime import tensorflow
from model_gen.training.losses import bce, cce, class_weights, focal, loss_of
from model_gen.training.options import TrainOptions

tensorflow()  # before Keras computes: threads cannot be set afterwards

SHAPE = (4, 3)
LOGITS = arrays(np.float64, SHAPE, elements=st.floats(-30, 30))
TARGETS = arrays(np.float64, SHAPE, elements=st.floats(0, 1))
WEIGHTS = np.array([0.5, 1.0, 7.0])


def probabilities(logits: Any) -> Any:
    return 1 / (1 + np.exp(-logits))


@settings(max_examples=30, deadline=None)
@given(TARGETS, LOGITS, st.sampled_from([None, WEIGHTS]))
def test_bce_weighs_the_positive_term_alone(targets: Any, logits: Any, weights: Any) -> None:
    p = probabilities(logits)
    w = 1 if weights is None else weights
    want = -(w * targets * np.log(p) + (1 - targets) * np.log1p(-p))
    np.testing.assert_allclose(bce(targets, logits, weights), want, rtol=1e-3, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(LOGITS, st.integers(0, 2**12 - 1), st.floats(0, 4))
def test_focal_is_its_definition_on_hard_labels(logits: Any, bits: int, gamma: float) -> None:
    targets = np.array([bits >> i & 1 for i in range(12)], float).reshape(SHAPE)
    p = probabilities(logits)
    of_truth = np.where(targets == 1, p, 1 - p)
    want = (1 - of_truth) ** gamma * -np.log(of_truth)
    got = np.asarray(focal(targets, logits, None, gamma=gamma))
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-9)
    weighted = np.asarray(focal(targets, logits, WEIGHTS, gamma=gamma))
    np.testing.assert_allclose(weighted, np.where(targets == 1, WEIGHTS * got, got))


@settings(max_examples=30, deadline=None)
@given(LOGITS, st.integers(1, 7))
def test_cce_shares_a_row_among_its_labels(logits: Any, bits: int) -> None:
    targets = np.tile([bits >> i & 1 for i in range(3)], (4, 1)).astype(float)
    for row, (y, z) in enumerate(zip(targets, logits, strict=True)):
        p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
        cost = -np.log(p)[y == 1]
        np.testing.assert_allclose(np.asarray(cce(targets, logits))[row], cost.mean(), rtol=1e-6)
        weighted = (WEIGHTS[y == 1] * cost).mean()
        np.testing.assert_allclose(
            np.asarray(cce(targets, logits, WEIGHTS))[row], weighted, rtol=1e-6
        )


@pytest.mark.parametrize("name", ["bce", "cce", "focal"])
def test_values_and_gradients_stay_finite_far_out(name: str) -> None:
    tf = tensorflow()
    given = {"loss": name, "class_activation": "softmax" if name == "cce" else "sigmoid"}
    loss = loss_of(TrainOptions("data", focal_gamma=0.5, **given), 3)  # type: ignore[arg-type]
    logits = tf.constant([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        values = loss.values(tf.constant([[1.0, 0, 0], [1, 0, 0]]), logits, WEIGHTS.astype("f4"))
    assert np.isfinite(values).all()
    assert np.isfinite(tape.gradient(values, logits)).all()


def test_smoothing_takes_from_hard_labels_what_the_head_asks_for() -> None:
    hard = np.array([[1.0, 0, 0, 0]])
    given: dict[str, Any] = {"label_smoothing": 0.2}
    sigmoid = loss_of(TrainOptions("data", **given), 4)  # type: ignore[arg-type]
    np.testing.assert_allclose(sigmoid.smooth(hard), [[0.9, 0.1, 0.1, 0.1]])
    softmax = loss_of(TrainOptions("data", class_activation="softmax", **given), 4)  # type: ignore[arg-type]
    np.testing.assert_allclose(softmax.smooth(hard), [[0.85, 0.05, 0.05, 0.05]])


def test_class_weights_are_inverse_frequencies() -> None:
    np.testing.assert_allclose(class_weights(np.array([10.0, 30, 20])), [2, 2 / 3, 1])
    np.testing.assert_allclose(class_weights(np.array([5.0, 0, 15])), [2, 1, 2 / 3])
