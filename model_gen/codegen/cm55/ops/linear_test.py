"""Linear forms and integer rescalings stand for the reference's arithmetic only where they are the same everywhere."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from model_gen.codegen.cm55.ops.linear import linear_channels, linear_form
from model_gen.codegen.cm55.ops.thresholds import as_single, real
from model_gen.codegen.cm55.quantized_math import quantize_multiplier, scale_single

STEPS = np.arange(-128, 128, dtype=np.int64)


@given(st.floats(0.05, 2.0), st.floats(-2.0, 2.0), st.integers(-100, 100))
@settings(deadline=None, max_examples=25)
def test_a_form_gives_every_pair(one: float, two: float, zero: int) -> None:
    wanted = np.floor(one * STEPS[:, None] + two * STEPS[None, :] + zero + 0.5).astype(np.int64)
    form = linear_form(wanted, (one, two), -128, 127)
    if form is None:
        return
    found = (form.factors[0] * STEPS[:, None] + form.factors[1] * STEPS + form.offset) >> form.shift
    np.testing.assert_array_equal(np.clip(found, -128, 127), np.clip(wanted, -128, 127))


def test_common_ratios_have_a_form() -> None:
    wanted = np.floor(0.7371 * STEPS[:, None] + 0.4419 * STEPS[None, :] + 3.21005).astype(np.int64)
    assert linear_form(wanted, (0.7371, 0.4419), -128, 127) is not None


def test_halves_away_from_zero_have_none() -> None:
    """(a + b) / 2 has ties on both sides of zero, which no single offset rounds both ways."""
    total = STEPS[:, None] + STEPS[None, :]
    away = np.sign(total) * ((np.abs(total) + 1) // 2)
    assert linear_form(away, (0.5, 0.5), -128, 127) is None
    assert linear_form(away, (0.5, 0.5), 0, 127) is not None


def test_channels_share_one_shift() -> None:
    ratios = [0.31, 0.017, 1.4]
    wanted = [np.floor(r * STEPS + 0.5).astype(np.int64) for r in ratios]
    forms = linear_channels(wanted, ratios, -128, 127)
    assert forms is not None
    assert len({form.shift for form in forms}) == 1


@given(
    st.floats(1e-5, 0.9),
    st.integers(1, 1 << 22),
    st.integers(-255, 0),
    st.lists(st.integers(-(1 << 22), 1 << 22), min_size=50, max_size=50),
)
@settings(deadline=None)
def test_single_rounding_stands_for_the_double_product(
    scale: float, reach: int, low: int, accumulators: list[int]
) -> None:
    pair = np.array([quantize_multiplier(scale)], np.int32)
    scales, clamp = np.array([scale]), (low, low + 255)
    found = as_single(pair, scales, np.array([reach]), clamp)
    if found is None:
        return
    near = np.rint((np.arange(*clamp) + 0.5) / scale).astype(np.int64)
    tried = np.concatenate([near - 1, near, near + 1, np.array(accumulators, np.int64)])
    tried = tried[np.abs(tried) <= reach]
    got = scale_single(tried, int(found[0, 0]), int(found[0, 1]))
    np.testing.assert_array_equal(np.clip(got, *clamp), np.clip(real(tried, scale), *clamp))


def test_ties_of_a_tenth_take_a_neighbour() -> None:
    """The nearest multiplier is below a tenth, so that the ties 5, 15 ... would round down; the next one is above."""
    pair = np.array([quantize_multiplier(0.1)], np.int32)
    found = as_single(pair, np.array([0.1]), np.array([10_000]), (-128, 127))
    assert found is not None
    assert found[0, 0] == pair[0, 0] + 1


def test_accumulators_beyond_int32_are_not_taken() -> None:
    pair = np.array([quantize_multiplier(0.1)], np.int32)
    assert as_single(pair, np.array([0.1]), np.array([1 << 31]), (-128, 127)) is None
