"""A constant that the compiler is predicted to choose, and how sure that is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

FORMULA, FITTED, UNKNOWN = "formula", "fitted", "unknown"
MULTIPLIER_MAX = 32767  # multipliers are signed 16 bit
_SHIFT_MAX, _SHIFT_CERTAIN = 40, 31
_OVER_MAX = 24  # bits by which an offset may pass its 32, so that sums still fit 64
OFFSET_MAX = 2**31 - 1  # offsets are signed 32 bit


class Unrepresentable(Exception):
    """A real number for which no constant of the hardware stands: what the compiler does is unknown."""


@dataclass(frozen=True, eq=False)
class Constant:
    """One constant of a layer.

    Attributes:
        kind: its name in docs/npu-arithmetic.md, e.g. "cs" or "A_k".
        value: an integer, several, or None when nothing is predicted.
        grade: "formula": held against compiled networks and silicon; "fitted": a rule that fits
            what was seen, and may not fit what was not; "unknown": nothing was seen.
        why: what is not known; empty for a formula.
    """

    kind: str
    value: Any
    grade: str = FORMULA
    why: str = ""


def shift_constant(kind: str, shift: int) -> Constant:
    """A shift: certain up to 31, the most that every shift of the hardware can hold."""
    if shift <= _SHIFT_CERTAIN:
        return Constant(kind, shift)
    return Constant(kind, shift, UNKNOWN, f"a shift of {shift} was never seen")


def rounded(value: Any) -> Integers:
    """The nearest integer, halves up: how the compiler rounds multipliers."""
    return np.floor(np.asarray(value, np.float64) + 0.5).astype(np.int64)


def largest_shift(scales: Any, limit: int = MULTIPLIER_MAX) -> int:
    """The largest s with max |rounded(scales * 2^s)| <= limit; 0 for scales that are all 0.

    Raises:
        Unrepresentable: they are beyond the limit without a shift.
    """
    top = float(np.max(np.abs(scales), initial=0.0))
    if top == 0.0:
        return 0
    shift = _SHIFT_MAX
    while np.floor(top * 2.0**shift + 0.5) > limit:
        shift -= 1
        if shift < 0:
            raise Unrepresentable
    return shift


def offset_constant(kind: str, values: Any) -> Constant:
    """What is added: certain where it fits the 32 bits that the hardware has."""
    if np.abs(values).max(initial=0) <= OFFSET_MAX:
        return Constant(kind, values)
    return Constant(kind, values, UNKNOWN, "it does not fit 32 bits")


def offsets(values: Reals, shift: int) -> Integers:
    """Offsets in units of 2^-shift output steps, as the compiler writes them.

    It first keeps the whole vector as int32 with as many fraction bits as the largest value
    leaves, and then moves that by shifting, which drops what is below.

    Raises:
        Unrepresentable: they do not fit 32 bits without a fraction.
    """
    top = float(np.max(np.abs(values), initial=0.0))
    bits = _SHIFT_MAX
    while np.rint(top * 2.0**bits) > OFFSET_MAX:
        bits -= 1
        if bits < 0:
            raise Unrepresentable
    if shift - bits > _OVER_MAX:
        raise Unrepresentable
    kept = np.rint(values * 2.0**bits).astype(np.int64)
    return kept >> (bits - shift) if bits >= shift else kept << (shift - bits)
