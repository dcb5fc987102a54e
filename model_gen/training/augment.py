"""Augmentation of batches of model inputs, in NumPy, from generators that the caller seeds."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def mixup(
    x: Floats, y: Floats, rng: np.random.Generator, *, alpha: float, probability: float
) -> tuple[Floats, Floats]:
    """Replace int(B * probability) rows by mixtures of two or three of the original rows.

    A row is among its own sources. The gains come from a symmetric Dirichlet distribution; inputs
    [B, bins, frames] are summed with them, labels [B, labels] are united by the maximum. An `alpha`
    of 0 mixes nothing. Arrays that are given are left as they are.
    """
    count = int(len(x) * probability)
    if alpha == 0 or count == 0 or len(x) < 3:
        return x, y
    mixed_x, mixed_y = x.copy(), y.copy()
    for row in rng.choice(len(x), count, replace=False):
        sources = int(rng.integers(2, 4))
        others = np.delete(np.arange(len(x)), row)
        rows = np.concatenate(([row], rng.choice(others, sources - 1, replace=False)))
        gains = rng.dirichlet(np.full(sources, alpha)).astype(np.float32)
        mixed_x[row] = np.tensordot(gains, x[rows], axes=1)
        mixed_y[row] = y[rows].max(axis=0)
    return mixed_x, mixed_y


def spec_augment(
    x: Floats,
    rngs: Sequence[np.random.Generator],
    *,
    freq_mask_max: int,
    time_mask_max: int,
    masks: int = 2,
) -> Floats:
    """Zero `masks` bands of bins and of frames in each of x [B, bins, frames], a generator a row.

    Widths are uniform in 0 ... max - 1, starts uniform (Park et al. 2019).
    """
    x = x.copy()
    for row, rng in zip(x, rngs, strict=True):
        for axis, most in ((0, freq_mask_max), (1, time_mask_max)):
            length = row.shape[axis]
            for _ in range(masks if most else 0):
                width = int(rng.integers(0, min(most, length)))
                start = int(rng.integers(0, length - width + 1))
                if axis == 0:
                    row[start : start + width] = 0
                else:
                    row[:, start : start + width] = 0
    return x
