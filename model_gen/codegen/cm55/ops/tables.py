"""More int8 to int8 ops of one input as tables of 256: ELU, GELU, EXP, SQRT, RSQRT, NEG; NEG and SQUARE of floats."""

import math
from collections.abc import Callable

import numpy as np

from model_gen.codegen.cm55.ops.common import refuse_micro, requant_of
from model_gen.codegen.cm55.ops.inverse_sqrt import inverse_sqrt
from model_gen.codegen.cm55.ops.lookup import STEPS, populated, same_shape, table_kernel
from model_gen.codegen.cm55.ops.registry import InputPointer, Kernel, OutputPointer, Rule, register
from model_gen.codegen.cm55.ops.rounding import rule_of
from model_gen.codegen.cm55.quantized_math import INT8_MAX, INT8_MIN, Integers, scale
from model_gen.codegen.tflite.options import GeluOptions
from model_gen.codegen.tflite.view import View

_F = np.float32
_RSQRT_SHIFT = 20  # bits behind the point of 1 / sqrt(step)


def _of_tflite(function: Callable[[np.float32], np.float32]) -> Callable[[View], Kernel]:
    def lower(view: View) -> Kernel:
        refuse_micro(view)
        return populated(view, function)

    return lower


def _exp(x: np.float32) -> np.float32:
    return _F(math.exp(float(x))) if x < 89 else _F(math.inf)


def _elu(view: View) -> Kernel:
    """Formula: PopulateLookupTable of micro/kernels/elu.cc. Between a DEQUANTIZE and a QUANTIZE it is their table."""
    if view.rounding == "tflite":
        raise view.refuse(
            "TensorFlow Lite's reference kernels do not have this op",
            next_step="judge the rules of tflite-micro, with --rounding tflm",
        )
    return populated(view, lambda x: _exp(x) - _F(1) if x < 0 else x)


def _gelu(view: View) -> Kernel:
    """Formulas: GeluTransform and GeluTransformApproximate of reference/gelu.h."""
    refuse_micro(view)
    slope = _F(math.sqrt(2 / math.pi))

    def exact(x: np.float32) -> np.float32:
        return _F(0.5) * x * _F(math.erfc(float(x * _F(-math.sqrt(0.5)))))

    def approximate(x: np.float32) -> np.float32:
        argument = slope * (x + _F(0.044715) * x * x * x)
        return _F(0.5) * x * (_F(1) + _F(math.tanh(float(argument))))

    return populated(view, approximate if view.options(GeluOptions).approximate else exact)


def _check_no_negatives(view: View) -> None:
    zero_point = view.scale_and_zero(view.input(0))[1]
    if zero_point != INT8_MIN:
        raise view.refuse(
            f"steps below its input's zero point, {zero_point}, are negative, of which the reference makes an error",
            next_step="calibrate so that the input's range begins at 0",
        )


def _sqrt(view: View) -> Kernel:
    """Formula: SqrtEvalQuantized of kernels/elementwise.cc, in float32; it rounds towards 0."""
    refuse_micro(view)
    _check_no_negatives(view)
    in_scale, in_zero = view.scale_and_zero(view.input(0))
    out_scale, out_zero = view.scale_and_zero(view.output)
    with np.errstate(over="ignore"):
        real = np.sqrt(_F(in_scale) * (STEPS - in_zero).astype(_F)) / _F(out_scale)
    if real.max() >= 1 << 30:
        raise view.refuse(f"the output's scale {out_scale:g} is too small")
    return table_kernel(view, real.astype(np.int64) + out_zero)


def _rsqrt(view: View) -> Kernel:
    """Formula: RsqrtEvalQuantizedInt8 of kernels/elementwise.cc: 1 / 0 is the highest step."""
    _check_no_negatives(view)
    in_scale, _ = view.scale_and_zero(view.input(0))
    out_scale, out_zero = view.scale_and_zero(view.output)
    rule = rule_of(view.op.name, view.rounding)
    multiplier, shift = requant_of(view, 1.0 / float(np.sqrt(_F(in_scale)) * _F(out_scale)))
    if shift < _RSQRT_SHIFT - 31:
        raise view.refuse(f"the output's scale {out_scale:g} is too large")
    table = [INT8_MAX]
    for value in range(1, len(STEPS)):
        inverse, right = inverse_sqrt(value)
        root = scale(np.array([1]), inverse, right + _RSQRT_SHIFT, rule)
        table.append(int(scale(root, multiplier, shift - _RSQRT_SHIFT, rule)[0]) + out_zero)
    return table_kernel(view, np.array(table, np.int64), rule)


def _of_floats(view: View) -> Kernel:
    """What converters leave in float between a DEQUANTIZE and a QUANTIZE, and IEEE 754 rounds in one way."""
    if view.input(0).dtype != "float32" or view.output.dtype != "float32":
        raise view.refuse("it is computed in float32 only")
    function = f"nj_{view.op.name.lower()}_f32"
    count = str(view.output.elements)
    return Kernel(function, None, (InputPointer(0), OutputPointer(), count), in_place=(0,))


def _neg(view: View) -> Kernel:
    """Formula: Negate of reference/neg.h, of floats, or of the steps as they are; -128 stays -128."""
    if view.input(0).dtype == "float32":
        return _of_floats(view)
    refuse_micro(view)
    in_scale, in_zero = view.scale_and_zero(view.input(0))
    out_scale, out_zero = view.scale_and_zero(view.output)
    if in_scale != out_scale or in_zero != -out_zero:
        raise view.refuse(
            "the reference negates steps whatever their scales are, which is right only where both scales are equal "
            f"and the zero points each other's negative, not {in_scale:g} {in_zero} and {out_scale:g} {out_zero}"
        )
    negated: Integers = -STEPS
    negated[0] = INT8_MIN
    return table_kernel(view, negated)


for _name, _lower in (
    ("ELU", _elu),
    ("GELU", _gelu),
    ("EXP", _of_tflite(_exp)),
    ("SQRT", _sqrt),
    ("RSQRT", _rsqrt),
    ("NEG", _neg),
    ("SQUARE", _of_floats),
):
    register(_name, Rule(same_shape, _lower))
