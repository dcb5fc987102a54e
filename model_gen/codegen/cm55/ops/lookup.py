"""int8 to int8 ops of one input, as tables of 256: RELU and its kin, LEAKY_RELU, HARD_SWISH, LOGISTIC, TANH, LOG."""

import math
from collections.abc import Callable

import numpy as np

from model_gen.codegen.cm55.ops import fixed_point
from model_gen.codegen.cm55.ops.common import fused_range, refuse_micro, requant_of, tensor_range
from model_gen.codegen.cm55.ops.registry import (
    Constants,
    InputPointer,
    Kernel,
    OutputPointer,
    Rule,
    register,
)
from model_gen.codegen.cm55.ops.rounding import rule_of
from model_gen.codegen.cm55.quantized_math import (
    INT8_MAX,
    INT8_MIN,
    Integers,
    round_half_away,
    scale,
)
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.options import LeakyReluOptions
from model_gen.codegen.tflite.view import View

STEPS = np.arange(INT8_MIN, INT8_MAX + 1, dtype=np.int64)


def table_kernel(view: View, table: Integers, rule: str | None = None) -> Kernel:
    """The call that replaces each step by table[step + 128]; `table` int64 [256], saturated here."""
    clipped = np.clip(table, INT8_MIN, INT8_MAX).astype(np.int8)
    return Kernel(
        "nj_lookup_s8",
        None,
        (
            Constants("int8_t", clipped),
            InputPointer(0),
            OutputPointer(),
            str(view.output.elements),
        ),
        rule=rule,
        in_place=(0,),
    )


def same_shape(view: View) -> Shape:
    return view.input(0).shape


def _quotient(view: View, one: float, other: float) -> float:
    """one / other: TFLite has both in float32 and divides there, tflite-micro in double."""
    if view.rounding == "tflm":
        return one / other
    return float(np.float32(one) / np.float32(other))


def _ratio(view: View, factor: float = 1.0) -> float:
    """input scale * factor / output scale."""
    in_scale, _ = view.scale_and_zero(view.input(0))
    out_scale, _ = view.scale_and_zero(view.output)
    return _quotient(view, in_scale * float(np.float32(factor)), out_scale)


def _relu(view: View) -> Kernel:
    """Formula: QuantizedReluX of reference/reference_ops.h."""
    _, in_zero = view.scale_and_zero(view.input(0))
    _, out_zero = view.scale_and_zero(view.output)
    if view.rounding == "tflm" and view.op.name != "RELU":
        if view.op.name != "RELU6":
            refuse_micro(view, "in any form")
        # Its RELU6 clamps the input's steps and does not look at the output's scale.
        return table_kernel(view, np.clip(STEPS, *tensor_range(view, "RELU6", view.input(0))))
    rule = rule_of(view.op.name, view.rounding)
    low, high = fused_range(view, view.op.name)
    scaled = scale(STEPS - in_zero, *requant_of(view, _ratio(view)), rule) + out_zero
    return table_kernel(view, np.clip(scaled, low, high), rule)


def _abs(view: View) -> Kernel:
    """Formula: AbsEvalQuantized of kernels/elementwise.cc."""
    in_scale, in_zero = view.scale_and_zero(view.input(0))
    out_scale, out_zero = view.scale_and_zero(view.output)
    steps = np.abs(STEPS - in_zero)
    if in_scale == out_scale:
        return table_kernel(view, steps + out_zero)
    rule = rule_of("RELU", view.rounding)
    return table_kernel(view, scale(steps, *requant_of(view, _ratio(view)), rule) + out_zero, rule)


def _leaky_relu(view: View) -> Kernel:
    """Formula: QuantizeLeakyRelu of reference/leaky_relu.h."""
    _, in_zero = view.scale_and_zero(view.input(0))
    _, out_zero = view.scale_and_zero(view.output)
    rule = rule_of(view.op.name, view.rounding)
    alpha = view.options(LeakyReluOptions).alpha
    if not (math.isfinite(alpha) and alpha >= 0):
        raise view.refuse(f"alpha must not be negative, but is {alpha}")
    steps = STEPS - in_zero
    scaled = np.where(
        steps >= 0,
        scale(steps, *requant_of(view, _ratio(view)), rule),
        scale(steps, *requant_of(view, _ratio(view, alpha)), rule),
    )
    return table_kernel(view, scaled + out_zero, rule)


def _float_table(function: Callable[[np.float32], np.float32]) -> Callable[[View], Kernel]:
    def lower(view: View) -> Kernel:
        if view.rounding == "tflm":
            return _fixed_point(view)
        kernel = populated(view, function)
        if view.op.name == "LOGISTIC":
            _check_logistic(*view.scale_and_zero(view.output), view)
        return kernel

    return lower


def _check_logistic(scale: float, zero_point: int, view: View) -> None:
    """Formula: SigmoidPrepare of kernels/activations.cc."""
    if (scale, zero_point) != (1.0 / 256.0, INT8_MIN):
        raise view.refuse(
            f"TensorFlow Lite takes an int8 LOGISTIC of output scale 1/256 and zero point -128, not {scale:g}"
            f" and {zero_point}",
            next_step="quantize the model with TensorFlow's converter, which gives this op that output",
        )


def populated(view: View, function: Callable[[np.float32], np.float32]) -> Kernel:
    """Formula: LUTPopulate of internal/common.h, every operation rounded to float32."""
    in_scale, in_zero = view.scale_and_zero(view.input(0))
    out_scale, out_zero = view.scale_and_zero(view.output)
    with np.errstate(all="ignore"):
        inverse = np.float32(1.0) / np.float32(out_scale)
        reals = np.float32(in_scale) * (STEPS - in_zero).astype(np.float32)
        scaled = [float(function(real) * inverse) for real in reals]
    # Beyond int32 the reference's results are undefined.
    if not all(abs(y) < 1 << 30 for y in scaled):
        raise view.refuse(f"the output's scale {out_scale:g} is too small")
    return table_kernel(view, np.array([round_half_away(y) + out_zero for y in scaled], np.int64))


def _fixed_point(view: View) -> Kernel:
    """Whatever the output's scale is (and for TANH its zero point): tflite-micro does not look at it."""
    in_scale, in_zero = view.scale_and_zero(view.input(0))
    _, out_zero = view.scale_and_zero(view.output)
    if view.op.name == "LOGISTIC" and out_zero != INT8_MIN:
        raise view.refuse(f"tflite-micro wants the output's zero point to be -128, not {out_zero}")
    if in_scale < 2.0 ** (fixed_point.INPUT_BITS - 31):
        raise view.refuse(f"the input's scale {in_scale:g} is too small for the fixed point")
    return table_kernel(
        view, fixed_point.steps_of(view.op.name, STEPS - in_zero, in_scale), "double"
    )


def _logistic(x: np.float32) -> np.float32:
    # exp in double, rounded: the same on every machine, which NumPy's float32 exp is not.
    exponential = np.float32(math.exp(min(-float(x), 88.0)))
    return np.float32(1.0) / (np.float32(1.0) + exponential)


def _tanh(x: np.float32) -> np.float32:
    return np.float32(math.tanh(float(x)))


def _log(view: View) -> Kernel:
    """Formula: LogPrepare of kernels/elementwise.cc: what has no logarithm gives the output's lowest step."""
    refuse_micro(view)
    out_scale, out_zero = view.scale_and_zero(view.output)
    lowest = np.float32(INT8_MIN - out_zero) * np.float32(out_scale)
    return populated(view, lambda x: np.float32(math.log(float(x)) if x > 0 else lowest))


def _hard_swish(view: View) -> Kernel:
    """Formula: HardSwish of reference/hard_swish.h, in 16-bit fixed point."""
    in_scale, in_zero = view.scale_and_zero(view.input(0))
    out_scale, out_zero = view.scale_and_zero(view.output)
    out_pair = requant_of(view, _quotient(view, in_scale / 128.0, out_scale))
    relu_pair = requant_of(view, _quotient(view, in_scale / 128.0, 3.0 / 32768.0))
    if out_pair[1] > 0:
        raise view.refuse("the output's scale is too small for the fixed-point HARD_SWISH")
    out_16, relu_16 = (_to_int16(pair[0]) for pair in (out_pair, relu_pair))
    table = []
    for step in STEPS:
        value = (int(step) - in_zero) * 128
        relu = value
        if relu_pair[1] > 0:
            relu = _saturate16(relu << (relu_pair[1] - 1))
        relu = _multiply_high16(relu, relu_16)
        if relu_pair[1] > 0:
            relu = _saturate16(relu << 1)
        if relu_pair[1] < 0:
            relu = _divide_by_power(relu, -relu_pair[1])
        relu = (relu + (1 << 15)) >> 1
        product = relu * _multiply_high16(value, out_16)
        preshift = int(math.copysign(abs(product) >> 15, product))
        table.append(_divide_by_power(preshift, -out_pair[1]) + out_zero)
    return table_kernel(view, np.array(table, np.int64))


def _saturate16(value: int) -> int:
    return max(-(1 << 15), min((1 << 15) - 1, value))


def _to_int16(multiplier: int) -> int:
    """Formula: DownScaleInt32ToInt16Multiplier."""
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1)


def _multiply_high16(a: int, b: int) -> int:
    """Formula: gemmlowp's SaturatingRoundingDoublingHighMul on int16."""
    if a == b == -(1 << 15):
        return (1 << 15) - 1
    return (a * b + (1 << 14)) >> 15


def _divide_by_power(value: int, exponent: int) -> int:
    """Formula: gemmlowp's RoundingDivideByPOT on int16: half away from zero; its mask of more than 15 bits wraps."""
    mask = (1 << exponent) - 1 if exponent < 16 else -1
    threshold = (mask >> 1) + (1 if value < 0 else 0)
    return (value >> exponent) + (1 if (value & mask) > threshold else 0)


for _name in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"):
    register(_name, Rule(same_shape, _relu))
register("ABS", Rule(same_shape, _abs))
register("LEAKY_RELU", Rule(same_shape, _leaky_relu))
register("HARD_SWISH", Rule(same_shape, _hard_swish))
register("LOGISTIC", Rule(same_shape, _float_table(_logistic)))
register("TANH", Rule(same_shape, _float_table(_tanh)))
register("LOG", Rule(same_shape, _log))
