"""Linear forms that give a quantized op's bytes: found from all inputs that there are, not from a formula."""

from dataclasses import dataclass

import numpy as np

from model_gen.codegen.tflite.graph import Array

FREE_SHIFT = 22  # NJ_LINEAR_SHIFT, which costs least
_SHIFTS = (FREE_SHIFT, *range(28, FREE_SHIFT, -1), *range(FREE_SHIFT - 1, 7, -1))
_INT32 = (1 << 31) - 1 - (1 << (FREE_SHIFT - 1))  # of int32, what the kernels leave to a sum
_MAX_CHANNELS = 4096


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
    for shift in _SHIFTS:
        form = _form(wanted, ratios, low, high, shift)
        if form is not None:
            return form
    return None


def linear_channels(
    wanted: list[Array], ratios: list[float], low: int, high: int
) -> list[LinearForm] | None:
    """One form of one input for each channel, all of the same shift; `wanted`: [256] each.

    None, too, for more channels than any board's model has: a hostile file must not take hours.
    """
    if len(wanted) > _MAX_CHANNELS:
        return None
    for shift in _SHIFTS:
        forms = []
        for values, ratio in zip(wanted, ratios, strict=True):
            form = _form(values[:, None], (ratio, 0.0), low, high, shift)
            if form is None:
                break
            forms.append(form)
        else:
            return forms
    return None


def _form(
    wanted: Array, ratios: tuple[float, float], low: int, high: int, shift: int
) -> LinearForm | None:
    a = np.arange(-128, wanted.shape[0] - 128, dtype=np.int64)[:, None]
    b = np.arange(-128, wanted.shape[1] - 128, dtype=np.int64)[None, :]
    clamped = np.clip(wanted, low, high)
    if not all(abs(ratio) < _INT32 / 2**shift for ratio in ratios):
        return None
    factors = round(ratios[0] * 2**shift), round(ratios[1] * 2**shift)
    if (abs(factors[0]) + abs(factors[1])) * 128 > _INT32:
        return None
    value = factors[0] * a + factors[1] * b
    # What the offset must reach for each pair, and what it must stay below; a clamped pair bounds one side only.
    least = np.where(clamped > low, (clamped << shift) - value, -_INT32).max()
    below = np.where(clamped < high, ((clamped + 1) << shift) - value, _INT32).min()
    if least >= below:
        return None
    offset = (int(least) + int(below) - 1) // 2
    if np.abs(value + offset).max() > _INT32 or abs(offset) > _INT32:
        return None
    assert np.array_equal(np.clip((value + offset) >> shift, low, high), clamped)
    return LinearForm(factors, offset, shift)
