from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.frontend_contract import FrontendContract
from model_gen.data.geometry import frontend_contract
from model_gen.training.augment import (
    Floats,
    Limits,
    mask_limits,
    mix,
    mixtures,
    spec_augment,
    unite,
    warp,
)


def mixup(
    x: Floats, y: Floats, rng: np.random.Generator, *, alpha: float, probability: float
) -> tuple[Floats, Floats]:
    drawn = mixtures(len(x), rng, alpha=alpha, probability=probability)
    x, y = x.copy(), y.copy()
    mix(x, drawn)
    unite(y, drawn)
    return x, y


def masked(x: Floats, rngs: list[np.random.Generator], freq: int, time: int) -> Floats:
    x = x.copy()
    spec_augment(x, rngs, freq_mask_max=freq, time_mask_max=time)
    return x


@given(st.integers(3, 12), st.floats(0, 1), st.integers(0, 99))
def test_mixup_mixes_that_share_of_the_original_rows(n: int, share: float, seed: int) -> None:
    x = np.eye(n, dtype=np.float32)[:, :, None]
    y = np.eye(n, dtype=np.float32)
    mixed_x, mixed_y = mixup(x, y, np.random.default_rng(seed), alpha=0.5, probability=share)
    changed = [i for i in range(n) if mixed_y[i].sum() > 1]
    assert len(changed) == int(n * share)
    np.testing.assert_allclose(mixed_x.sum(axis=(1, 2)), 1, rtol=1e-5)
    for i in range(n):
        sources = np.flatnonzero(mixed_y[i])
        assert i in sources
        assert len(sources) == (1 if i not in changed else len(sources))
        assert len(sources) in ((2, 3) if i in changed else (1,))
        assert set(np.flatnonzero(mixed_x[i, :, 0])) <= set(sources)


def both(seed: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed), np.random.default_rng(seed + 1)]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_masks_are_narrow_bands_of_zeros(freq: int, time: int, seed: int) -> None:
    x = np.ones((2, 20, 30), np.float32)
    for row in masked(x, both(seed), freq, time):
        bins = (row == 0).all(axis=1).sum()
        frames = (row == 0).all(axis=0).sum()
        assert bins <= 2 * (freq - 1)
        assert frames <= 2 * (time - 1)
        assert (row == 0).sum() == bins * 30 + frames * 20 - bins * frames


def test_masks_to_the_mean_lie_where_zeros_would_and_hold_their_row_s_mean() -> None:
    x = np.random.default_rng(1).normal(7, 2, (2, 20, 30)).astype(np.float32)
    zeroed, found = masked(x, both(3), 9, 9), x.copy()
    spec_augment(found, both(3), freq_mask_max=9, time_mask_max=9, to_mean=True)
    means = np.broadcast_to(x.mean(axis=2, keepdims=True), x.shape)
    assert 0 < (zeroed == 0).sum() < x.size
    np.testing.assert_array_equal(found, np.where(zeroed == 0, means, x))


def test_no_masks_when_both_widths_are_zero() -> None:
    x = np.ones((2, 4, 4), np.float32)
    np.testing.assert_array_equal(masked(x, both(0), 0, 0), x)


def test_the_masks_of_a_row_depend_on_its_own_generator() -> None:
    x = np.ones((2, 20, 30), np.float32)
    first = masked(x, both(5), 9, 9)
    swapped = masked(x, both(5)[::-1], 9, 9)
    np.testing.assert_array_equal(first, swapped[::-1])


def test_an_alpha_of_0_mixes_nothing() -> None:
    x, y = np.ones((9, 2, 2), np.float32), np.eye(9, dtype=np.float32)
    mixed_x, mixed_y = mixup(x, y, np.random.default_rng(0), alpha=0, probability=1)
    np.testing.assert_array_equal(mixed_x, x)
    np.testing.assert_array_equal(mixed_y, y)


@given(st.integers(3, 9), st.integers(0, 99))
def test_sound_is_mixed_of_the_same_rows_with_the_same_gains(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sound = rng.integers(-32768, 32768, (n, 50)).astype(np.int16)
    drawn = mixtures(n, rng, alpha=0.5, probability=0.7)
    of_inputs = sound.astype(np.float32)
    mix(of_inputs, drawn)
    assert len(drawn) == int(0.7 * n)
    for row, mixture in drawn.items():
        assert mixture.rows[0] == row
        assert len(set(mixture.rows.tolist())) == len(mixture.rows)
        np.testing.assert_array_equal(mixture.of(sound), of_inputs[row])
        naive = sum(
            float(gain) * sound[source].astype(float)
            for source, gain in zip(mixture.rows, mixture.gains, strict=True)
        )
        np.testing.assert_allclose(mixture.of(sound), naive, atol=0.01)


def contract(fft_length: int, spec_width: int, seconds: float = 2.5) -> FrontendContract:
    return frontend_contract(
        name="hybrid",
        sample_rate=24000,
        chunk_duration=seconds,
        fft_length=fft_length,
        spec_width=spec_width,
        compression="sqrt",
    )


def test_masks_are_as_wide_a_share_of_any_spectrogram() -> None:
    whole = contract(512, 256)
    assert mask_limits(whole, 8, 25, scaled=True) == Limits(8, 25)
    assert mask_limits(contract(1024, 128), 8, 25, scaled=True) == Limits(16, 12)
    assert mask_limits(contract(128, 32), 8, 25, scaled=True) == Limits(2, 3)
    assert mask_limits(contract(128, 32), 1, 3, scaled=True) == Limits(0, 0)
    for one in (whole, contract(1024, 128), contract(128, 32)):
        assert mask_limits(one, 8, 25, scaled=False) == Limits(8, 25)


def test_masks_of_mel_bands_and_coefficients_are_shares_of_64_and_20() -> None:
    mel = replace(contract(512, 128), mel_bands=40)
    assert mask_limits(mel, 8, 25, scaled=True) == Limits(5, 12)
    cepstra = replace(mel, mfcc=13, compression="log")
    assert mask_limits(cepstra, 8, 25, scaled=True) == Limits(5, 12)


def test_a_raw_waveform_has_no_masks() -> None:
    raw = FrontendContract(
        name="raw",
        sample_rate=24000,
        chunk_samples=60000,
        fft_length=512,
        hop=1,
        frames=60000,
        bins=1,
        compression="none",
        normalization="peak",
        spectrum="none",
    )
    for scaled in (False, True):
        assert mask_limits(raw, 8, 25, scaled=scaled) == Limits(0, 0)


@given(st.integers(0, 1), st.integers(0, 1))
def test_a_mask_below_two_rows_or_frames_has_no_width(freq: int, time: int) -> None:
    x = np.ones((2, 5, 6), np.float32)
    np.testing.assert_array_equal(masked(x, both(1), freq, time), x)


@given(st.integers(1, 20), st.integers(1, 5), st.floats(0.5, 2.0), st.integers(0, 99))
def test_a_warp_is_linear_between_rows(bins: int, frames: int, factor: float, seed: int) -> None:
    x = np.random.default_rng(seed).random((2, bins, frames)).astype(np.float32)
    got = x.copy()
    warp(got, [1.0, factor])
    np.testing.assert_array_equal(got[0], x[0])
    for frame in range(frames):
        want = np.interp(np.arange(bins) * factor, np.arange(bins), x[1, :, frame])
        np.testing.assert_allclose(got[1, :, frame], want, atol=1e-6)
    assert got.min() >= 0
    assert got.max() <= 1


@pytest.mark.parametrize("factor", [0.85, 1.0, 1.15])
def test_a_warp_of_mel_bands_is_one_of_their_frequencies(factor: float) -> None:
    """A tone in one band comes to where its frequency over the factor lies, whatever the scale of the rows."""
    hz = np.geomspace(200, 8000, 64)
    x = np.exp(-(((np.log(hz) - np.log(2000)) / 0.05) ** 2)).astype(np.float32)
    x = np.repeat(x[None, :, None], 3, axis=2)
    warp(x, [factor], hz)
    found = np.exp(np.sum(x[0, :, 0] * np.log(hz)) / x[0, :, 0].sum())
    assert found == pytest.approx(2000 / factor, rel=0.01)
