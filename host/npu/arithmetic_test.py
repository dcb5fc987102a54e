"""The shift that rounds, against exact fractions."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from host.npu.arithmetic import TIE_RULES, nearest, saturate


def naive_nearest(value: int, shift: int, rule: str) -> int:
    exact = Fraction(value, 1 << shift)
    down, up = floor(exact), ceil(exact)
    if rule == "floor":
        return down
    if exact - down != up - exact:
        return down if exact - down < up - exact else up
    if rule == "half-even":
        return down if down % 2 == 0 else up
    if rule == "half-odd":
        return down if down % 2 else up
    if rule == "half-up":
        return up
    if rule == "half-down":
        return down
    return max(down, up, key=abs) if rule == "half-away" else min(down, up, key=abs)


@pytest.mark.parametrize("rule", TIE_RULES)
@given(st.integers(-(1 << 61), 1 << 61), st.integers(0, 40))
def test_any_value_is_rounded_as_exact_fractions_are(rule: str, value: int, shift: int) -> None:
    assert nearest(np.array([value]), shift, rule)[0] == naive_nearest(value, shift, rule)


@pytest.mark.parametrize("rule", TIE_RULES)
def test_ties_of_both_signs(rule: str) -> None:
    values = np.arange(-40, 41)
    for shift in (1, 2, 3):
        assert nearest(values, shift, rule).tolist() == [
            naive_nearest(int(v), shift, rule) for v in values
        ]


def test_saturation_keeps_what_fits() -> None:
    values = np.array([-(1 << 40), -32769, -32768, 32767, 32768, 1 << 40])
    assert saturate(values, 2).tolist() == [-32768, -32768, -32768, 32767, 32767, 32767]


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(BadInput, match="tie rule"):
        nearest(np.array([1]), 1, "half-way")
