"""For tests: small Keras models of the shapes that people train, quantized to full int8 by the converter."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np


def _pwl(x: Any, layers: Any) -> Any:
    """Piecewise linear magnitude scaling: depthwise 1x1 branches behind shifted ReLUs, summed."""
    total = layers.DepthwiseConv2D(1, use_bias=False)(x)
    for _ in range(2):
        branch = layers.ReLU()(layers.DepthwiseConv2D(1)(x))
        total = layers.Add()([total, layers.DepthwiseConv2D(1, use_bias=False)(branch)])
    return total


def _ds_cnn(layers: Any) -> tuple[Any, Any]:
    """Spectrogram [bins, frames, 1] -> mixer over bins -> PWL -> depthwise separable blocks -> GAP -> logits."""
    inputs = layers.Input((24, 20, 1))
    x = layers.Permute((3, 2, 1))(inputs)
    x = layers.ReLU()(layers.Conv2D(16, 1, use_bias=False)(x))
    x = _pwl(x, layers)
    x = layers.Permute((3, 2, 1))(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(8, 3, 2, padding="same")(x)))
    for width, stride in ((12, 2), (12, 1)):
        x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.Conv2D(width, 1, use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    return inputs, layers.Dense(5)(layers.GlobalAveragePooling2D()(x))


def _mobile(layers: Any) -> tuple[Any, Any]:
    """MobileNet-v2 blocks with a residual, squeeze and excitation, explicit padding, softmax."""
    inputs = layers.Input((17, 15, 3))
    x = layers.ZeroPadding2D(((0, 1), (1, 2)))(inputs)
    x = layers.ReLU(6.0)(layers.Conv2D(8, 3, 2)(x))
    y = layers.ReLU(6.0)(layers.Conv2D(16, 1)(x))
    y = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, padding="same")(y))
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    gate = layers.Conv2D(16, 1, activation="sigmoid")(layers.Conv2D(4, 1, activation="relu")(gate))
    y = layers.Conv2D(8, 1)(layers.Multiply()([y, gate]))
    x = layers.Add()([x, y])
    x = layers.DepthwiseConv2D(3, 2, depth_multiplier=2, padding="same", activation="tanh")(x)
    x = layers.LeakyReLU(negative_slope=0.1)(layers.AveragePooling2D(2, padding="same")(x))
    return inputs, layers.Dense(7, activation="softmax")(layers.Flatten()(x))


def _res(layers: Any) -> tuple[Any, Any]:
    """A ResNet block with a projected shortcut, max pooling, and a second output used by other ops."""
    inputs = layers.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    y = layers.Conv2D(16, 3, 2, padding="same", activation="relu")(x)
    y = layers.Conv2D(16, 3, padding="same")(y)
    x = layers.ReLU()(layers.Add()([y, layers.Conv2D(16, 1, 2)(x)]))
    x = layers.Concatenate()([x, y])
    pooled = layers.Flatten()(layers.MaxPooling2D(3)(x))
    return inputs, [pooled, layers.Dense(4, activation="sigmoid")(pooled)]


def _dense(layers: Any) -> tuple[Any, Any]:
    """A dense autoencoder with float32 input and output, and a subtraction."""
    inputs = layers.Input((40,))
    x = inputs
    for width in (24, 24, 8, 24):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(width)(x)))
    return inputs, layers.Subtract()([layers.Dense(40)(x), inputs])


_MODELS = {"ds_cnn": _ds_cnn, "mobile": _mobile, "res": _res, "dense": _dense}
NAMES = tuple(_MODELS)
_FLOAT_ENDS = ("dense",)


@cache
def quantized(name: str) -> bytes:
    """The .tflite of model `name`, the same all through a session."""
    return convert(_MODELS[name], float_ends=name in _FLOAT_ENDS)


def convert(build: Callable[[Any], tuple[Any, Any]], *, float_ends: bool = False) -> bytes:
    """The full-int8 .tflite of the model that `build` makes of Keras's layers, with random weights."""
    from host.reference.model import stdout_to_stderr
    from model_gen.runtime import tensorflow

    with stdout_to_stderr():
        tf = tensorflow()  # before Keras computes: threads cannot be set afterwards
        import keras

        keras.utils.set_random_seed(7)
        inputs, outputs = build(keras.layers)
        model = keras.Model(inputs, outputs)
        generator = np.random.default_rng(3)
        for layer in model.layers:  # batch norms and biases away from their trivial start
            layer.set_weights(
                [w + generator.uniform(0.0, 0.3, w.shape) for w in layer.get_weights()]
            )

        def calibration() -> Any:
            for _ in range(4):
                yield [generator.standard_normal((1, *model.input_shape[1:])).astype(np.float32)]

        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = calibration
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        if not float_ends:
            converter.inference_input_type = converter.inference_output_type = tf.int8
        return bytes(converter.convert())
