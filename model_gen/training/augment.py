"""Augmentation of batches of model inputs, in NumPy, from generators that the caller seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from host.frontend_contract import FrontendContract

Floats = npt.NDArray[np.float32]


class Limits(NamedTuple):
    """Below how many rows and frames of a spectrogram a mask stays."""

    rows: int
    frames: int


@dataclass(frozen=True)
class Mixture:
    """What one row of a batch becomes: the sum of `rows`, itself the first, times `gains`."""

    rows: npt.NDArray[np.int64]
    gains: Floats

    def of(self, x: npt.NDArray[np.int16] | Floats) -> Floats:
        """Float32 of the shape of a row of x [B, ...]."""
        mixed: Floats = np.tensordot(self.gains, x[self.rows].astype(np.float32, copy=False), 1)
        return mixed


def mixtures(
    rows: int, rng: np.random.Generator, *, alpha: float, probability: float
) -> dict[int, Mixture]:
    """Which int(rows * probability) rows of a batch become mixtures of two or three of its rows.

    The gains come from a symmetric Dirichlet distribution. An `alpha` of 0 mixes nothing.
    """
    count = int(rows * probability)
    if alpha == 0 or count == 0 or rows < 3:
        return {}
    found = {}
    for row in rng.choice(rows, count, replace=False):
        sources = int(rng.integers(2, 4))
        others = np.delete(np.arange(rows), row)
        chosen = np.concatenate(([row], rng.choice(others, sources - 1, replace=False)))
        gains = rng.dirichlet(np.full(sources, alpha)).astype(np.float32)
        found[int(row)] = Mixture(chosen, gains)
    return found


def mix(x: Floats, drawn: Mapping[int, Mixture]) -> None:
    """Mix, in place, rows of model inputs [B, bins, frames] of the rows that are given."""
    mixed = [mixture.of(x) for mixture in drawn.values()]
    for row, one in zip(drawn, mixed, strict=True):
        x[row] = one


def unite(y: Floats, drawn: Mapping[int, Mixture]) -> None:
    """Give, in place, labels [B, labels] of mixed rows the largest of their sources'."""
    united = [y[mixture.rows].max(axis=0) for mixture in drawn.values()]
    for row, one in zip(drawn, united, strict=True):
        y[row] = one


def mask_limits(contract: FrontendContract, rows: int, frames: int, *, scaled: bool) -> Limits:
    """Below how many rows and frames a mask of a spectrogram stays.

    Args:
        rows, frames: of a spectrogram of 256 bins, 64 mel bands or 20 coefficients, and 256 frames.
        scaled: whether they are scaled to the contract's; else they are as given.
    """
    if contract.spectrum == "none":
        return Limits(0, 0)
    if not scaled:
        return Limits(rows, frames)
    of = 20 if contract.mfcc else 64 if contract.mel_bands else 256
    return Limits(round(rows * contract.rows / of), round(frames * contract.frames / 256))


def spec_augment(
    x: Floats,
    rngs: Sequence[np.random.Generator],
    *,
    freq_mask_max: int,
    time_mask_max: int,
    masks: int = 2,
    to_mean: bool = False,
) -> None:
    """Mask, in place, `masks` bands of rows and of frames in each of x [B, rows, frames].

    A generator a spectrogram.
    Widths are uniform in 0 ... max - 1, starts uniform (Park et al. 2019).

    `to_mean`: what is masked becomes the mean of its row over the frames, and not 0, where 0 is no silence.
    """
    for row, rng in zip(x, rngs, strict=True):
        fill = row.mean(axis=1, keepdims=True) if to_mean else np.zeros((len(row), 1), row.dtype)
        for axis, most in ((0, freq_mask_max), (1, time_mask_max)):
            length = row.shape[axis]
            for _ in range(masks if most else 0):
                width = int(rng.integers(0, min(most, length)))
                start = int(rng.integers(0, length - width + 1))
                if axis == 0:
                    row[start : start + width] = fill[start : start + width]
                else:
                    row[:, start : start + width] = fill


def warp(x: Floats, factors: Sequence[float], hz: npt.NDArray[np.float64] | None = None) -> None:
    """Stretch the frequencies of each of x [B, bins, frames] in place: what is at f times a row's own comes there.

    Linear between rows; beyond the lowest and the highest there are these again (Jaitly and Hinton
    2013 warp the same for vocal tracts of other lengths).

    Args:
        x: spectrograms.
        factors: one a spectrogram.
        hz: the rows' frequencies where they are not proportional to their numbers, rising.
    """
    bins = x.shape[1]
    for row, factor in zip(x, factors, strict=True):
        if hz is None:
            place = np.minimum(np.arange(bins) * factor, bins - 1)
        else:
            place = np.interp(hz * factor, hz, np.arange(bins))
        below = place.astype(np.intp)
        above = np.minimum(below + 1, bins - 1)
        share = (place - below).astype(np.float32)[:, None]
        low = row[below]
        row[:] = low + share * (row[above] - low)
