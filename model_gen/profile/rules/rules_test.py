"""Each rule beside a model that breaks it and one that does not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from model_gen.profile.keras_walk import keras_steps
from model_gen.profile.rules import TABLE, judge
from model_gen.profile.rules.document import PLACE, text
from model_gen.profile.rules.rule import Scene
from model_gen.runtime import tensorflow

Build = Callable[[Any], tuple[Any, Any]]


def _one(shape: tuple[int, ...], *makers: Callable[[Any], Any]) -> Build:
    """A chain of layers over one input."""

    def build(keras: Any) -> tuple[Any, Any]:
        inputs = x = keras.Input(shape)
        for make in makers:
            x = make(keras)(x)
        return inputs, x

    return build


def _dense(outputs: int) -> Callable[[Any], Any]:
    return lambda keras: keras.layers.Dense(outputs)


def _conv(outputs: int, kernel: int = 3) -> Callable[[Any], Any]:
    return lambda keras: keras.layers.Conv2D(outputs, kernel, padding="same")


def _pool(keras: Any) -> Any:
    return keras.layers.GlobalAveragePooling2D()


def _absolute(keras: Any) -> Any:
    return keras.ops.abs


def _rectified(keras: Any) -> Any:
    """|x| = relu(x) + (relu(x) - x)."""
    relu = keras.ops.relu
    return lambda x: relu(x) + (relu(x) - x)


def _filterbank(mean: float) -> Callable[[Any], Any]:
    """Filters that do not train: cosines over 64 samples, around `mean`."""

    def make(keras: Any) -> Any:
        phase = np.arange(64)[:, None] * np.linspace(0.2, 2.5, 16)
        bank = (np.cos(phase) + mean)[None, :, None, :]
        return keras.layers.Conv2D(
            16,
            (1, 64),
            use_bias=False,
            trainable=False,
            kernel_initializer=lambda shape, dtype=None: keras.ops.convert_to_tensor(bank, dtype),
        )

    return make


# Rule -> a model that breaks it, and one that does not.
MODELS: dict[str, tuple[Build, Build]] = {
    "absolute-value": (_one((8, 8, 8), _absolute), _one((8, 8, 8), _rectified)),
    "side": (_one((1, 70_000, 1), _pool), _one((1, 60_000, 1), _pool)),
    "activations": (
        _one((256, 256, 8), _conv(32), _conv(8), _pool),
        _one((64, 64, 8), _conv(32), _conv(8), _pool),
    ),
    "zero-mean": (_one((1, 512, 1), _filterbank(0.0)), _one((1, 512, 1), _filterbank(1.0))),
    "outside-npu": (
        _one((32,), _dense(8), lambda keras: keras.layers.Softmax()),
        _one((32,), _dense(8), lambda keras: keras.layers.Activation("sigmoid")),
    ),
    "channels": (
        _one((8, 8, 12), _conv(16), _pool, _dense(5)),
        _one((8, 8, 1), _conv(16), _pool, _dense(5)),
    ),
    "tensor-memory": (_one((96, 96, 8), _conv(64), _pool), _one((48, 96, 8), _conv(64), _pool)),
    "moved": (
        _one((16, 4, 1), lambda keras: keras.layers.Permute((2, 1, 3))),
        _one((16, 1, 1), lambda keras: keras.layers.Permute((2, 1, 3))),
    ),
}


def _scene(build: Build, *, trained: bool = False) -> Scene:
    tensorflow()
    import keras

    inputs, outputs = build(keras)
    model = keras.Model(inputs, outputs)
    return Scene((tuple(inputs.shape[1:]),), keras_steps(model), trained)


def _found(scene: Scene) -> set[str]:
    return {one.rule.name for one in judge(scene)}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_breaks_a_rule_is_found_and_another_is_not(name: str) -> None:
    breaks, holds = MODELS[name]
    assert name in _found(_scene(breaks))
    assert name not in _found(_scene(holds))


def test_weights_beyond_the_flash_are_found() -> None:
    """Weights of 128 MB are not made for a test: the steps of a small model say that they have them."""
    scene = _scene(_one((8,), _dense(8)))
    assert "weights-memory" not in _found(scene)
    large = replace(scene.steps[0], parameters=1 << 27)
    assert "weights-memory" in _found(replace(scene, steps=(large,)))


def test_what_to_do_about_a_side_hangs_on_what_it_is_of() -> None:
    def mend(build: Build) -> list[str]:
        return [one.mend for one in judge(_scene(build)) if one.rule.name == "side"]

    assert all("--chunk-duration" in told for told in mend(MODELS["side"][0]))
    (told,) = mend(_one((1,), _dense(70_000)))
    assert "fewer classes" in told
    (told,) = mend(_one((1,), _dense(70_000), _dense(2)))
    assert "fewer channels" in told


def test_kernels_that_train_are_judged_when_they_are_trained() -> None:
    _, holds = MODELS["channels"]
    scene = _scene(holds, trained=True)
    first = scene.steps[0]
    assert first.kernels is not None
    odd = first.kernels - first.kernels.mean(axis=(1, 2, 3), keepdims=True)
    wide = replace(first, kernels=np.repeat(odd, 64, axis=3))
    assert "zero-mean" in _found(replace(scene, steps=(wide,)))
    assert "zero-mean" not in _found(replace(scene, steps=(wide,), trained=False))


def test_a_finding_says_where_how_much_and_from_which_source() -> None:
    (found,) = (
        one for one in judge(_scene(MODELS["zero-mean"][0])) if one.rule.name == "zero-mean"
    )
    assert found.hit.where.startswith("conv2d")
    assert "of 16 kernels: a shift of up to " in found.hit.says
    assert "12.5" in found.rule.source


def test_every_rule_has_models_a_source_and_a_name_of_its_own() -> None:
    names = [rule.name for rule in TABLE]
    assert len(set(names)) == len(names)
    assert set(names) == {*MODELS, "weights-memory"}
    assert all(rule.source and rule.mend for rule in TABLE)


def test_the_document_is_made_from_the_tables() -> None:
    assert PLACE.read_text() == text()
