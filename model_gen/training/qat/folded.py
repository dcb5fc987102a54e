"""The constants of a converted graph as functions of a Keras model's variables.

The converter folds a batch normalization into the kernel before it, and a factor before a dense layer into that one's
kernel. The same in the same order gives the same bits, by which a constant is found again: no name is trusted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf


@dataclass(frozen=True)
class Folded:
    """What the converter makes of one layer, and of the batch normalization behind it.

    Attributes:
        layer: its name.
        kernel: gives [outputs, h, w, inputs], [1, h, w, outputs] or [outputs, inputs], as TFLite has them.
        bias: gives [outputs]; None where there is none.
        of_kernel, of_bias: the layer's variables that train, which either is a function of.
    """

    layer: str
    kernel: Callable[[], Any]
    bias: Callable[[], Any] | None
    of_kernel: tuple[Any, ...]
    of_bias: tuple[Any, ...]

    def is_bias(self, constant: npt.NDArray[np.float32] | None) -> bool:
        """Whether a constant is this bias, to the bit; None, as the converter drops it, where it is 0."""
        if self.bias is None:
            return False
        if constant is None:
            return not np.any(self.bias())
        return bits_of(self.bias()) == bits_of(constant)


def bits_of(value: Any) -> tuple[tuple[int, ...], bytes]:
    """What two arrays have in common that are the same to the bit."""
    array = np.asarray(value)
    return array.shape, array.tobytes()


def folded_layers(model: Any) -> Iterator[Folded]:
    """Each layer of a Keras model that has a kernel."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            yield _folded(layer, _depthwise_form, (1, 1, -1, 1))
        elif isinstance(layer, keras.layers.Conv2D):
            yield _folded(layer, lambda kernel: tf.transpose(kernel, (3, 0, 1, 2)), (-1,))
        elif isinstance(layer, keras.layers.Dense):
            yield _folded(layer, tf.transpose, (-1,))


def _folded(layer: Any, form: Callable[[Any], Any], channels: tuple[int, ...]) -> Folded:
    """`channels`: a shape in which one value a channel is broadcast over the layer's kernel."""
    norm: Any = _norm_behind(layer)
    factor = _factor_before(layer)

    def scale() -> Any:
        return tf.math.rsqrt(norm.moving_variance + norm.epsilon) * norm.gamma

    def kernel() -> Any:
        value = tf.convert_to_tensor(layer.kernel)
        if norm is not None:
            value = value * tf.reshape(scale(), channels)
        return form(value if factor is None else value * tf.constant(factor, tf.float32))

    def bias() -> Any:
        if norm is None:
            return tf.convert_to_tensor(layer.bias)
        shifted = norm.beta - norm.moving_mean * scale()
        return shifted + layer.bias * scale() if layer.use_bias else shifted

    has_bias = norm is not None or layer.use_bias
    trained = layer.trainable_variables
    of_kernel = tuple(variable for variable in trained if variable is layer.kernel)
    of_bias = tuple(variable for variable in trained if variable is not layer.kernel)
    return Folded(layer.name, kernel, bias if has_bias else None, of_kernel, of_bias)


def _depthwise_form(kernel: Any) -> Any:
    height, width, channels, _ = kernel.shape
    return tf.reshape(tf.transpose(kernel, (3, 0, 1, 2)), (1, height, width, channels))


def _norm_behind(layer: Any) -> Any | None:
    """The batch normalization that alone reads a layer."""
    import keras

    behind = [node.operation for node in layer._outbound_nodes]
    alone = len(behind) == 1 and isinstance(behind[0], keras.layers.BatchNormalization)
    return behind[0] if alone else None


def _factor_before(layer: Any) -> float | None:
    """The factor of a Rescaling before a layer, with dropout between or without."""
    import keras

    (tensor,) = layer._inbound_nodes[0].input_tensors
    while True:
        before = tensor._keras_history.operation
        if isinstance(before, keras.layers.Rescaling):
            return float(before.scale)
        if not isinstance(before, keras.layers.Dropout):
            return None
        (tensor,) = before._inbound_nodes[0].input_tensors
