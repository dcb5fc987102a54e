"""For tests: the layers that blocks are made of, naively, in float64, with the weights of a Keras model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from model_gen.runtime import tensorflow

Floats = npt.NDArray[np.float64]
BN_EPSILON = 1e-3  # Keras's


def run(
    shape: tuple[int, ...],
    build: Callable[[Any], Any],
    image_of: Callable[[Floats], Floats] = lambda drawn: drawn,
) -> tuple[Floats, Floats, Callable[[str], list[Floats]]]:
    """An image of `shape`, what a network makes of it, and its weights by the name of their layer.

    Weights are moved away from their start, so that batch norms have means, variances and shifts.
    """
    tensorflow()
    import keras

    keras.utils.set_random_seed(3)
    inputs = keras.Input(shape)
    model = keras.Model(inputs, build(inputs))
    rng = np.random.default_rng(5)
    for layer in model.layers:
        layer.set_weights([w + rng.uniform(-0.3, 0.3, w.shape) for w in layer.get_weights()])
    image = image_of(rng.normal(0, 2, shape)).astype(np.float32)
    got = np.asarray(model(image[None], training=False), np.float64)[0]

    def weights(name: str) -> list[Floats]:
        return [np.asarray(w, np.float64) for w in model.get_layer(name).get_weights()]

    return image.astype(np.float64), got, weights


def _windows(x: Floats, kernel: int, strides: tuple[int, int]) -> Floats:
    """The padded windows of [h, w, c], as [out h, out w, kernel, kernel, c]; TensorFlow's `same`."""
    out = [-(-n // s) for n, s in zip(x.shape, strides, strict=False)]
    pads = [
        max(0, (o - 1) * s + kernel - n) for o, s, n in zip(out, strides, x.shape, strict=False)
    ]
    padded = np.pad(x, [*((p // 2, p - p // 2) for p in pads), (0, 0)])
    return np.stack(
        [
            [
                padded[
                    i * strides[0] : i * strides[0] + kernel,
                    j * strides[1] : j * strides[1] + kernel,
                ]
                for j in range(out[1])
            ]
            for i in range(out[0])
        ]
    )


def convolution(x: Floats, weights: list[Floats], strides: tuple[int, int] = (1, 1)) -> Floats:
    """[h, w, c] by a kernel [k, k, c, channels], without bias."""
    (kernel,) = weights
    out: Floats = np.einsum("hwijc,ijco->hwo", _windows(x, kernel.shape[0], strides), kernel)
    return out


def depthwise(x: Floats, weights: list[Floats], stride: int = 1) -> Floats:
    """[h, w, c] by a kernel [k, k, c, 1], without bias."""
    (kernel,) = weights
    windows = _windows(x, kernel.shape[0], (stride, stride))
    out: Floats = np.einsum("hwijc,ijc->hwc", windows, kernel[..., 0])
    return out


def batch_norm(x: Floats, weights: list[Floats]) -> Floats:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, by the last axis."""
    gamma, beta, mean, variance = weights
    return (x - mean) / np.sqrt(variance + BN_EPSILON) * gamma + beta


def relu6(x: Floats) -> Floats:
    """min(max(x, 0), 6)."""
    return np.minimum(np.maximum(x, 0), 6)


def squeeze_excite(x: Floats, of: Callable[[str], list[Floats]], name: str) -> Floats:
    """Each channel of [h, w, c] times its gate; `of` gives a layer's weights by its name."""
    (reduce,), (excite,) = of(f"{name}_reduce"), of(f"{name}_excite")
    middle = np.maximum(x.mean(axis=(0, 1)) @ reduce, 0)
    out: Floats = x / (1 + np.exp(-(middle @ excite)))
    return out


def attention_pooling(x: Floats, of: Callable[[str], list[Floats]], name: str) -> Floats:
    """[h, w, c] -> [c]: the sum over places, each times its share of all exponentials."""
    (score,) = of(f"{name}_score")
    powers = np.exp(x @ score[0, 0, :, 0])
    out: Floats = (x * powers[..., None]).sum(axis=(0, 1)) / powers.sum()
    return out
