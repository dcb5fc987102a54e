"""The tables, and the argument of nj_frontend.h that no denormal can occur."""

import ctypes
import math
from dataclasses import replace

import numpy as np
import pytest

from host.frontend_contract import FrontendContract
from host.reference import frontend_library
from host.reference.frontend import aligned, describe
from host.reference.frontend_mel import cosines, mel_bands
from host.reference.frontend_tables import (
    PAIR_BYTES,
    SCALE_BITS,
    TWIDDLE_BITS,
    WINDOW_BITS,
    make_tables,
    window_table,
)

LENGTHS = (128, 256, 512, 1024, 2048)
SMALLEST_NORMAL = -126


def contract(length: int) -> FrontendContract:
    return FrontendContract(fft_length=length, bins=length // 2)


@pytest.mark.parametrize("length", LENGTHS)
def test_tables_are_what_their_names_say(length: int) -> None:
    tables = make_tables(contract(length))
    turn = np.arange(length) / length
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * turn)
    window = window_table("hann", length)
    np.testing.assert_allclose(window / 2.0**WINDOW_BITS, hann, rtol=6e-8, atol=1e-15)
    assert sorted(tables.window) == sorted(window)
    order = tables.order // PAIR_BYTES
    width = length // 2 // len(order)
    assert width == (4 if math.log2(length) % 2 == 1 else 2)
    whole = [int(first) + part * length // 2 // width for first in order for part in range(width)]
    assert sorted(whole) == list(range(length // 2))
    assert order[1] == length // 4 // width
    split = tables.split[0::2] + 1j * tables.split[1::2]
    want = np.exp(-2j * np.pi * turn[: length // 4 + 1])
    np.testing.assert_allclose(split, want, rtol=0, atol=2.0**-TWIDDLE_BITS)


@pytest.mark.parametrize("length", LENGTHS)
def test_the_grid_of_the_spectrum_is_above_the_smallest_normal_number(length: int) -> None:
    tables = make_tables(contract(length))
    window = np.concatenate([window_table(kind, length) for kind in ("hann", "hamming", "none")])
    window = window[window > 0]
    passes, left = 0, len(tables.twiddle)
    while left > 0:  # a pass of quarter length m holds 6 m floats, by rising m
        left -= 6 * (2 if math.log2(length) % 2 == 0 else 4) * 4**passes
        passes += 1
    grid = int(np.log2(np.spacing(window.min())))
    for twiddles in (tables.twiddle, tables.split):
        steps = twiddles.astype(np.float64) * 2.0**TWIDDLE_BITS
        assert (steps == np.rint(steps)).all()
    assert left == 0
    assert grid - TWIDDLE_BITS * (passes + 1) >= SMALLEST_NORMAL


@pytest.mark.parametrize("length", LENGTHS)
def test_the_largest_square_fits(length: int) -> None:
    peak = 2 * 32768 * float(window_table("none", length).astype(np.float64).sum())
    assert math.log2(peak) <= SCALE_BITS + math.log2(length) + 1e-6
    assert 2 * peak**2 < np.finfo(np.float32).max


def test_magnitudes_of_tiny_parts_are_zero_or_on_the_grid() -> None:
    rng = np.random.default_rng(5)
    lanes, length = frontend_library.lanes(), 128
    described = describe(replace(contract(length), compression="none"))
    pairs = rng.choice([-1.0, 1.0], (length // 2, 2, lanes))
    pairs *= 2.0 ** rng.uniform(-101, 10, pairs.shape)
    given = aligned(pairs.size)
    given[:] = pairs.reshape(-1)
    columns = 16  # NJ_COLUMNS of a host
    out = np.zeros((length // 2, columns), np.float32)
    frontend_library.load().nj_spectrum(ctypes.byref(described), given.ctypes, out.ctypes)
    z = given.reshape(length // 2, 2, lanes).astype(np.float64)
    z = z[:, 0] + 1j * z[:, 1]
    mirrored = np.conj(np.roll(z[::-1], 1, axis=0))
    turn = np.exp(-2j * np.pi * np.arange(length // 2) / length)[:, None]
    want = np.abs((z + mirrored) + turn * (z - mirrored) / 1j)
    np.testing.assert_allclose(out[:, :lanes], want, rtol=2e-6, atol=2.0**-13)
    assert out[out > 0].min() >= 2.0**-38


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_mel_bands_are_those_of_librosa(scale: str) -> None:
    librosa = pytest.importorskip("librosa")
    for norm in ("slaney", "none"):
        made = replace(
            FrontendContract(bins=257), mel_bands=40, mel_scale=scale, mel_norm=norm, mel_low=50.0
        )
        dense = np.zeros((40, 257))
        for row, band in zip(dense, mel_bands(made), strict=True):
            row[band.first : band.first + len(band.weights)] = band.weights
        want = librosa.filters.mel(
            sr=24000, n_fft=512, n_mels=40, fmin=50, htk=scale == "htk",
            norm="slaney" if norm == "slaney" else None, dtype=np.float64,
        )  # fmt: skip
        np.testing.assert_allclose(dense, want, atol=1e-11)


def test_the_dct_is_orthonormal() -> None:
    whole = np.array(cosines(20, 20)).reshape(20, 20)
    np.testing.assert_allclose(whole @ whole.T, np.eye(20), atol=1e-14)
