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

APRIL_BINS = 65  # with the Nyquist bin; 72 in the network
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


def _april(**more: Any) -> ModelConfig:
    contract = replace(CONFIG.frontend, bins=APRIL_BINS)
    return replace(CONFIG, frontend=contract, frontend_form="april", **more)


def test_april_s_layers_compute_the_definition_with_the_constant_of_settling() -> None:
    """y = relu(K^T s) over the largest mel value of the settling windows; no batch normalization."""
    rng = np.random.default_rng(3)
    config = _april(mag_scale="none")
    model = _model(config)
    assert model.get_layer("frontend_mel_mixer").kernel.shape == (1, 1, 72, 8)
    assert not any("bn" in layer.name for layer in model.layers)
    x = rng.random((5, APRIL_BINS, 32)).astype(np.float32) ** 4
    frontend("hybrid").settle(model, config, x[:4])
    matrix = mel_matrix(bins=APRIL_BINS, num_mels=8, sample_rate=8000, fft_length=128)
    mels = np.einsum("km,nkt->nmt", matrix, x)
    got = np.asarray(model(x[..., None]))[..., 0]
    np.testing.assert_allclose(got, np.maximum(mels / mels[:4].max(), 0), rtol=1e-4, atol=1e-6)
    assert got[:4].max() == pytest.approx(1, abs=1e-5)


def test_april_s_mixer_survives_silence_alone() -> None:
    config = _april()
    model = _model(config)
    before = np.asarray(model.get_layer("frontend_mel_mixer").kernel)
    frontend("hybrid").settle(model, config, np.zeros((2, APRIL_BINS, 32), np.float32))
    np.testing.assert_array_equal(model.get_layer("frontend_mel_mixer").kernel, before)


@pytest.mark.parametrize("trainable", [False, True])
def test_april_s_mixer_and_scaling_train_when_told_and_stay_non_negative(trainable: bool) -> None:
    import keras

    model = _model(_april(frontend_trainable=trainable))
    assert len(model.trainable_weights) == (len(model.weights) if trainable else 0)
    if trainable:
        mixer = model.get_layer("frontend_mel_mixer").kernel
        optimizer = keras.optimizers.SGD(1.0)
        optimizer.apply([np.full(mixer.shape, 0.01, np.float32)], [mixer])
        assert np.asarray(mixer).min() == 0 < np.asarray(mixer).max()


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
