"""Integer scaling against exact rational arithmetic."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_gen.codegen.cm55.quantized_math import (
    activation_range,
    quantize_multiplier,
    round_half_away,
    scale_double,
    scale_single,
)

REALS = st.floats(1e-8, 1e3, allow_nan=False)
VALUES = st.integers(-(1 << 20), 1 << 20)


@given(REALS)
def test_multiplier_is_the_nearest_of_31_bits(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 1 << 30 <= multiplier < 1 << 31
    unit = Fraction(2) ** (shift - 31)
    assert abs(Fraction(real) - multiplier * unit) <= unit / 2


def test_multiplier_of_nothing() -> None:
    assert quantize_multiplier(0.0) == (0, 0)
    assert quantize_multiplier(2.0**-40) == (0, 0)


@given(VALUES, st.floats(1e-6, 0.99))
def test_single_rounding_is_half_up(value: int, real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    exact = Fraction(value * multiplier) * Fraction(2) ** (shift - 31)
    assert int(scale_single(np.array([value]), multiplier, shift)[0]) == floor(
        exact + Fraction(1, 2)
    )


@given(VALUES, st.floats(1e-6, 0.99))
def test_double_rounding_rounds_twice(value: int, real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    high = floor(Fraction(value * multiplier, 1 << 31) + Fraction(1, 2))
    second = Fraction(high) * Fraction(2) ** shift
    wanted = floor(abs(second) + Fraction(1, 2)) * (1 if second >= 0 else -1)
    assert int(scale_double(np.array([value]), multiplier, shift)[0]) == wanted


@pytest.mark.parametrize(("value", "wanted"), [(0.5, 1), (-0.5, -1), (1.4999, 1), (0.0, 0)])
def test_round_half_away(value: float, wanted: int) -> None:
    assert round_half_away(value) == wanted


@pytest.mark.parametrize(
    ("activation", "wanted"),
    [("NONE", (-128, 127)), ("RELU", (-3, 127)), ("RELU6", (-3, 57)), ("RELU_N1_TO_1", (-13, 7))],
)
def test_activation_range(activation: str, wanted: tuple[int, int]) -> None:
    assert activation_range(activation, 0.1, -3) == wanted
