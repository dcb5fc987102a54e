"""From the 16 bits of an accumulator to int8: the ARITH steps of a convolution, per dialect."""

from dataclasses import dataclass

import numpy as np

from host.npu.arithmetic import nearest, saturate
from host.npu.compiler.constant import (
    FORMULA,
    MULTIPLIER_MAX,
    UNKNOWN,
    Constant,
    Integers,
    Reals,
    Unrepresentable,
    largest_shift,
    offset_constant,
    offsets,
    rounded,
    shift_constant,
)
from host.npu.compiler.dialect import Dialect

_A_MIN, _A_MAX = 16384, 32767
_TOTAL_SHIFT = 20  # of the second step, where the bias leaves room
_SHIFT_SEEN = 18
_SCALE_MIN, _SCALE_MAX = 2.0**-24, 2.0**24
_VECTOR_MAX = 512  # longer vectors do not fit the unit's memory and are streamed
_DEAD = 2.0**-22  # real scales below it: dialect 2.1 writes some of their multipliers as 0


@dataclass(frozen=True, eq=False)
class Scales:
    """Where the constants come from: real scales of one convolution.

    Attributes:
        products: float32(input scale * weight scale) of each kernel, as doubles.
        bias: real numbers, one a kernel.
        output_scale: a double.
        output_zero: in steps.
    """

    products: Reals
    bias: Reals
    output_scale: float
    output_zero: int

    def real_offsets(self) -> Reals:
        """What is added, in output steps; the compiler holds the real bias as a float32."""
        real = self.bias.astype(np.float32).astype(np.float64)
        return real / self.output_scale + self.output_zero


@dataclass(frozen=True, eq=False)
class Fused:
    """y = S8(R(A_k * x + C_k, s)): one ARITH step."""

    multipliers: Integers
    offsets: Integers
    shift: int

    def apply(self, x: Integers, rule: str) -> Integers:
        return saturate(nearest(self.multipliers * x + self.offsets, self.shift, rule), 1)


@dataclass(frozen=True, eq=False)
class TwoSteps:
    """z = S16(R(A_k * x, s1)); y = S8(R(A * z + C_k, s2))."""

    multipliers: Integers
    first_shift: int
    scale: int
    offsets: Integers
    shift: int

    def apply(self, x: Integers, rule: str) -> Integers:
        middle = saturate(nearest(self.multipliers * x, self.first_shift, rule), 2)
        return saturate(nearest(self.scale * middle + self.offsets, self.shift, rule), 1)


Requantization = Fused | TwoSteps


def requantization(
    scales: Scales, cs: int, dialect: Dialect
) -> tuple[Requantization, tuple[Constant, ...]]:
    """The steps after an accumulator that was shifted right by `cs`, and their constants."""
    if dialect.fused and len(scales.products) <= _VECTOR_MAX:
        return _fused(scales, cs)
    return _two_steps(scales, cs, dialect)


def _fused(scales: Scales, cs: int) -> tuple[Fused, tuple[Constant, ...]]:
    real = scales.products / scales.output_scale * 2.0**cs
    shift = largest_shift(real)
    steps = Fused(rounded(real * 2.0**shift), offsets(scales.real_offsets(), shift), shift)
    return steps, (
        Constant("A_k", steps.multipliers),
        offset_constant("C_k", steps.offsets),
        shift_constant("s", shift),
    )


def _two_steps(scales: Scales, cs: int, dialect: Dialect) -> tuple[TwoSteps, tuple[Constant, ...]]:
    fraction = _middle_fraction(scales)
    lost = max(0, fraction - _bias_fraction(scales))  # bits that the bias takes from the middle
    fraction -= lost
    shift = _TOTAL_SHIFT - lost
    if shift < 0:
        raise Unrepresentable
    scale = int(rounded(2.0 ** (shift - fraction) / scales.output_scale))
    real = scales.products * 2.0 ** (cs + fraction)
    first = largest_shift(real)
    multipliers = rounded(real * 2.0**first)
    if len(scales.products) > _VECTOR_MAX:
        # The bias is streamed as 16-bit numbers in units of the middle, and multiplied like it.
        streamed = rounded(scales.bias * 2.0**fraction)
        added = scale * streamed + (scales.output_zero << shift)
        bias = Constant("Y_k", streamed)
    else:
        added = offsets(scales.real_offsets(), shift)
        bias = offset_constant("C_k", added)
    grade, why = FORMULA, ""
    if dialect.drops_dead_channels and bool((scales.products < _DEAD).any()):
        grade, why = UNKNOWN, "2.1 writes 0 for some channels of a tiny real scale"
    steps = TwoSteps(multipliers, first, scale, added, shift)
    return steps, (
        Constant("A_k", multipliers, grade, why),
        shift_constant("s1", first),
        Constant("A", scale),
        bias,
        _second_shift(shift),
    )


def _second_shift(shift: int) -> Constant:
    if shift >= _SHIFT_SEEN:
        return Constant("s2", shift)
    return Constant("s2", shift, UNKNOWN, f"below {_SHIFT_SEEN} it was never seen")


def _middle_fraction(scales: Scales) -> int:
    """The fraction bits m of the middle for which A lies in 16384..32767.

    Raises:
        Unrepresentable: the output's scale is far from any that was seen.
    """
    if not _SCALE_MIN < scales.output_scale < _SCALE_MAX:
        raise Unrepresentable
    fraction = 0
    while rounded(2.0 ** (_TOTAL_SHIFT - fraction) / scales.output_scale) > _A_MAX:
        fraction += 1
    while rounded(2.0 ** (_TOTAL_SHIFT - fraction) / scales.output_scale) < _A_MIN:
        fraction -= 1
    return fraction


def _bias_fraction(scales: Scales) -> int:
    """The most fraction bits with which every bias is a 16-bit number."""
    return largest_shift(scales.bias, MULTIPLIER_MAX) if scales.bias.any() else _TOTAL_SHIFT * 2
