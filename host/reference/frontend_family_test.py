"""The whole family against a float64 oracle written from the definitions, and against librosa."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.contract import Contract
from host.errors import BadInput
from host.frontend_contract import FrontendContract, changed
from host.reference.frontend import features, magnitudes
from host.reference.frontend_cases import hard_chunks, real_chunks
from host.reference.frontend_members import MEMBERS, SAMPLES
from host.reference.frontend_stages import recorded_signal

Floats = npt.NDArray[np.float64]
SPECTRAL = {name: made for name, made in MEMBERS.items() if made.spectrum != "none"}
WINDOWS = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "none": (1.0, 0.0)}


def hertz_of(mel: Floats, scale: str) -> Floats:
    if scale == "htk":
        return np.asarray(700 * (10 ** (mel / 2595) - 1))
    logarithmic = 1000 * np.exp(np.log(6.4) / 27 * (mel - 15))
    return np.asarray(np.where(mel < 15, mel * 200 / 3, logarithmic))


def mel_of(hertz: float, scale: str) -> float:
    if scale == "htk":
        return float(2595 * np.log10(1 + hertz / 700))
    return float(hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4))


def mel_matrix(made: FrontendContract) -> Floats:
    low, high = (
        mel_of(made.mel_low, made.mel_scale),
        mel_of(made.mel_high or made.sample_rate / 2, made.mel_scale),
    )
    edges = hertz_of(np.linspace(low, high, made.mel_bands + 2), made.mel_scale)
    frequencies = np.arange(made.bins) * made.sample_rate / made.fft_length
    matrix = np.zeros((made.mel_bands, made.bins))
    for band in range(made.mel_bands):
        left, centre, right = edges[band : band + 3]
        rising = (frequencies - left) / (centre - left)
        falling = (right - frequencies) / (right - centre)
        matrix[band] = np.maximum(0, np.minimum(rising, falling))
        if made.mel_norm == "slaney":
            matrix[band] *= 2 / (right - left)
    return matrix


def oracle_spectrogram(chunk: npt.NDArray[np.int16], made: FrontendContract) -> Floats:
    """Before compression."""
    half = made.fft_length // 2
    a, b = WINDOWS[made.window]
    window = a - b * np.cos(2 * np.pi * np.arange(made.fft_length) / made.fft_length)
    padded = np.pad(chunk / 32768.0, (half, half))
    frames = np.stack([padded[t * made.hop :][: made.fft_length] for t in range(made.frames)])
    if made.window_dc == "remove":
        inside = np.pad(np.ones(len(chunk), bool), (half, half))
        masks = np.stack([inside[t * made.hop :][: made.fft_length] for t in range(made.frames)])
        means = [frame[mask].mean() for frame, mask in zip(frames, masks, strict=True)]
        frames = np.where(masks, frames - np.array(means)[:, None], 0)
    spectrum = np.abs(np.fft.rfft(frames * window, axis=1)).T[: made.bins]
    if made.spectrum == "power":
        spectrum = spectrum**2
    return mel_matrix(made) @ spectrum if made.mel_bands else spectrum


def oracle_pcen(energy: Floats, time_constant: float) -> Floats:
    """Word for word; `time_constant` in frames."""
    s = (np.sqrt(1 + 4 * time_constant**2) - 1) / (2 * time_constant**2)
    mean, found = energy[:, 0], np.empty_like(energy)
    for frame in range(energy.shape[1]):
        mean = (1 - s) * mean + s * energy[:, frame]
        found[:, frame] = np.sqrt(energy[:, frame] / (1e-6 + mean) ** 0.98 + 2) - np.sqrt(2)
    return found


def lowest_row(made: FrontendContract) -> int:
    """The first whose bin, or centre of its band, is not below norm_low."""
    frequencies = np.arange(made.bins) * made.sample_rate / made.fft_length
    if made.mel_bands:
        low, high = mel_of(made.mel_low, made.mel_scale), made.mel_high or made.sample_rate / 2
        edges = np.linspace(low, mel_of(high, made.mel_scale), made.mel_bands + 2)
        frequencies = hertz_of(edges, made.mel_scale)[1:-1]
    return int(np.flatnonzero(frequencies >= made.norm_low)[0]) if made.norm_low else 0


def oracle(chunk: npt.NDArray[np.int16], made: FrontendContract) -> Floats:
    spectrum = oracle_spectrogram(chunk, made)
    if made.compression == "sqrt":
        spectrum = np.sqrt(spectrum)
    if made.compression == "log":
        floor = 1e-8 if made.spectrum == "power" else 1e-4
        silence = 2.0**-128 if made.spectrum == "power" else 2.0**-64
        spectrum = np.log(np.maximum(spectrum, max(spectrum.max() * floor, silence)))
    if made.compression == "log1p":
        spectrum = np.log1p(made.log1p_gain * spectrum)
    if made.compression == "pcen":
        spectrum = oracle_pcen(spectrum * 2.0**31, 0.4 * made.sample_rate / made.hop)
    if made.mfcc:
        m, bands = np.arange(made.mel_bands), made.mel_bands
        rows = [np.cos(np.pi * k * (m + 0.5) / bands) for k in range(made.mfcc)]
        scale = np.sqrt(np.where(np.arange(made.mfcc) == 0, 1, 2) / bands)
        spectrum = scale[:, None] * (np.stack(rows) @ spectrum)
    if made.normalization == "fixed":
        return spectrum * made.fixed_scale + made.fixed_offset
    judged = spectrum[lowest_row(made) :]
    low, high = judged.min(), judged.max()
    if made.normalization == "percentile":
        ordered = sorted(judged.ravel().tolist())
        low = ordered[made.percentile_low * (len(ordered) - 1) // 10000]
        high = ordered[made.percentile_high * (len(ordered) - 1) // 10000]
    return np.asarray(np.clip((spectrum - low) / (high - low + 1e-10), 0, 1))


@pytest.mark.parametrize("name", SPECTRAL)
def test_before_compression_within_4e_7_of_the_peak(name: str) -> None:
    """Of magnitudes; a square has twice its root's relative error. What a sample less the mean loses to 24 bits
    is alike in many samples, and adds up."""
    bound = 4e-7 if SPECTRAL[name].spectrum == "magnitude" else 1e-6
    bound *= 2.5 if SPECTRAL[name].window_dc == "remove" else 1
    made = changed(SPECTRAL[name], compression="none", mfcc=0)
    cases = hard_chunks(SAMPLES)
    got = magnitudes(np.stack(list(cases.values())), made)
    for (case, chunk), found in zip(cases.items(), got, strict=True):
        want = oracle_spectrogram(chunk, made)
        error = np.abs(found - want).max()
        assert error <= bound * want.max(), f"{case}: {error / want.max():.3g} of the peak"


@pytest.mark.parametrize("name", SPECTRAL)
def test_features_agree_with_the_oracle(name: str) -> None:
    made = SPECTRAL[name]
    rng = np.random.default_rng(3)
    loud = rng.normal(0, 6000, SAMPLES).clip(-32768, 32767).astype(np.int16)
    for chunk in (loud, hard_chunks(SAMPLES)["sweep"], *real_chunks(SAMPLES)):
        want = oracle(chunk, made)
        got = features(chunk[np.newaxis], made)[0]
        assert got.shape == (made.rows, made.frames)
        bound = 2e-3 if made.compression in ("sqrt", "log", "log1p", "pcen") else 2e-6
        size = max(1.0, float(np.abs(want).max()))
        np.testing.assert_allclose(got, want, atol=bound * size, rtol=0)


@pytest.mark.parametrize("name", MEMBERS)
def test_hard_chunks_give_finite_features(name: str) -> None:
    got = features(np.stack(list(hard_chunks(SAMPLES).values())), MEMBERS[name])
    assert np.isfinite(got).all()
    assert not ((got != 0) & (np.abs(got) < np.finfo(np.float32).tiny)).any()
    if MEMBERS[name].normalization in ("minmax", "percentile"):
        assert not np.signbit(got).any()
        assert got.min() >= 0
        assert got.max() <= 1


def test_the_logarithm_is_within_two_ulp() -> None:
    """Through the contract: a one-bin chunk cannot be had, so powers of many sizes are."""
    made = replace(MEMBERS["power-log"], normalization="fixed", fixed_scale=1.0)
    plain = replace(made, compression="none", normalization="minmax")
    rng = np.random.default_rng(9)
    for loudness in (3, 1000, 32768):
        chunk = rng.integers(-loudness, loudness, (1, SAMPLES)).astype(np.int16)
        power = magnitudes(chunk, plain).astype(np.float64)
        want = np.log(np.maximum(power, power.max() * np.float32(1e-8)))
        got = features(chunk, made).astype(np.float64)
        ulp = np.spacing(np.maximum(np.abs(want), 1.0).astype(np.float32))
        assert (np.abs(got - want) <= 2 * ulp).all()


@pytest.mark.parametrize("gain", [1, 1 << 10, 1 << 30])
@pytest.mark.parametrize("more", [{}, {"spectrum": "power"}, {"mel_bands": 40, "bins": 257}])
def test_log1p_is_that_of_numpy(gain: int, more: dict[str, Any]) -> None:
    """Of the same magnitudes: 1 + g S is rounded once, and the logarithm is within 2 ulp."""
    made = replace(
        MEMBERS["log1p"], **more, log1p_gain=gain, normalization="fixed", fixed_scale=1.0
    )
    chunks = np.stack([recorded_signal(), *hard_chunks(SAMPLES).values(), *real_chunks(SAMPLES)])
    plain = magnitudes(chunks, replace(made, compression="none", log1p_gain=1 << 10))
    want = np.log1p(gain * plain.astype(np.float64))
    got = features(chunks, made).astype(np.float64)
    ulp = np.spacing(np.maximum(want, 2.0**-23).astype(np.float32))
    assert (np.abs(got - want) <= 2.0**-24 + 2 * ulp).all()
    assert (got[1] == 0).all()  # silence


def test_a_raw_waveform_is_divided_by_its_peak() -> None:
    for chunk in hard_chunks(SAMPLES).values():
        x = chunk / 32768.0
        want = x / (np.abs(x).max() + 1e-6)
        got = features(chunk[np.newaxis], MEMBERS["raw"])[0, 0]
        np.testing.assert_allclose(got, want, atol=1.3e-7, rtol=0)


@pytest.mark.parametrize("power", [1, 2])
def test_linear_and_mel_agree_with_librosa(power: int) -> None:
    librosa = pytest.importorskip("librosa")
    chunk = np.random.default_rng(2).normal(0, 5000, 24000).astype(np.int16)
    made = FrontendContract(
        chunk_samples=24000, hop=240, frames=100, bins=257, compression="none",
        spectrum="power" if power == 2 else "magnitude",
    )  # fmt: skip
    stft = librosa.stft(
        chunk.astype(np.float32) / 32768, n_fft=512, hop_length=240, pad_mode="constant"
    )
    want = np.abs(stft)[:, :100] ** power
    got = magnitudes(chunk[np.newaxis], made)[0]
    np.testing.assert_allclose(got, want, atol=1e-6 * want.max())
    mel = replace(made, mel_bands=64, mel_low=150.0)
    want = librosa.feature.melspectrogram(S=want, sr=24000, n_fft=512, n_mels=64, fmin=150.0)
    got = magnitudes(chunk[np.newaxis], mel)[0]
    np.testing.assert_allclose(got, want, atol=1e-6 * want.max())


def test_mfcc_agrees_with_librosa() -> None:
    """librosa's decibels are 10 / ln(10) times the natural logarithm."""
    librosa = pytest.importorskip("librosa")
    chunk = np.random.default_rng(2).normal(0, 5000, 24000).astype(np.int16)
    made = FrontendContract(
        chunk_samples=24000, hop=240, frames=100, bins=257, compression="log", spectrum="power",
        mel_bands=40, mel_low=150.0, mfcc=13, normalization="fixed", fixed_scale=10 / np.log(10),
    )  # fmt: skip
    signal = chunk.astype(np.float32) / 32768
    mel = librosa.feature.melspectrogram(
        y=signal, sr=24000, n_fft=512, hop_length=240, n_mels=40, fmin=150.0, pad_mode="constant"
    )[:, :100]
    want = librosa.feature.mfcc(S=librosa.power_to_db(mel, amin=1e-30), n_mfcc=13)
    np.testing.assert_allclose(features(chunk[np.newaxis], made)[0], want, atol=2e-3)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_contract_is_refused_or_works(data: st.DataObject) -> None:
    draw = data.draw
    length = draw(st.sampled_from((128, 256, 512)))
    values: dict[str, Any] = {
        "chunk_samples": length + draw(st.integers(0, 700)),
        "fft_length": length,
        "hop": draw(st.integers(1, 400)),
        "frames": draw(st.integers(1, 12)),
        "bins": length // 2 + draw(st.integers(0, 1)),
        "window": draw(st.sampled_from(sorted(WINDOWS))),
        "spectrum": draw(st.sampled_from(("magnitude", "power"))),
        "compression": draw(st.sampled_from(("none", "sqrt", "log", "log1p", "pcen"))),
        "normalization": draw(st.sampled_from(("minmax", "fixed", "percentile"))),
        "window_dc": draw(st.sampled_from(("keep", "remove"))),
        "mel_bands": draw(st.integers(0, 40)),
        "mel_scale": draw(st.sampled_from(("slaney", "htk"))),
        "mel_norm": draw(st.sampled_from(("slaney", "none"))),
        "mfcc": draw(st.sampled_from((0, 0, 5))),
        "fixed_scale": draw(st.sampled_from((1.0, 2.0**-40, 1e-3, 2.0**30))),
    }
    if values["normalization"] != "fixed":
        values["norm_low"] = draw(st.sampled_from((0.0, 0.0, 100.0, 3000.0)))
    if values["normalization"] == "percentile":
        values["percentile_low"] = draw(st.sampled_from((0, 100, 5000)))
        values["percentile_high"] = draw(st.sampled_from((5001, 9950, 10000)))
    try:
        made = FrontendContract(**values)
    except BadInput:  # its words are judged below
        return
    chunk = np.random.default_rng(draw(st.integers(0, 9))).integers(
        -20000, 20000, (1, made.chunk_samples)
    )
    want = oracle(chunk[0].astype(np.int16), made)
    got = features(chunk.astype(np.int16), made)[0]
    size = max(float(np.abs(want).max()), 1e-30)
    np.testing.assert_allclose(got / size, want / size, atol=3e-3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"hop": 0}, "hop"),
        ({"fft_length": 500, "bins": 250}, "power of two"),
        ({"fft_length": 4096, "bins": 2048}, "power of two"),
        ({"chunk_samples": 500, "frames": 2}, "shorter than the FFT"),
        ({"bins": 255}, "bins"),
        ({"window": "kaiser"}, "hann, hamming, none"),
        ({"compression": "cube"}, "none, sqrt, log, log1p, pcen"),
        ({"compression": "pcen"}, "mel bands"),
        ({"compression": "pcen", "mel_bands": 20, "mfcc": 13}, "log"),
        ({"compression": "pcen", "mel_bands": 9, "sample_rate": 584}, "the hop must not be longer"),
        ({"compression": "log1p", "log1p_gain": 1000}, "power of two"),
        ({"compression": "log1p", "log1p_gain": 1 << 31}, "below 2\\^31"),
        ({"compression": "log1p", "mel_bands": 20, "mfcc": 13}, "log"),
        ({"log1p_gain": 1}, "log1p_gain needs compression log1p"),
        ({"normalization": "zscore"}, "minmax, percentile, fixed, peak"),
        ({"spectrum": "phase"}, "magnitude, power, none"),
        ({"mel_scale": "bark", "mel_bands": 20}, "slaney, htk"),
        ({"mel_bands": 200, "mel_low": 0.0}, "at least one bin"),
        ({"mel_bands": 300}, "number of bins"),
        ({"mel_bands": 20, "mel_low": 9000.0, "mel_high": 8000.0}, "mel_low < mel_high"),
        ({"mel_bands": 20, "mel_high": 13000.0}, "half the sample rate"),
        ({"mel_bands": 20, "mfcc": 21, "compression": "log"}, "coefficients"),
        ({"mel_bands": 20, "mfcc": 13}, "log"),
        ({"mfcc": 13, "compression": "log"}, "coefficients"),
        ({"normalization": "fixed", "fixed_scale": 0.0}, "2\\^-40"),
        ({"normalization": "fixed", "fixed_scale": float("nan")}, "2\\^-40"),
        ({"spectrum": "none"}, "raw"),
        ({"name": "raw"}, "raw"),
        ({"hop": 234.0}, "whole number"),
        ({"sample_rate": 10**400}, "below 2\\^31"),
        ({"mel_high": float("nan")}, "at most 1e"),
        ({"fixed_offset": 10**400}, "at most 1e"),
        ({"mel_bands": "40"}, "whole number"),
        ({"mel_bands": 40, "mel_low": "150"}, "must be a number"),
    ],
)
def test_what_does_not_exist_is_refused(values: dict[str, Any], expected: str) -> None:
    with pytest.raises(BadInput, match=expected) as caught:
        FrontendContract(**values)
    assert caught.value.evidence.startswith("Received: ")


def test_contracts_of_older_bundles_can_be_read() -> None:
    old = {"name": "hybrid", "hop": 234, "frames": 256, "compression": "sqrt"}
    assert FrontendContract(**old) == FrontendContract()  # type: ignore[arg-type]
    assert Contract is not None
