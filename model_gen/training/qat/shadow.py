"""The step of shadow training: a float step from rounded kernels, whose change is given to the kernels themselves.

Before a step each kernel of a convolution or dense layer behind the frontend is rounded to 2 ** bits - 1 asymmetric
steps between its least and its most, of each channel or of the whole; W + (W' - Wq) is what it becomes. Biases and
activations stay as they are, and nothing of it is saved. No runtime computes that arithmetic.
"""

from typing import Any

import keras
import tensorflow as tf

from model_gen.training.losses import Loss
from model_gen.training.steps import Supervised


class Shadow(Supervised):
    """A supervised model whose steps begin at rounded kernels."""

    def __init__(self, model: Any, loss: Loss, *, bits: int, per_tensor: bool) -> None:
        super().__init__(model, loss, None, 0.0)
        self._bits, self._per_tensor = bits, per_tensor
        self._shadowed = shadowed(model)

    def train_step(self, data: Any) -> Any:
        before = [tf.identity(kernel) for _, kernel in self._shadowed]
        rounded = [
            rounded_kernel(value, None if self._per_tensor else axis, self._bits)
            for value, (axis, _) in zip(before, self._shadowed, strict=True)
        ]
        for value, (_, kernel) in zip(rounded, self._shadowed, strict=True):
            kernel.assign(value)
        logs = super().train_step(data)
        for whole, value, (_, kernel) in zip(before, rounded, self._shadowed, strict=True):
            kernel.assign(whole + (kernel - value))
        return logs


def shadowed(model: Any) -> list[tuple[int, Any]]:
    """The axis of the channels, and the kernel, of each layer that is shadowed."""
    found = []
    for layer in model.layers:
        if layer.name.startswith(("frontend", "pwl")) or not layer.trainable:
            continue
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            found.append((-2, layer.kernel))
        elif isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            found.append((-1, layer.kernel))
    return found


def rounded_kernel(kernel: Any, axis: int | None, bits: int) -> Any:
    """round((W - min) / step) step + min, step = (max - min) / (2 ** bits - 1), of each index of `axis` or of all."""
    axes = (
        None
        if axis is None
        else [i for i in range(len(kernel.shape)) if i != axis % len(kernel.shape)]
    )
    low = tf.reduce_min(kernel, axis=axes, keepdims=True)
    step = (tf.reduce_max(kernel, axis=axes, keepdims=True) - low) / (2**bits - 1)
    return tf.where(
        step > 0, tf.round((kernel - low) / tf.where(step > 0, step, 1.0)) * step + low, kernel
    )
