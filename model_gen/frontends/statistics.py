"""Batch normalization of bands, whose statistics come from data before any step of training."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.runtime import replicas

BN_EPSILON = 1e-3
BN_MOMENTUM = 0.99
_NAME = "frontend_bn"


def normalized(x: Any, highest: float | None = None) -> Any:
    """Batch normalization of `[batch, 1, frames, bands]`, then ReLU, which ends at `highest`."""
    import keras

    x = keras.layers.BatchNormalization(
        epsilon=BN_EPSILON, momentum=BN_MOMENTUM, synchronized=replicas() > 1, name=_NAME
    )(x)
    return keras.layers.ReLU(highest, name="frontend_relu")(x)


def settle_norm(model: Any, parts: Iterable[npt.NDArray[np.float64]]) -> None:
    """Set the moving statistics to those of `parts`, each [bands, n], n the same in all.

    With a momentum of 0.99 they would take hundreds of steps, and a small data set has a dozen an epoch. In float64,
    so that the order of the sum does not matter.
    """
    layer = model.get_layer(_NAME)
    total, count = np.zeros((2, layer.moving_mean.shape[0])), 0
    for part in parts:
        total += np.stack([part.sum(axis=1), (part**2).sum(axis=1)])
        count += part.shape[1]
    mean, square = total / count
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(np.maximum(square - mean**2, 0))
