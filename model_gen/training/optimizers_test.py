from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from model_gen.runtime import tensorflow
from model_gen.training.optimizers import OPTIMIZERS, optimizer_of
from model_gen.training.options import TrainOptions

tensorflow()  # before Keras computes: threads cannot be set afterwards

RATE = 0.1


def layer() -> Any:
    dense = keras.layers.Dense(2, kernel_initializer="ones", bias_initializer="ones")
    dense.build((None, 3))
    return dense


def stepped(steps: int = 1, gradient: float = 1.0, **given: Any) -> tuple[Any, Any]:
    """Kernel and bias, which start at ones, after steps along gradients of that value."""
    options = TrainOptions(Path("data"), learning_rate=RATE, grad_clip=0.0, **given)
    dense = layer()
    optimizer = optimizer_of(options, dense.trainable_variables)
    for _ in range(steps):
        gradients = [keras.ops.full(v.shape, gradient) for v in dense.trainable_variables]
        optimizer.apply(gradients, dense.trainable_variables)
    return np.asarray(dense.kernel), np.asarray(dense.bias)


def test_sgd_has_momentum() -> None:
    velocity, want = 0.0, 1.0
    for _ in range(4):
        velocity = 0.9 * velocity - RATE
        want += velocity
    for got in stepped(4, optimizer="sgd"):
        np.testing.assert_allclose(got, want, rtol=1e-5)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adam_moves_by_the_rate(name: str) -> None:
    for got in stepped(3, gradient=0.01, optimizer=name):
        np.testing.assert_allclose(got, 1 - 3 * RATE, rtol=1e-3)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_pulls_kernels_and_nothing_else(name: str) -> None:
    kernel, bias = stepped(gradient=0.0, optimizer=name, weight_decay=0.5)
    np.testing.assert_allclose(kernel, 1 - RATE * 0.5, rtol=1e-6)
    np.testing.assert_allclose(bias, 1)


def test_a_gradient_that_is_not_finite_lowers_the_loss_scale_and_moves_nothing() -> None:
    options = TrainOptions(Path("data"), mixed_precision=True)
    dense = layer()
    optimizer = optimizer_of(options, dense.trainable_variables)
    before = float(optimizer.dynamic_scale)
    gradients = [keras.ops.full(v.shape, float("inf")) for v in dense.trainable_variables]
    optimizer.apply(gradients, dense.trainable_variables)
    np.testing.assert_array_equal(dense.kernel, 1)
    assert float(optimizer.dynamic_scale) == before / 2
    assert any(v is optimizer.dynamic_scale for v in optimizer.variables)
