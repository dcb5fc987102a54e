"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN over constant axes."""

from model_gen.codegen.cm55.ops.common import requant_of, requant_struct
from model_gen.codegen.cm55.ops.registry import (
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    register,
)
from model_gen.codegen.cm55.ops.rounding import c_enum, rule_of
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.options import ReducerOptions
from model_gen.codegen.tflite.view import View

_WRONG_SUM = (
    "TFLite's reference kernel, the judge of these rules, reads int8 steps as uint8: "
    "its sum is wrong wherever a step is negative"
)
_RIGHT_SUM = "use --rounding tflm, whose judge adds int8 steps; or average instead (MEAN, and a factor behind it)"


def _axes(view: View) -> set[int]:
    rank = len(view.input(0).shape)
    return {view.axis(axis, rank) for axis in view.integers(1)}


def _shape(view: View) -> Shape:
    axes = _axes(view)
    keep = view.options(ReducerOptions).keep_dims
    return tuple(
        1 if d in axes else size
        for d, size in enumerate(view.input(0).shape)
        if keep or d not in axes
    )


def fold_count(multiplier: int, shift: int, count: int) -> tuple[int, int]:
    """A requantization that also divides by `count`. Formula: reference/integer_ops/mean.h."""
    power = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << power) // count, shift - power


def _four(view: View, axes: set[int]) -> tuple[Shape, Shape]:
    """The shape, and 1 for each dimension that is summed up; of more than 4, neighbours of one kind are joined."""
    dims = [(size, int(d in axes)) for d, size in enumerate(view.input(0).shape)]
    while len(dims) > 4:
        twin = next((d for d in range(len(dims) - 1) if dims[d][1] == dims[d + 1][1]), None)
        if twin is None:
            raise view.refuse("the axes are apart in more than 4 dimensions")
        dims[twin : twin + 2] = [(dims[twin][0] * dims[twin + 1][0], dims[twin][1])]
    dims = [(1, 0)] * (4 - len(dims)) + dims
    return tuple(size for size, _ in dims), tuple(kind for _, kind in dims)


def _reads_alike(view: View, count: int) -> bool:
    """Whether no step of a SUM can be negative: its bytes are then the same as int8 and as uint8.

    So it is behind a RELU whose zero point is not negative, where the largest sum is a step of the output.
    """
    source = view.input(0)
    writer = next((op for op in view.graph.ops if source.index in op.outputs), None)
    if writer is None:
        return False
    scale, zero_point = view.scale_and_zero(source)
    out_scale, out_zero_point = view.scale_and_zero(view.output)
    relu = {writer.name, getattr(writer.options, "activation", "")} & {"RELU", "RELU6"}
    largest = count * (127 - zero_point) * scale / out_scale + out_zero_point
    return bool(relu) and min(zero_point, out_zero_point) >= 0 and largest <= 127


def _lower(view: View) -> Kernel:
    source = view.input(0)
    axes = _axes(view)
    shape, reduced = _four(view, axes)
    count = 1
    for d in axes:
        count *= source.shape[d]
    if count < 1:
        raise view.refuse(f"the {view.op.name.lower()} of nothing")
    scale, zero_point = view.scale_and_zero(source)
    out_scale, out_zero_point = view.scale_and_zero(view.output)
    multiplier, shift = requant_of(view, scale / out_scale)
    rule = rule_of(view.op.name, view.rounding)
    if view.op.name == "SUM":
        if view.rounding == "tflite" and not _reads_alike(view, count):
            raise view.refuse(_WRONG_SUM, next_step=_RIGHT_SUM)
        pair = multiplier, shift
    else:
        pair = fold_count(multiplier, shift, count)
    return Kernel(
        "nj_mean_s8",
        Parameters(
            "nj_mean",
            (
                ("shape", shape),
                ("reduce", reduced),
                ("input_zero_point", zero_point),
                ("output_zero_point", out_zero_point),
                ("requant", requant_struct(pair)),
                ("rounding", c_enum(rule)),
            ),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
        rule=rule,
    )


def _extreme(view: View) -> Kernel:
    """REDUCE_MAX and REDUCE_MIN compare steps: both references take only equal scales and zero points."""
    if view.scale_and_zero(view.input(0)) != view.scale_and_zero(view.output):
        raise view.refuse("input and output must share scale and zero point")
    if view.input(0).elements < 1:
        raise view.refuse("the extreme of nothing")
    shape, reduced = _four(view, _axes(view))
    return Kernel(
        f"nj_{view.op.name.lower()}_s8",
        Parameters("nj_reduce", (("shape", shape), ("reduce", reduced))),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
    )


for _name in ("REDUCE_MAX", "REDUCE_MIN"):
    register(_name, Rule(_shape, _extreme))
register("MEAN", Rule(_shape, _lower))
register("SUM", Rule(_shape, _lower))
