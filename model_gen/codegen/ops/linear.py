"""Linear forms that give a quantized op's bytes: found from all inputs that there are, not from a formula."""

from dataclasses import dataclass

import numpy as np

from model_gen.codegen.graph import Array

_INT32 = (1 << 31) - 1
_SHIFTS = range(28, 7, -1)


@dataclass(frozen=True)
class LinearForm:
    """clamp((factors[0] * a + factors[1] * b + offset) >> shift)."""

    factors: tuple[int, int]
    offset: int
    shift: int


def linear_form(
    wanted: Array, ratios: tuple[float, float], low: int, high: int
) -> LinearForm | None:
    """The form that gives clamp(wanted, low, high) for every pair, or None if there is none near the ratios.

    `wanted`: whole numbers [256, 256] (or [256, 1] for one input) for steps from -128 on; `ratios`: slopes.
    """
    a = np.arange(-128, wanted.shape[0] - 128, dtype=np.int64)[:, None]
    b = np.arange(-128, wanted.shape[1] - 128, dtype=np.int64)[None, :]
    clamped = np.clip(wanted, low, high)
    for shift in _SHIFTS:
        factors = round(ratios[0] * 2**shift), round(ratios[1] * 2**shift)
        if (abs(factors[0]) + abs(factors[1])) * 128 > _INT32:
            continue
        value = factors[0] * a + factors[1] * b
        # What the offset must reach for each pair, and what it must stay below; a clamped pair bounds one side only.
        least = np.where(clamped > low, (clamped << shift) - value, -(1 << 62)).max()
        below = np.where(clamped < high, ((clamped + 1) << shift) - value, 1 << 62).min()
        if least >= below:
            continue
        offset = _between(int(least), int(below))
        if offset is not None and np.abs(value + offset).max() <= _INT32 and abs(offset) <= _INT32:
            found = np.clip((value + offset) >> shift, low, high)
            assert np.array_equal(found, clamped)
            return LinearForm(factors, offset, shift)
    return None


def _between(least: int, below: int) -> int | None:
    """The middle of [least, below); None where one of them is no bound at all."""
    if least < -_INT32 or below > _INT32:
        return None
    return (least + below - 1) // 2
