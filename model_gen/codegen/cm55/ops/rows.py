"""LOG_SOFTMAX and L2_NORMALIZATION, each over the last axis."""

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
from model_gen.codegen.cm55.ops.softmax import scaling
from model_gen.codegen.cm55.quantized_math import quantize_multiplier
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.options import ElementwiseOptions
from model_gen.codegen.tflite.view import View

# Of a last axis: as many exponentials stay within 12 integer bits, as many squares within int32.
_DEEPEST = {"LOG_SOFTMAX": 1 << 12, "L2_NORMALIZATION": 1 << 15}


def _shape(view: View) -> Shape:
    return view.input(0).shape


def _check_output(view: View, scale: float, zero_point: int) -> None:
    found = view.scale_and_zero(view.output)
    if found != (scale, zero_point):
        raise view.refuse(
            f"both references want the output's scale to be {scale:g} and its zero point {zero_point}, "
            f"not {found[0]:g} and {found[1]}"
        )


def _rows(view: View) -> tuple[int, int]:
    """(rows, depth)."""
    shape = view.input(0).shape
    if not shape:
        raise view.refuse("a scalar has no last axis")
    most = _DEEPEST[view.op.name]
    if not 0 < shape[-1] < most:
        raise view.refuse(f"a last axis of {shape[-1]}, of which 1 to {most - 1} are taken")
    return view.input(0).elements // shape[-1], shape[-1]


def _log_softmax(view: View) -> Kernel:
    """Formulas: PreprocessLogSoftmaxScalingExp of quantization_util.cc, LogSoftmaxQuantized of
    reference/log_softmax.h."""
    rows, depth = _rows(view)
    _check_output(view, 16 / 256, 127)
    (multiplier, shift), least = scaling(view, 1.0)
    reverse = (1 << (31 - shift)) / multiplier
    if reverse >= 1:
        raise view.refuse("the input's scale is too small for the fixed-point logarithm")
    return Kernel(
        "nj_log_softmax_s8",
        Parameters(
            "nj_log_softmax",
            (
                ("rows", rows),
                ("depth", depth),
                ("input_requant", requant_struct((multiplier, shift))),
                ("difference_min", least),
                ("reverse_requant", requant_struct(quantize_multiplier(reverse))),
            ),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
        rule=rule_of(view.op.name, view.rounding),
        in_place=(0,),
    )


def _l2_normalization(view: View) -> Kernel:
    """Formula: L2Normalization of reference/integer_ops/l2normalization.h."""
    rows, depth = _rows(view)
    _check_output(view, 1 / 128, 0)
    if len(view.input(0).shape) > 4:
        raise view.refuse("the references take at most 4 dimensions")
    if view.options(ElementwiseOptions).activation != "NONE":
        raise view.refuse("a fused activation has no kernel")
    zero_point = view.scale_and_zero(view.input(0))[1]
    return Kernel(
        "nj_l2_normalization_s8",
        Parameters(
            "nj_l2_normalization",
            (("rows", rows), ("depth", depth), ("input_zero_point", zero_point)),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
        rule=rule_of(view.op.name, view.rounding),
        in_place=(0,),
    )


register("LOG_SOFTMAX", Rule(_shape, _log_softmax))
register("L2_NORMALIZATION", Rule(_shape, _l2_normalization))
