"""SOFTMAX over the last axis, int8 to int8."""

import math

from model_gen.codegen.cm55.ops.common import requant_struct
from model_gen.codegen.cm55.ops.registry import (
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    register,
)
from model_gen.codegen.cm55.ops.rounding import rule_of
from model_gen.codegen.cm55.quantized_math import quantize_multiplier
from model_gen.codegen.tflite.advice import CALIBRATION
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.options import SoftmaxOptions
from model_gen.codegen.tflite.view import View

_INTEGER_BITS = 5  # of the scaled differences


def _shape(view: View) -> Shape:
    return view.input(0).shape


def scaling(view: View, beta: float) -> tuple[tuple[int, int], int]:
    """(multiplier, shift) of differences of input steps, and the least difference that counts.

    Formula: PreprocessSoftmaxScaling and CalculateInputRadius of quantization_util.cc.
    """
    scale, _ = view.scale_and_zero(view.input(0))
    real = min(beta * scale * (1 << (31 - _INTEGER_BITS)), (1 << 31) - 1.0)
    if real <= 1.0:
        raise view.refuse(
            f"the input's scale {scale:g} is too small for the fixed-point softmax",
            next_step=CALIBRATION,
        )
    pair = quantize_multiplier(real)
    reach = ((1 << _INTEGER_BITS) - 1) * (1 << (31 - _INTEGER_BITS)) / (1 << pair[1])
    return pair, -math.floor(reach)


def _lower(view: View) -> Kernel:
    source = view.input(0)
    if view.scale_and_zero(view.output) != (1.0 / 256.0, -128):
        raise view.refuse("an int8 softmax has the output scale 1/256 and zero point -128")
    if not source.shape:
        raise view.refuse("a scalar has no last axis")
    depth = source.shape[-1]
    beta = view.options(SoftmaxOptions).beta
    if not (math.isfinite(beta) and beta > 0):
        raise view.refuse(f"beta must be positive, not {beta}")
    pair, least = scaling(view, beta)
    return Kernel(
        "nj_softmax_s8",
        Parameters(
            "nj_softmax",
            (
                ("rows", source.elements // max(depth, 1)),
                ("depth", depth),
                ("input_requant", requant_struct(pair)),
                ("difference_min", least),
            ),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
        rule=rule_of(view.op.name, view.rounding),
    )


register("SOFTMAX", Rule(_shape, _lower))
