"""The NPU's integer arithmetic on whole arrays: the shift that rounds, and saturation."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from host.errors import BadInput

Integers = npt.NDArray[np.int64]

HALF_AWAY = "half-away"  # what the silicon does: docs/npu-arithmetic.md


def _half_away(value: Integers, half: int, shift: int) -> Integers:
    return np.where(value < 0, -((half - value) >> shift), (value + half) >> shift)


def _half_toward_zero(value: Integers, half: int, shift: int) -> Integers:
    return np.where(value < 0, -((half - 1 - value) >> shift), (value + half - 1) >> shift)


def _half_even(value: Integers, half: int, shift: int) -> Integers:
    return (value + half - 1 + ((value >> shift) & 1)) >> shift


def _half_odd(value: Integers, half: int, shift: int) -> Integers:
    return (value + half - ((value >> shift) & 1)) >> shift


_RULES: dict[str, Callable[[Integers, int, int], Integers]] = {
    HALF_AWAY: _half_away,
    "half-up": lambda value, half, shift: (value + half) >> shift,
    "half-even": _half_even,
    "half-odd": _half_odd,
    "half-toward-zero": _half_toward_zero,
    "half-down": lambda value, half, shift: (value + half - 1) >> shift,
    "floor": lambda value, _half, shift: value >> shift,
}
TIE_RULES = tuple(_RULES)


def check_rule(rule: str) -> str:
    """The name of a tie rule.

    Raises:
        BadInput: there is no such rule.
    """
    if rule not in _RULES:
        raise BadInput(
            "expected the name of a tie rule",
            evidence=f"Received: {rule!r}",
            next_step="give one of " + ", ".join(TIE_RULES),
        )
    return rule


def nearest(value: Integers, shift: int, rule: str = HALF_AWAY) -> Integers:
    """value / 2^shift, rounded to the nearest integer, ties by `rule`; "floor" rounds down always.

    Args:
        value: int64, |value| < 2^62.
        shift: 0 to 61.
        rule: one of `TIE_RULES`.

    Raises:
        BadInput: no such rule.
    """
    chosen = _RULES[check_rule(rule)]
    return value if shift == 0 else chosen(value, 1 << (shift - 1), shift)


def saturate(value: Integers, count: int) -> Integers:
    """The nearest value that fits a signed integer of `count` bytes."""
    limit = 1 << (8 * count - 1)
    return np.clip(value, -limit, limit - 1)
