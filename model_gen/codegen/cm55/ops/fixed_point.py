"""LOGISTIC and TANH as tflite-micro computes them: in 32-bit fixed point, by gemmlowp's functions.

Formulas: fixedpoint/fixedpoint.h of gemmlowp, and reference/integer_ops/{logistic,tanh}.h. A value is whole numbers of
2^(bits - 31), `bits` being its integer bits: with 0 of them it lies in [-1, 1).
"""

import math

import numpy as np

from model_gen.codegen.cm55.quantized_math import (
    INT8_MAX,
    INT8_MIN,
    Integers,
    divide_by_power,
    doubling_high,
    quantize_multiplier,
    scale_double,
)

INPUT_BITS = 4  # |x| < 16
_MOST, _LEAST = (1 << 31) - 1, -(1 << 31)


def _constant(real: float, bits: int = 0) -> int:
    return round(real * 2.0 ** (31 - bits))


def _shifted(values: Integers, left: int) -> Integers:
    """values * 2^left, saturated, or rounded where `left` is negative."""
    if left < 0:
        return divide_by_power(values, -left)
    saturated: Integers = np.clip(values << left, _LEAST, _MOST)
    return saturated


def exponential(x: Integers, bits: int) -> Integers:
    """e^x for x <= 0 of `bits` integer bits; the result has 0.

    A Taylor series around -1/8 for the part of x within [-1/4, 0), times a constant for each bit of the rest.
    """
    quarter = 1 << (29 - bits)
    part = (x & (quarter - 1)) - quarter
    a = _shifted(part, bits) + (1 << 28)
    a2 = doubling_high(a, a)
    a3, a4 = doubling_high(a2, a), doubling_high(a2, a2)
    tail = _shifted(doubling_high(_shifted(a4, -2) + a3, _constant(1 / 3)) + a2, -1)
    center = _constant(math.exp(-1 / 8))
    result = center + doubling_high(a + tail, center)
    rest = part - x
    for exponent in range(-2, bits):
        factor = _constant(math.exp(-(2.0**exponent)))
        chosen = rest & (1 << (31 - bits + exponent)) != 0
        result = np.where(chosen, doubling_high(result, factor), result)
    return np.where(x == 0, _MOST, result)


def _inverse(a: Integers) -> Integers:
    """2 / (1 + a) with 2 integer bits for 0 <= a <= 1: three of Newton's steps."""
    half = (a + _MOST + 1) >> 1
    x = _constant(48 / 17, 2) + doubling_high(half, _constant(-32 / 17, 2))
    for _ in range(3):
        x = x + _shifted(doubling_high(x, (1 << 29) - doubling_high(half, x)), 2)
    return x


def reciprocal(a: Integers) -> Integers:
    """1 / (1 + a), both with 0 integer bits, for 0 <= a < 1."""
    return _shifted(_inverse(a), 1)


def logistic(x: Integers) -> Integers:
    """1 / (1 + e^-x) with 0 integer bits for x of INPUT_BITS."""
    above = _shifted(_inverse(exponential(-np.abs(x), INPUT_BITS)), 1)
    return np.where(x == 0, 1 << 30, np.where(x > 0, above, _MOST - above))


def tanh(x: Integers) -> Integers:
    """The hyperbolic tangent with 0 integer bits for x of INPUT_BITS."""
    # e^(-2|x|): the same whole numbers, with one integer bit more, are twice as much.
    size = _shifted(_inverse(exponential(-np.abs(x), INPUT_BITS + 1)) - (1 << 29), 2)
    return np.where(x == 0, 0, np.where(x > 0, size, -size))


def steps_of(name: str, steps: Integers, scale: float) -> Integers:
    """LOGISTIC (of 1/256, zero point -128) or TANH (of 1/128, zero point 0) of `steps` * `scale`.

    `scale` must be at least 2^-27, or the reference shifts by a negative number.
    """
    multiplier, shift = quantize_multiplier(scale * (1 << (31 - INPUT_BITS)))
    # Beyond it the result is saturated: the left shift would overflow.
    radius = math.floor(((1 << INPUT_BITS) - 1) * 2.0 ** (31 - INPUT_BITS - shift))
    inside = np.abs(steps) < radius
    x = scale_double(np.where(inside, steps, 0), multiplier, shift if radius else 0)
    logistic_steps = divide_by_power(logistic(x), 23) + INT8_MIN
    within = logistic_steps if name == "LOGISTIC" else divide_by_power(tanh(x), 24)
    beyond = np.where(steps <= -radius, INT8_MIN, INT8_MAX)
    return np.where(inside, np.clip(within, INT8_MIN, INT8_MAX), beyond)
