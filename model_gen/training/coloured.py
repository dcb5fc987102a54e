"""Noise from white to brown, made once; a stretch of it is cut out at any place."""

import numpy as np
import numpy.typing as npt

from host.made_once import made_once
from model_gen.training.randomness import keyed

COLOURS = 9  # powers that fall with frequency to the 0 (white) to 2 (brown), equally far apart
PERIOD = 1 << 17  # samples after which a noise repeats
_FLAT = PERIOD // 1024  # cycles in PERIOD below which no more power is: it would not be heard

Floats = npt.NDArray[np.float32]


@made_once()
def noises() -> Floats:
    """One noise a colour, without a mean and of mean square 1: [COLOURS, PERIOD]."""
    cycles = np.maximum(np.arange(PERIOD // 2 + 1), _FLAT)
    made = np.empty((COLOURS, PERIOD), np.float32)
    for row, slope in zip(made, np.linspace(0, 2, COLOURS), strict=True):
        spectrum = np.fft.rfft(keyed("noise", float(slope).hex()).standard_normal(PERIOD))
        spectrum *= cycles ** (-slope / 2)
        spectrum[0] = 0
        noise = np.fft.irfft(spectrum, PERIOD)
        row[:] = noise / np.sqrt(np.mean(noise**2))
    return made


def stretch(rng: np.random.Generator, length: int) -> Floats:
    """Noise of a random colour from a random sample on: [length]; its mean square is about 1."""
    return endless(noises()[rng.integers(COLOURS)], int(rng.integers(PERIOD)), length)


def endless(period: Floats, start: int, length: int) -> Floats:
    """`length` samples of a sound that repeats, from its sample `start` on, which is within it."""
    first = period[start : start + length]
    rest = length - len(first)
    return np.concatenate((first, np.resize(period, rest))) if rest else first
