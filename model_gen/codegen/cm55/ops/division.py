"""DIV: by the reciprocal of the divisor's distance from its zero point, which a table holds for each step.

Formula: DivElementwise of reference/div.h. Both references divide by zero undefined, and TFLite's ends the run besides
where a divisor's step is 0, whatever its zero point is: what cannot be shown never to come is refused.
"""

import numpy as np

from model_gen.codegen.cm55.ops import fixed_point
from model_gen.codegen.cm55.ops.common import fused_range, requant_of
from model_gen.codegen.cm55.ops.elementwise import broadcast_shape, walk
from model_gen.codegen.cm55.ops.registry import (
    Constants,
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    register,
)
from model_gen.codegen.cm55.ops.rounding import rule_of
from model_gen.codegen.cm55.quantized_math import INT8_MAX, INT8_MIN, Integers
from model_gen.codegen.tflite.graph import Tensor
from model_gen.codegen.tflite.options import ElementwiseOptions
from model_gen.codegen.tflite.view import View

_STEPS = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)
_WHOLE = 31  # bits of a divisor beside its sign


def reciprocal(divisor: int) -> tuple[int, int]:
    """(multiplier, exponent) with multiplier * 2^-(31 + exponent) ~ 1 / divisor > 0. Formula: GetReciprocal."""
    left = _WHOLE + 1 - divisor.bit_length()
    above = np.array([(divisor << left) - (1 << _WHOLE)], np.int64)
    return int(fixed_point.reciprocal(above)[0]), _WHOLE - left


def _least(view: View, tensor: Tensor) -> float:
    """What no value of an operand of ADD is below."""
    scale, zero_point = view.scale_and_zero(tensor)
    steps = INT8_MIN if tensor.value is None else int(tensor.value.min())
    return (steps - zero_point) * scale


def _possible(view: View) -> Integers:
    """The steps that the divisor can have: of a constant its own; of a sum those above what it cannot be below."""
    divisor = view.input(1)
    scale, zero_point = view.scale_and_zero(divisor)
    if divisor.value is not None:
        return np.unique(divisor.value.astype(np.int64))
    writer = next((op for op in view.graph.ops if divisor.index in op.outputs), None)
    if writer is None or writer.name != "ADD" or not isinstance(writer.options, ElementwiseOptions):
        return _STEPS
    if writer.options.activation not in ("NONE", "RELU"):
        return _STEPS
    least = sum(_least(view, view.graph.tensors[i]) for i in writer.inputs)
    # The sum is within a step of what is exact.
    below = min(126.0, zero_point + least / scale - 2)
    return _STEPS[below < _STEPS]


def _divisors(view: View) -> Integers:
    """`_possible`, none of which any reference fails at."""
    _, zero_point = view.scale_and_zero(view.input(1))
    found = _possible(view)
    if (found == zero_point).any():
        raise view.refuse(
            "its divisor may be zero, for which the references give nothing",
            next_step="divide by a constant, or by a sum with a constant that is larger than a step of it",
        )
    if view.rounding == "tflite" and (found == 0).any():
        raise view.refuse(
            "TensorFlow Lite's int8 kernel, the judge of these rules, ends the run where a divisor's step is 0, "
            "whatever its zero point is",
            next_step="judge the rules of tflite-micro, with --rounding tflm; or multiply by the reciprocal",
        )
    return found


def _reciprocals(view: View, divisors: Integers, shift: int) -> Constants:
    """struct nj_requant [256]: by the divisor's step; shift as the quotient's, without the dividend's headroom."""
    _, zero_point1 = view.scale_and_zero(view.input(0))
    _, zero_point2 = view.scale_and_zero(view.input(1))
    table = np.zeros((256, 2), np.int64)
    for step in divisors:
        multiplier, exponent = reciprocal(abs(int(step) - zero_point2))
        table[step - INT8_MIN] = multiplier, shift - exponent
    signs = {-1, 1} if (divisors < zero_point2).any() else {1}
    values = [s * int(v - zero_point1) for s in signs for v in _STEPS if v != zero_point1]
    rooms = [_WHOLE - (v if v > 0 else -v - 1).bit_length() for v in values]
    shifts = table[divisors - INT8_MIN, 1]
    if shifts.max() > min(rooms) or max(rooms) - shifts.min() > _WHOLE:
        raise view.refuse("the ratio of its scales is beyond what the references' shifts can do")
    return Constants("struct nj_requant", table.astype(np.int32))


def _lower(view: View) -> Kernel:
    one, two = view.input(0), view.input(1)
    scale1, zero1 = view.scale_and_zero(one)
    scale2, zero2 = view.scale_and_zero(two)
    out, out_zero = view.scale_and_zero(view.output)
    low, high = fused_range(view, view.options(ElementwiseOptions).activation)
    with np.errstate(all="ignore"):  # beyond float32 it is infinite, and refused
        real = float(np.float32(scale1) / (np.float32(scale2) * np.float32(out)))
    multiplier, shift = requant_of(view, real)
    return Kernel(
        "nj_div_s8",
        Parameters(
            "nj_div",
            (
                *walk(view),
                ("zero_point1", zero1),
                ("zero_point2", zero2),
                ("output_zero_point", out_zero),
                ("multiplier", multiplier),
                ("activation_min", low),
                ("activation_max", high),
                ("reciprocals", _reciprocals(view, _divisors(view), shift)),
            ),
        ),
        (ParametersPointer(), InputPointer(0), InputPointer(1), OutputPointer()),
        rule=rule_of(view.op.name, view.rounding),
        in_place=tuple(i for i in (0, 1) if view.input(i).shape == view.output.shape),
    )


register("DIV", Rule(broadcast_shape, _lower))
