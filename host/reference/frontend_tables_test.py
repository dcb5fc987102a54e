"""The tables, and the argument of nj_frontend.h that no denormal can occur."""

import ctypes
import math

import numpy as np
import pytest

from host.contract import FrontendContract
from host.reference import frontend_library
from host.reference.frontend_tables import SCALE_BITS, TWIDDLE_BITS, WINDOW_BITS, make_tables

LENGTHS = (128, 256, 512, 1024, 2048)
SMALLEST_NORMAL = -126


def contract(length: int) -> FrontendContract:
    return FrontendContract(fft_length=length, bins=length // 2)


@pytest.mark.parametrize("length", LENGTHS)
def test_tables_are_what_their_names_say(length: int) -> None:
    tables = make_tables(contract(length))
    turn = np.arange(length) / length
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * turn)
    np.testing.assert_allclose(tables.window / 2.0**WINDOW_BITS, hann, rtol=6e-8, atol=1e-15)
    assert sorted(tables.order) == list(range(length // 2))
    assert (tables.order[tables.order] == np.arange(length // 2)).all()
    assert tables.order[1] == length // 4
    split = tables.split[0::2] + 1j * tables.split[1::2]
    want = np.exp(-2j * np.pi * turn[: length // 4 + 1])
    np.testing.assert_allclose(split, want, rtol=0, atol=2.0**-TWIDDLE_BITS)


@pytest.mark.parametrize("length", LENGTHS)
def test_the_grid_of_the_spectrum_is_above_the_smallest_normal_number(length: int) -> None:
    tables = make_tables(contract(length))
    window = tables.window[tables.window > 0]
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
    tables = make_tables(contract(length))
    peak = 2 * 32768 * float(tables.window.astype(np.float64).sum())
    assert math.log2(peak) <= SCALE_BITS + math.log2(length / 2) + 1e-6
    assert 2 * peak**2 < np.finfo(np.float32).max


def test_magnitudes_of_tiny_parts_are_zero_or_on_the_grid() -> None:
    rng = np.random.default_rng(5)
    parts = rng.choice([-1.0, 1.0], 4000) * 2.0 ** rng.uniform(-125, 10, 4000)
    given = parts.astype(np.float32)
    out = np.empty(2000, np.float32)
    frontend_library.load().nj_magnitude(
        ctypes.c_void_p(given.ctypes.data),
        ctypes.c_uint32(2000),
        ctypes.c_uint32(0),
        ctypes.c_void_p(out.ctypes.data),
        ctypes.c_uint32(1),
    )
    want = np.hypot(parts[0::2], parts[1::2])
    np.testing.assert_allclose(out, want, rtol=2e-7, atol=2.0**-13)
    assert (out == 0).any()
    assert out[out > 0].min() >= 2.0**-38
