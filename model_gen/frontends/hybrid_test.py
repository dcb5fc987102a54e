from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from model_gen.frontends import frontend
from model_gen.frontends.mel import mel_matrix
from model_gen.models.config import ModelConfig
from model_gen.runtime import tensorflow

CONFIG = ModelConfig(
    FrontendContract(
        sample_rate=8000, chunk_samples=4000, fft_length=128, hop=125, frames=32, bins=64
    ),
    ("a", "b"),
    num_mels=8,
)


def _model(config: ModelConfig) -> Any:
    tensorflow()
    import keras

    features = keras.Input((config.frontend.bins, config.frontend.frames, 1))
    return keras.Model(features, frontend("hybrid").build(features, config))


def _randomize(model: Any, rng: np.random.Generator) -> None:
    for weight in model.weights:
        if "mixer" not in weight.path:
            weight.assign(rng.uniform(0.1, 1.5, weight.shape))


@pytest.mark.parametrize("mag_scale", ["pwl", "none"])
def test_the_layers_compute_the_definition(mag_scale: str) -> None:
    rng = np.random.default_rng(1)
    model = _model(replace(CONFIG, mag_scale=mag_scale))
    _randomize(model, rng)
    x = rng.random((2, 64, 32, 1)).astype(np.float32)
    get = {layer.name: [np.asarray(w) for w in layer.get_weights()] for layer in model.layers}
    matrix = mel_matrix(bins=64, num_mels=8, sample_rate=8000, fft_length=128) * (8000 / 128)
    mels = np.einsum("km,bkt->bmt", matrix, x[..., 0])

    def column(values: Any) -> Any:
        return np.reshape(values, (8, 1))

    gamma, beta, mean, variance = map(column, get["frontend_bn"])
    y = np.maximum((mels - mean) / np.sqrt(variance + 1e-3) * gamma + beta, 0)
    if mag_scale == "pwl":
        total = column(get["pwl_k0"][0]) * y
        for i in (1, 2, 3):
            a, offset = get[f"pwl_a{i}"]
            hinge = np.maximum(column(a) * y + column(offset), 0)
            total = total + column(get[f"pwl_k{i}"][0]) * hinge
        y = total
    np.testing.assert_allclose(np.asarray(model(x))[..., 0], y, rtol=2e-4, atol=2e-4)


def test_a_new_pwl_has_the_published_slopes_and_knees() -> None:
    model = _model(CONFIG)
    get = {
        layer.name: [np.asarray(w).ravel() for w in layer.get_weights()] for layer in model.layers
    }
    assert (get["pwl_k0"][0] == np.float32(0.40)).all()
    for i, (slope, knee) in enumerate([(0.25, 0.10), (0.15, 0.35), (0.08, 0.65)], start=1):
        assert (get[f"pwl_k{i}"][0] == np.float32(slope)).all()
        assert (get[f"pwl_a{i}"][0] == 1).all()
        assert (get[f"pwl_a{i}"][1] == np.float32(-knee)).all()


@pytest.mark.parametrize("trainable", [False, True])
def test_the_mixer_trains_only_when_told_and_the_scaling_always(trainable: bool) -> None:
    model = _model(replace(CONFIG, frontend_trainable=trainable))
    names = [v.path for v in model.trainable_variables]
    assert any("mixer" in name for name in names) == trainable
    assert any("pwl" in name for name in names)


def test_settled_statistics_normalize_the_bands() -> None:
    rng = np.random.default_rng(2)
    model = _model(replace(CONFIG, mag_scale="none"))
    x = rng.random((6, 64, 32)).astype(np.float32) ** 2
    frontend("hybrid").settle(model, CONFIG, x)
    import keras

    normal = keras.Model(model.input, model.get_layer("frontend_bn").output)
    y = np.asarray(normal(x[..., None]))
    variance = np.asarray(model.get_layer("frontend_bn").moving_variance)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(y.var(axis=(0, 1, 2)), variance / (variance + 1e-3), rtol=1e-3)


def test_unknown_names_are_refused_with_those_there_are() -> None:
    with pytest.raises(BadInput, match="hybrid"):
        frontend("raaw")
