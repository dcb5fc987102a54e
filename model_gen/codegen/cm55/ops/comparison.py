"""GREATER, LESS and their kin of int8 tensors, to bool; SELECT and SELECT_V2 by a bool tensor."""

import numpy as np

from model_gen.codegen.cm55.ops.common import refuse_micro, requant_struct, strides
from model_gen.codegen.cm55.ops.registry import (
    Field,
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    register,
)
from model_gen.codegen.cm55.ops.rounding import c_enum, rule_of
from model_gen.codegen.cm55.quantized_math import quantize_multiplier
from model_gen.codegen.tflite.graph import Array, Shape, Tensor
from model_gen.codegen.tflite.view import View

_LEFT_SHIFT = 8  # of the inputs of a comparison
_DIMENSIONS = 4  # over which the kernels broadcast
# Op -> its kernel, and whether the inputs change places.
_KERNELS = {
    "GREATER": ("nj_greater_s8", False),
    "GREATER_EQUAL": ("nj_greater_equal_s8", False),
    "LESS": ("nj_greater_s8", True),
    "LESS_EQUAL": ("nj_greater_equal_s8", True),
    "EQUAL": ("nj_equal_s8", False),
    "NOT_EQUAL": ("nj_not_equal_s8", False),
}


def _broadcast(view: View, shapes: list[Shape]) -> Shape:
    try:
        return tuple(np.broadcast_shapes(*shapes))
    except ValueError:
        raise view.refuse("the inputs' shapes do not broadcast") from None


def _walk(view: View, shapes: list[Shape]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """The output's shape in 4 dimensions, and each input's strides along it, 0 where it repeats; dimensions that all
    inputs walk as one are one."""
    out = view.output.shape
    full = [(1,) * (len(out) - len(shape)) + shape for shape in shapes]
    steps = [
        tuple(0 if n == 1 else s for n, s in zip(shape, strides(shape), strict=True))
        for shape in full
    ]
    merged: list[list[int]] = []  # size, then a stride an input; innermost first
    for size, *along in zip(*(reversed(row) for row in (out, *steps)), strict=True):
        if size == 1:
            continue
        if merged and all(
            s == merged[-1][0] * t for s, t in zip(along, merged[-1][1:], strict=True)
        ):
            merged[-1][0] *= size
        else:
            merged.append([size, *along])
    if len(merged) > _DIMENSIONS:
        raise view.refuse(f"the inputs broadcast in turns over more than {_DIMENSIONS} dimensions")
    merged += [[1] + [0] * len(shapes)] * (_DIMENSIONS - len(merged))
    shape, *walks = (tuple(row) for row in zip(*reversed(merged), strict=True))
    return shape, walks


def _comparison_shape(view: View) -> Shape:
    return _broadcast(view, [view.input(0).shape, view.input(1).shape])


def _comparison_scale(view: View, tensor: Tensor) -> tuple[tuple[str, int], ...]:
    scale, _ = view.scale_and_zero(tensor)
    if scale >= 1:
        raise view.refuse(f"the references compare scales below 1, not {scale:g}")
    return requant_struct(quantize_multiplier(scale))


def _comparison(view: View) -> Kernel:
    """Formula: ComparisonWithScaling of reference/comparisons.h, the scales' multipliers of kernels/comparisons.cc."""
    function, exchanged = _KERNELS[view.op.name]
    if view.output.dtype != "bool":
        raise view.refuse(f"a comparison gives bool, not {view.output.dtype}")
    places = (1, 0) if exchanged else (0, 1)
    one, two = (view.input(place) for place in places)
    rule = rule_of(view.op.name, view.rounding)
    shape, (walk1, walk2) = _walk(view, [one.shape, two.shape])
    fields: tuple[tuple[str, Field], ...] = (
        ("shape", shape),
        ("stride1", walk1),
        ("stride2", walk2),
        ("zero_point1", view.scale_and_zero(one)[1]),
        ("zero_point2", view.scale_and_zero(two)[1]),
        ("left_shift", _LEFT_SHIFT),
        ("requant1", _comparison_scale(view, one)),
        ("requant2", _comparison_scale(view, two)),
        ("rounding", c_enum(rule)),
    )
    pointers = (InputPointer(place) for place in places)
    return Kernel(
        function,
        Parameters("nj_elementwise", fields),
        (ParametersPointer(), *pointers, OutputPointer()),
        rule=rule,
    )


def _condition(view: View) -> Shape:
    """The condition's shape, as it broadcasts: SELECT takes one of a dimension for rows."""
    condition, whole = view.input(0).shape, view.input(1).shape
    if view.op.name == "SELECT" and len(condition) == 1 and len(whole) > 1:
        return condition + (1,) * (len(whole) - 1)
    return condition


def _select_shape(view: View) -> Shape:
    shapes = [_condition(view), view.input(1).shape, view.input(2).shape]
    found = _broadcast(view, shapes)
    if view.op.name == "SELECT" and not shapes[1] == shapes[2] == found:
        raise view.refuse("SELECT takes two tensors of one shape")
    return found


def _select_fold(view: View) -> Array | None:
    condition, one, two = (view.input(position).value for position in range(3))
    if condition is None or one is None or two is None or condition.dtype != np.bool_:
        return None
    chosen: Array = np.where(condition.reshape(_condition(view)), one, two)
    return chosen


def _select(view: View) -> Kernel:
    """Steps as they are, whatever their scales: so do the references."""
    condition, one, two = (view.input(position) for position in range(3))
    if view.op.name == "SELECT":
        refuse_micro(view, "but as SELECT_V2")
    if condition.dtype != "bool":
        raise view.refuse(f"a condition is bool, not {condition.dtype}")
    for tensor in (one, two, view.output):
        view.quantization(tensor)
    shape, walks = _walk(view, [_condition(view), one.shape, two.shape])
    names = ("stride_condition", "stride1", "stride2")
    return Kernel(
        "nj_select_s8",
        Parameters("nj_select", (("shape", shape), *zip(names, walks, strict=True))),
        (ParametersPointer(), InputPointer(0), InputPointer(1), InputPointer(2), OutputPointer()),
        in_place=tuple(i for i in (1, 2) if view.input(i).shape == view.output.shape),
    )


for _name in _KERNELS:
    register(_name, Rule(_comparison_shape, _comparison))
for _name in ("SELECT", "SELECT_V2"):
    register(_name, Rule(_select_shape, _select, _select_fold))
