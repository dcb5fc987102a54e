"""The layer against a naive reference in float64: sums over samples, bins and bands as they are defined."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from host.errors import BadInput
from model_gen.runtime import tensorflow

Floats = npt.NDArray[Any]
# Of sums before square and power: float32 against float64, of values up to about 100. The power's slope has no bound
# near 0, where sums of a real part change their sign.
SUMS: dict[str, Any] = {"rtol": 2e-4, "atol": 1e-3}
FIRST_POWER = 1.0 / (1.0 + np.exp(1.23))

PRESENT: tuple[dict[str, Any], ...] = (
    {"frame_step": 278, "frame_length": 2048, "fmin": 0.0, "fmax": 3000.0},
    {"frame_step": 280, "frame_length": 1024, "fmin": 500.0, "fmax": 15000.0},
)
SMALL: dict[str, Any] = {
    "sample_rate": 8000,
    "spec_shape": (12, 30),
    "frame_step": 29,
    "frame_length": 128,
    "fmin": 200.0,
    "fmax": 3500.0,
}


def layer(**arguments: Any) -> Any:
    tensorflow()
    from model_gen.models.spectrogram_layer import MelSpectrogram

    return MelSpectrogram(**arguments)


def mel(hz: float) -> float:
    """HTK's scale."""
    return 1127.0 * math.log1p(hz / 700.0)


def mel_matrix(bins: int, fft: int, bands: int, rate: int, low: float, high: float) -> Floats:
    """Triangles over mel, of height 1; the bin at 0 Hz counts for nothing."""
    width = (mel(high) - mel(low)) / (bands + 1)
    edges = [mel(low) + width * i for i in range(bands + 2)]
    matrix = np.zeros((bins, bands))
    for i in range(1, bins):
        at = mel(i * rate / fft)
        for band in range(bands):
            left, middle, right = edges[band : band + 3]
            matrix[i, band] = max(
                0.0, min((at - left) / (middle - left), (right - at) / (right - middle))
            )
    return matrix


def reference(sound: Floats, of: dict[str, Any], a: float = 1.23, every: int = 1) -> Floats:
    """[bands, frames] of one window, float64; of `every` so many frames one."""
    bands, frames = of["spec_shape"]
    length, step, rate = of["frame_length"], of["frame_step"], of["sample_rate"]
    fft = of.get("fft_length") or length
    x = sound.astype(np.float64)
    x = 2.0 * (x - x.min()) / (x.max() - x.min() + 1e-6) - 1.0
    n = np.arange(length)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / length)
    turns = np.exp(-2j * np.pi * np.outer(n, np.arange(fft // 2 + 1)) / fft)
    spectrum = np.stack(
        [(x[t * step : t * step + length] * hann) @ turns for t in range(0, frames, every)]
    )
    size = spectrum.real if of.get("part") == "real" else np.abs(spectrum)
    matrix = mel_matrix(fft // 2 + 1, fft, bands, rate, of["fmin"], of["fmax"])
    power = ((size @ matrix) ** 2) ** (1.0 / (1.0 + np.exp(a)))
    return np.asarray(power.T[::-1])


def assert_close(found: Any, wanted: Floats) -> None:
    """What is behind the power, by the sums before it."""
    before = (np.asarray(found, np.float64) ** (0.5 / FIRST_POWER), wanted ** (0.5 / FIRST_POWER))
    np.testing.assert_allclose(*before, **SUMS)


def noise(samples: int, windows: int = 2) -> Floats:
    made = np.random.default_rng(7).normal(0.05, 0.2, (windows, samples))
    return np.asarray(made / np.abs(made).max(axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("part", ["magnitude", "real"])
@pytest.mark.parametrize("more", [{}, {"fft_length": 256}])
@pytest.mark.parametrize("first", [False, True])
def test_it_is_the_reference(part: str, more: dict[str, Any], first: bool) -> None:
    of = {**SMALL, **more, "part": part}
    sound = noise(1000)
    made = layer(**of, data_format="channels_first" if first else "channels_last")
    found = made(sound[:, None, :, None])
    assert found.shape == ((2, 1, 12, 30) if first else (2, 12, 30, 1))
    assert made.compute_output_shape((2, 1, 1000, 1)) == found.shape
    wanted = np.stack([reference(one, of) for one in sound])
    assert_close(np.squeeze(found), wanted)
    np.testing.assert_array_equal(found, made(sound))  # [batch, samples]


@pytest.mark.parametrize("part", ["magnitude", "real"])
@pytest.mark.parametrize("band", PRESENT)
def test_both_bands_of_three_seconds_are_the_reference(band: dict[str, Any], part: str) -> None:
    of = {"sample_rate": 48000, "spec_shape": (96, 511), "part": part, **band}
    sound = noise(144000, 1)
    found = np.asarray(layer(**of)(sound))[0, :, :, 0]
    assert_close(found[:, ::10], reference(sound[0], of, every=10))


def test_a_high_tone_lies_in_the_first_rows_and_the_defaults_are_the_documented() -> None:
    time = np.arange(144000) / 48000
    for hertz, rows in ((14000.0, range(0, 8)), (600.0, range(88, 96))):
        found = layer()(np.sin(2 * np.pi * hertz * time)[None].astype(np.float32))
        assert found.shape == (1, 96, 511, 1)
        assert int(np.argmax(np.asarray(found)[0, :, 200, 0])) in rows


@pytest.mark.parametrize("part", ["magnitude", "real"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_silence_gives_no_nan_nor_inf_in_value_and_slope(part: str, policy: str) -> None:
    import keras
    import tensorflow as tf

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        made = layer(**{**SMALL, "part": part, "fmin": 0.0})
    finally:
        keras.config.set_dtype_policy(before)
    half = np.where(np.arange(1000) < 500, 0.0, noise(1000, 1)[0])
    sound = tf.constant(np.stack([np.zeros(1000), np.full(1000, 0.7), np.full(1000, -1), half]))
    sound = tf.cast(sound, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(sound)
        found = made(sound)
        total = tf.reduce_sum(found**2)
    slopes = tape.gradient(total, [sound, made.magnitude_scaling])
    assert found.dtype == tf.float32
    for value in (found, *slopes):
        assert np.isfinite(np.asarray(value)).all()


def test_the_power_is_learned() -> None:
    import tensorflow as tf

    made = layer(**SMALL)
    sound = noise(1000)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(made(sound))
    slope = float(tape.gradient(total, made.magnitude_scaling))
    near = [
        sum(reference(one, SMALL, 1.23 + d).sum() for one in sound.astype(np.float64))
        for d in (-1e-4, 1e-4)
    ]
    assert slope == pytest.approx((near[1] - near[0]) / 2e-4, rel=1e-3)


def test_it_comes_back_from_its_arguments_and_a_matrix_of_ones_own_counts() -> None:
    own = np.eye(65, 12)
    made = layer(**{**SMALL, "part": "real"}, mel_filterbank=own, data_format="channels_first")
    again = type(made).from_config(made.get_config())
    assert again.get_config() == made.get_config()
    sound = noise(1000)
    np.testing.assert_array_equal(again(sound), made(sound))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"part": "phase"}, "magnitude, real"),
        ({"data_format": "first"}, "channels_first"),
        ({"fmax": 4001.0}, "half its sample rate"),
        ({"fft_length": 64}, "fit their FFT"),
        ({"frame_step": 0}, "fit their FFT"),
        ({"mel_filterbank": np.ones((3, 3))}, "must have the shape"),
        ({"spec_shape": (12, 99)}, "99 frames"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        layer(**{**SMALL, **wrong})(noise(1000))
