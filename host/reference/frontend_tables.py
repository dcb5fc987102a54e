"""The frontend's constants, made once here for the host library and for generated firmware alike."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from host.contract import FrontendContract

COMPRESSIONS = {"none": 0, "sqrt": 1}  # NJ_COMPRESSION_* of nj_frontend.h
SCALE_BITS = 52  # NJ_FRONTEND_SCALE
WINDOW_BITS = (
    36  # int16 times 2^36 is sample / 32768 * 2^51, and the split's factor 2 makes it 2^52
)
TWIDDLE_BITS = (
    24  # finer bits would not make a twiddle near 1 more exact, and would allow denormals
)


@dataclass(frozen=True)
class FrontendTables:
    """The arrays of `struct nj_frontend`; n is the FFT length.

    window float32 [n]; order uint16 [n / 2]; twiddle float32 [passes * quarter * 3 * 2]; split float32 [n / 2 + 2].
    """

    window: npt.NDArray[np.float32]
    order: npt.NDArray[np.uint16]
    twiddle: npt.NDArray[np.float32]
    split: npt.NDArray[np.float32]


def make_tables(contract: FrontendContract) -> FrontendTables:
    """Compute the tables in float64, then round once."""
    length = contract.fft_length
    return FrontendTables(
        window=_hann(length),
        order=_bit_reversal(length // 2),
        twiddle=_radix4_twiddles(length // 2),
        split=_rotations([(k, length) for k in range(length // 4 + 1)]),
    )


def _hann(length: int) -> npt.NDArray[np.float32]:
    """0.5 - 0.5 cos(2 pi n / length), periodic, written so that small values keep all their digits."""
    values = [math.sin(math.pi * min(n, length - n) / length) ** 2 for n in range(length)]
    return np.ldexp(np.array(values).astype(np.float32), WINDOW_BITS)


def _bit_reversal(points: int) -> npt.NDArray[np.uint16]:
    bits = points.bit_length() - 1
    return np.array([int(f"{i:0{bits}b}"[::-1], 2) for i in range(points)], dtype=np.uint16)


def _radix4_twiddles(points: int) -> npt.NDArray[np.float32]:
    """W^k, W^2k, W^3k of each pass that multiplies, W = exp(-2 pi i / (4 quarter))."""
    quarter = 4 if (points.bit_length() - 1) % 2 == 0 else 2
    turns: list[tuple[int, int]] = []
    while quarter < points:
        turns += [(power * k, 4 * quarter) for k in range(quarter) for power in (1, 2, 3)]
        quarter *= 4
    return _rotations(turns)


def _rotations(turns: list[tuple[int, int]]) -> npt.NDArray[np.float32]:
    """exp(-2 pi i part / whole) as re, im, re, im, ..., each a multiple of 2^-24."""
    angles = [2 * math.pi * part / whole for part, whole in turns]
    pairs = np.array([(math.cos(angle), -math.sin(angle)) for angle in angles])
    steps = np.rint(pairs * 2.0**TWIDDLE_BITS) + 0.0  # no negative zeros
    return np.ldexp(steps, -TWIDDLE_BITS).astype(np.float32).reshape(-1)
