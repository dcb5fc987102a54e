"""A network for tests of what is around one: it takes the place of `build_model`, and is traced in a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from model_gen.data.testing import TINY
from model_gen.models.blocks.convolution import conv_bn_relu6
from model_gen.models.config import ModelConfig

# Options under which nothing of the frontend lies in the network.
ALONE: dict[str, Any] = {
    "audio_frontend": "log_mel",
    "input_compression": "log1p",
    "mag_scale": "none",
}
TINIEST: dict[str, Any] = {**TINY, **ALONE}  # a training run's, inside `in_its_place`


@contextmanager
def in_its_place() -> Iterator[None]:
    """Training builds it, whatever the options say of the network."""
    from model_gen.training import run

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(run, "build_model", tiny)
        yield


def tiny(config: ModelConfig, *, seed: int = 0, mixed: bool = False) -> Any:
    """Two convolutions, the pool and the head, called as the DS-CNN's are."""
    import keras

    keras.utils.set_random_seed(seed)
    shape = (config.frontend.rows, config.frontend.frames, 1)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16" if mixed else "float32")
    try:
        x = features = keras.Input(shape, dtype="float32", name="features")
        for number in range(2):
            x = conv_bn_relu6(x, 8, 3, (2, 2), f"c{number}")
        x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
        logits = keras.layers.Dense(len(config.labels), dtype="float32", name="logits")(x)
        return keras.Model(features, logits, name="nightjar")
    finally:
        keras.config.set_dtype_policy(policy)
