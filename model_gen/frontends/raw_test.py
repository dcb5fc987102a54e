"""The whole raw frontend against sums over each window, written apart from it; a test each of what trains, of
what settles, and of what is refused."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from host.errors import BadInput
from host.frontend_contract import FrontendContract
from model_gen.frontends import frontend
from model_gen.frontends.gabor import Geometry, bank
from model_gen.frontends.mel import mel_edges
from model_gen.frontends.short_filters import stride_and_padding
from model_gen.models.config import ModelConfig
from model_gen.runtime import tensorflow

SAMPLES, FRAMES, BANDS, RATE = 4000, 24, 8, 8000
CONFIG = ModelConfig(
    FrontendContract(
        name="raw",
        sample_rate=RATE,
        chunk_samples=SAMPLES,
        frames=SAMPLES,
        bins=1,
        compression="none",
        normalization="peak",
        spectrum="none",
    ),
    ("a", "b"),
    audio_frontend="raw",
    spec_width=FRAMES,
    num_mels=BANDS,
    mag_scale="none",
)
APRIL = replace(CONFIG, frontend_form="april")
Floats = npt.NDArray[np.float64]


def _model(config: ModelConfig) -> Any:
    tensorflow()
    import keras

    features = keras.Input((1, config.frontend.frames, 1))
    return keras.Model(features, frontend("raw").build(features, config))


def _chunks(count: int) -> npt.NDArray[np.float32]:
    """Noise and chirps, float32 [count, 1, SAMPLES] in [-1, 1]."""
    rng = np.random.default_rng(8)
    n = np.arange(SAMPLES)
    rows = [
        rng.standard_normal(SAMPLES) * 0.2 + np.sin(2 * np.pi * (0.05 + 1e-5 * i * n) * n)
        for i in range(count)
    ]
    made = np.stack([row / np.abs(row).max() for row in rows])[:, None]
    return np.asarray(made, np.float32)


def _naive_norm(y: Floats, model: Any, highest: float) -> Floats:
    gamma, beta, mean, variance = (
        np.asarray(w, np.float64)[:, None] for w in model.get_layer("frontend_bn").get_weights()
    )
    return np.clip((y - mean) / np.sqrt(variance + 1e-3) * gamma + beta, 0, highest)


def _naive_envelope(x: Floats, hop: int) -> Floats:
    """[BANDS, FRAMES]: for each frame and band a sum over the window's samples, as a short-time transform has it."""
    edges = mel_edges(BANDS, RATE)
    length = 2 * hop
    found = np.zeros((BANDS, FRAMES))
    for b in range(BANDS):
        centre, half = edges[b + 1], max(1.0, (edges[b + 2] - edges[b]) / 2)
        sigma = min(RATE / (2 * math.pi * half), length / 6)
        places = [i - (length - 1) / 2 for i in range(length)]
        bell = [math.exp(-(n**2) / (2 * sigma**2)) for n in places]
        turns = [2 * math.pi * centre * n / RATE for n in places]
        cosine = [g * math.cos(turn) for g, turn in zip(bell, turns, strict=True)]
        sine = [g * math.sin(turn) for g, turn in zip(bell, turns, strict=True)]
        energy = math.sqrt(sum(c * c + s * s for c, s in zip(cosine, sine, strict=True)))
        for t in range(FRAMES):
            window = x[t * hop : t * hop + length]
            found[b, t] = (abs(window @ cosine) + abs(window @ sine)) / energy
    return found


def _naive_low_pass(envelope: Floats) -> Floats:
    taps = [1 / 12, 3 / 12, 4 / 12, 3 / 12, 1 / 12]
    smooth = np.zeros_like(envelope)
    for t in range(FRAMES):
        for i, tap in enumerate(taps):
            if 0 <= t + i - 2 < FRAMES:
                smooth[:, t] += tap * envelope[:, t + i - 2]
    return smooth


def test_the_layers_compute_the_definition() -> None:
    model, x = _model(CONFIG), _chunks(2)
    rng = np.random.default_rng(3)
    norm = model.get_layer("frontend_bn")
    norm.set_weights([rng.uniform(0.2, 1.5, w.shape) for w in norm.get_weights()])
    hop = 16 * math.floor(math.floor(SAMPLES / (FRAMES - 1 + 2)) / 16)
    assert hop == 160
    want = [
        _naive_norm(_naive_low_pass(_naive_envelope(row[0].astype(float), hop)), model, np.inf)
        for row in x
    ]
    got = np.asarray(model(x[..., None]))
    assert got.shape == (2, BANDS, FRAMES, 1)
    np.testing.assert_allclose(got[..., 0], want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("samples", [SAMPLES, 330])
def test_the_layers_compute_april_s_definition(samples: int) -> None:
    """Of which a chunk of 330 samples is padded: 14 (24 - 1) + 16 = 338."""
    config = replace(APRIL, frontend=replace(APRIL.frontend, chunk_samples=samples, frames=samples))
    model, x = _model(config), _chunks(2)[:, :, :samples]
    filters = np.asarray(model.get_layer("frontend_bank").kernel, np.float64)[0, :, 0]
    stride = math.ceil(samples / FRAMES)
    zeros = max(0, stride * (FRAMES - 1) + 16 - samples)
    assert zeros == (8 if samples == 330 else 0)
    want = []
    for row in x:
        padded = [0.0] * (zeros // 2) + list(row[0].astype(float)) + [0.0] * (zeros - zeros // 2)
        y = [
            [sum(padded[t * stride + i] * filters[i, b] for i in range(16)) for t in range(FRAMES)]
            for b in range(BANDS)
        ]
        want.append(_naive_norm(np.array(y), model, 6.0))
    got = np.asarray(model(x[..., None]))[..., 0]
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("frames", "hop", "fold", "window"),
    [(256, 224, 112, 448), (384, 144, 72, 288), (448, 128, 64, 256)],
)
def test_the_geometry_is_the_published_one(frames: int, hop: int, fold: int, window: int) -> None:
    geometry = Geometry(60000, frames)
    assert (geometry.hop, geometry.fold, geometry.window) == (hop, fold, window)
    crop = 60000 // fold * fold
    assert (crop // fold - 4) // 2 + 1 >= frames


def test_every_window_of_any_geometry_is_full() -> None:
    for samples in range(300, 6000, 7):
        for frames in (8, 17, 32, 100):
            geometry = Geometry(samples, frames)
            if geometry.hop >= 16:
                assert (frames - 1) * geometry.hop + geometry.window <= samples
            stride, padding = stride_and_padding(samples, frames)
            assert (samples + padding - 16) // stride + 1 == frames


def test_filters_of_a_band_have_unit_energy_and_are_loudest_at_its_centre() -> None:
    filters = bank(Geometry(60000, 256), 64, 24000)
    np.testing.assert_allclose((filters[:, :64] ** 2 + filters[:, 64:] ** 2).sum(axis=0), 1)
    spectrum = np.abs(np.fft.fft(filters[:, :64] + 1j * filters[:, 64:], 2**16, axis=0))
    loudest = spectrum.argmax(axis=0) * 24000 / 2**16
    np.testing.assert_allclose(loudest, mel_edges(64, 24000)[1:-1], atol=1)


@pytest.mark.parametrize("config", [CONFIG, APRIL], ids=["current", "april"])
def test_settled_statistics_normalize_the_bands(config: ModelConfig) -> None:
    import keras

    model, x = _model(config), _chunks(6)
    frontend("raw").settle(model, config, x)
    norm = model.get_layer("frontend_bn")
    y = np.asarray(keras.Model(model.input, norm.output)(x[..., None]))
    variance = np.asarray(norm.moving_variance)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(y.var(axis=(0, 1, 2)), variance / (variance + 1e-3), rtol=1e-3)


@pytest.mark.parametrize("form", ["current", "april"])
@pytest.mark.parametrize("trainable", [False, True])
def test_what_trains(form: str, trainable: bool) -> None:
    model = _model(
        replace(CONFIG, frontend_form=form, frontend_trainable=trainable, mag_scale="pwl")
    )
    names = [weight.path for weight in model.trainable_weights]
    assert any("bank" in name for name in names) == (trainable or form == "april")
    assert any("pwl" in name for name in names) == (trainable or form == "current")
    assert any("bn" in name for name in names)
    assert any("low_pass" in name for name in names) == (form == "current")


def test_too_many_frames_are_refused_with_how_many_fit() -> None:
    with pytest.raises(BadInput, match="at least 16 samples") as caught:
        Geometry(2000, 125).check()
    assert "--spec-width 124 " in caught.value.next_step
    Geometry(2000, 124).check()
