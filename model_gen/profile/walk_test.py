"""The walk of Keras's layers beside the .tflite that TensorFlow Lite's converter makes of them."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_gen.models.build import build_model
from model_gen.profile.keras_walk import keras_steps
from model_gen.profile.made_up import int8_model
from model_gen.profile.profile import profile_model, profile_tflite
from model_gen.profile.step import Step, arena
from model_gen.profile.tflite_walk import tflite_steps
from model_gen.profile.work import Work
from model_gen.runtime import tensorflow
from model_gen.training.configure import configure
from model_gen.training.presets import options_of

SMALL: dict[str, Any] = {
    "data_path_train": Path(),
    "sample_rate": 8000,
    "chunk_duration": 1.0,
    "fft_length": 256,
    "spec_width": 64,
    "num_mels": 32,
    "alpha": 0.25,
    "depth_multiplier": 0.25,
    "embeddings_size": 32,
}
# What is in a model -> options; together they have every layer that a model of ours may have.
MODELS: dict[str, dict[str, Any]] = {
    "gates and residuals": {"se": True, "inverted_residual": True, "mag_scale": "db"},
    "attention": {"use_attention_pooling": True, "audio_frontend": "raw", "depthwise_kernel": (5,)},
}


def _model(given: dict[str, Any]) -> Any:
    tensorflow()
    model = build_model(configure(options_of("release", {**SMALL, **given}), ["a", "b", "c"]))
    # The converter computes hinges of equal weights, as they begin, once.
    generator = np.random.default_rng(1)
    model.set_weights([w + generator.uniform(0, 0.05, w.shape) for w in model.get_weights()])
    return model


def _others() -> Any:
    """Layers that only a user's model has: a padding, pools, a concatenation, swish, a softmax."""
    tensorflow()
    import keras

    layers = keras.layers
    inputs = keras.Input((18, 20, 3))
    x = layers.ZeroPadding2D(((0, 1), (1, 0)))(inputs)
    x = layers.Conv2D(8, 3, 2, activation="relu")(x)
    y = layers.MaxPooling2D(2)(x)
    z = layers.AveragePooling2D(2)(x)
    x = layers.Concatenate()([y, z])
    x = layers.Conv2D(16, 1, activation="silu")(x)
    x = layers.Permute((2, 1, 3))(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(layers.Flatten()(x)))


def _works(steps: tuple[Step, ...]) -> "Counter[Work]":
    """What is called, whatever the ranges: an activation that data never reach is none in int8."""
    return Counter(
        Work(**{**vars(step.work), "relu": False}) for step in steps if step.work is not None
    )


@pytest.mark.parametrize("name", [*MODELS, "others"])
def test_the_walks_of_keras_and_of_its_tflite_agree(name: str) -> None:
    model = _others() if name == "others" else _model(MODELS[name])
    content = int8_model(model)
    ours = keras_steps(model)
    _, theirs = tflite_steps(content)
    assert _works(ours) == _works(theirs)
    expected, converted = profile_model(model, trained=False), profile_tflite(content)
    assert expected.parameters == model.count_params()
    assert expected.uncosted == converted.uncosted == 0
    assert expected.instructions == pytest.approx(converted.instructions, rel=0.03)
    assert expected.activation_bytes == pytest.approx(converted.activation_bytes, rel=0.1)


def test_a_layer_that_nothing_is_known_of_is_said_to_be_missing() -> None:
    tensorflow()
    import keras

    inputs = keras.Input((8, 8, 8))
    x = keras.layers.UnitNormalization()(inputs)
    found = profile_model(keras.Model(inputs, keras.layers.Conv2D(8, 3)(x)), trained=False)
    assert found.uncosted == 1
    assert [step.known for step in found.steps] == [False, True]
    assert {one.rule.name for one in found.findings} == {"outside-npu"}


def test_a_layer_that_is_called_twice_has_its_parameters_once() -> None:
    tensorflow()
    import keras

    inputs = keras.Input((8, 8, 8))
    shared = keras.layers.Conv2D(8, 1)
    found = profile_model(keras.Model(inputs, shared(shared(inputs))), trained=False)
    assert [step.parameters for step in found.steps] == [72, 0]
    assert found.macs == 2 * 64 * 64


def test_what_lives_at_once_is_the_largest_sum_of_a_step() -> None:
    """A chain of 64, 32 and 16 bytes, with a branch that keeps the first until the end."""

    def step(size: int, *reads: int, idle: bool = False) -> Step:
        return Step("x", "ADD", (), (), (size,), reads, idle=idle)

    assert arena([(64,)], [step(32, -1), step(16, 0)]) == 96
    assert arena([(64,)], [step(32, -1), step(16, 0), step(64, 1, -1)]) == 64 + 16 + 64
    assert arena([(64,)], [step(64, -1, idle=True), step(32, 0), step(16, 1)]) == 96
