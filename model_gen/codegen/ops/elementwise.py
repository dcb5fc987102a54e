"""ADD, SUB and MUL with broadcast; on constant integers they are shape arithmetic."""

import numpy as np

from model_gen.codegen.graph import Array, Shape
from model_gen.codegen.ops.common import (
    at_most_four,
    four,
    fused_range,
    requant_of,
    requant_struct,
    strides,
)
from model_gen.codegen.ops.registry import (
    Field,
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    View,
    register,
)
from model_gen.codegen.ops.rounding import c_enum, rule_of
from model_gen.codegen.options import ElementwiseOptions

LEFT_SHIFT = 20  # of int8 ADD and SUB: headroom for the rescaled inputs
_FOLDS = {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply}


def _shape(view: View) -> Shape:
    try:
        return tuple(np.broadcast_shapes(view.input(0).shape, view.input(1).shape))
    except ValueError:
        raise view.refuse("the inputs' shapes do not broadcast") from None


def _fold(view: View) -> Array | None:
    a, b = view.input(0).value, view.input(1).value
    if a is None or b is None or a.dtype.kind != "i" or a.dtype.itemsize < 4:
        return None
    if view.options(ElementwiseOptions).activation != "NONE":
        return None
    result: Array = _FOLDS[view.op.name](a, b)
    return result


def _broadcast_strides(shape: Shape, out: Shape) -> tuple[int, ...]:
    """Strides of an input of `shape` walked along `out`: 0 where it repeats."""
    own = strides(four(shape))
    return tuple(
        0 if size == 1 and wanted != 1 else step
        for size, wanted, step in zip(four(shape), four(out), own, strict=True)
    )


def _rescales(view: View) -> list[tuple[int, int]]:
    """Multipliers of input 1, input 2 and output; (0, 0) where MUL has none."""
    scale1, _ = view.scale_and_zero(view.input(0))
    scale2, _ = view.scale_and_zero(view.input(1))
    out, _ = view.scale_and_zero(view.output)
    if view.op.name == "MUL":
        if view.rounding == "tflite":
            # Formula: kernels/mul.cc, whose scales are float32 until the quotient is widened.
            real = float(np.float32(scale1) * np.float32(scale2) / np.float32(out))
        else:
            # Formula: micro/kernels/mul_common.cc, in double.
            real = scale1 * scale2 / out
        return [(0, 0), (0, 0), requant_of(view, real)]
    # Formula: kernels/add.cc and sub.cc.
    twice = 2.0 * max(scale1, scale2)
    output = requant_of(view, twice / ((1 << LEFT_SHIFT) * out))
    if (
        output[1] > 0
    ):  # TFLite's ADD aborts the process then, and its SUB shifts by a negative number
        raise view.refuse(f"the output's scale {out:g} is too small for inputs of {twice / 2:g}")
    return [requant_of(view, scale1 / twice), requant_of(view, scale2 / twice), output]


def _lower(view: View) -> Kernel:
    a, b = view.input(0), view.input(1)
    at_most_four(view, a, b, view.output)
    rescales = _rescales(view)
    low, high = fused_range(view, view.options(ElementwiseOptions).activation)
    rule = rule_of(view.op.name, view.rounding)
    fields: tuple[tuple[str, Field], ...] = (
        ("shape", four(view.output.shape)),
        ("stride1", _broadcast_strides(a.shape, view.output.shape)),
        ("stride2", _broadcast_strides(b.shape, view.output.shape)),
        ("zero_point1", view.scale_and_zero(a)[1]),
        ("zero_point2", view.scale_and_zero(b)[1]),
        ("output_zero_point", view.scale_and_zero(view.output)[1]),
        ("left_shift", 0 if view.op.name == "MUL" else LEFT_SHIFT),
        ("requant1", requant_struct(rescales[0])),
        ("requant2", requant_struct(rescales[1])),
        ("output_requant", requant_struct(rescales[2])),
        ("activation_min", low),
        ("activation_max", high),
        ("rounding", c_enum(rule)),
    )
    return Kernel(
        f"nj_{view.op.name.lower()}_s8",
        Parameters("nj_elementwise", fields),
        (ParametersPointer(), InputPointer(0), InputPointer(1), OutputPointer()),
        rule=rule,
    )


for _name in _FOLDS:
    register(_name, Rule(_shape, _lower, _fold))
