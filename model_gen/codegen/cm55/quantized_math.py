"""TFLite's integer scaling, exactly as its reference computes it: multipliers, their application, activation ranges.

Formulas: tensorflow/lite/kernels/internal/quantization_util.cc, common.h and kernels/kernel_util.cc.
"""

import math

import numpy as np
import numpy.typing as npt

INT8_MIN, INT8_MAX = -128, 127

Integers = npt.NDArray[np.int64]


def round_half_away(value: float) -> int:
    """C's round(): halves away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value)) if value else 0


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift) with real ~ multiplier * 2^(shift - 31), multiplier 0 or in [2^30, 2^31).

    Formula: QuantizeMultiplier. `real` is a double >= 0.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    fixed = round_half_away(fraction * (1 << 31))
    if fixed == 1 << 31:
        fixed //= 2
        shift += 1
    return (0, 0) if shift < -31 else (fixed, shift)


def scale_single(values: Integers, multiplier: int, shift: int) -> Integers:
    """values * multiplier * 2^(shift - 31), rounded once, halves up. Formula: the single-rounding
    MultiplyByQuantizedMultiplier. |values| < 2^31."""
    total = 31 - shift
    return (values * multiplier + (1 << (total - 1))) >> total


def doubling_high(a: Integers, b: Integers | int) -> Integers:
    """a * b / 2^31, halves away from zero. Formula: gemmlowp's SaturatingRoundingDoublingHighMul on int32; saturation,
    for a = b = -2^31 only, is left to the caller."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    return np.where(nudged >= 0, nudged >> 31, -((-nudged) >> 31))  # C's division truncates


def divide_by_power(values: Integers, exponent: int) -> Integers:
    """values / 2^exponent, halves away from zero. Formula: gemmlowp's RoundingDivideByPOT."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (values < 0)
    return (values >> exponent) + ((values & mask) > threshold)


def scale_double(values: Integers, multiplier: int, shift: int) -> Integers:
    """The same rounded twice: gemmlowp's saturating rounding doubling high multiply, then its rounding shift.
    |values| << max(shift, 0) must stay below 2^31."""
    high = doubling_high(values << max(shift, 0), multiplier)
    return divide_by_power(high, -shift) if shift < 0 else high


def scale(values: Integers, multiplier: int, shift: int, rule: str) -> Integers:
    """`scale_single` or `scale_double`, by the name of the rounding rule."""
    return (scale_single if rule == "single" else scale_double)(values, multiplier, shift)


def activation_range(
    activation: str, output_scale: float, output_zero_point: int
) -> tuple[int, int]:
    """The steps that a fused activation leaves. Formula: CalculateActivationRangeQuantized for int8.

    Raises:
        KeyError: for an activation that no kernel fuses.
        OverflowError: the scale is so small that a bound is beyond int32, which TFLite refuses too.
    """
    bounds = {
        "NONE": (None, None),
        "RELU": (0.0, None),
        "RELU6": (0.0, 6.0),
        "RELU_N1_TO_1": (-1.0, 1.0),
        "RELU_0_TO_1": (0.0, 1.0),
    }[activation]

    def step(real: float) -> int:
        # The division is in float32, as there.
        with np.errstate(over="ignore"):
            steps = float(np.float32(real) / np.float32(output_scale))
        if abs(steps) >= 1 << 31:
            raise OverflowError(steps)
        return output_zero_point + round_half_away(steps)

    low = INT8_MIN if bounds[0] is None else max(INT8_MIN, step(bounds[0]))
    high = INT8_MAX if bounds[1] is None else min(INT8_MAX, step(bounds[1]))
    return low, high
