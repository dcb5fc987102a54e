"""MEAN and SUM over constant axes."""

from model_gen.codegen.graph import Shape
from model_gen.codegen.ops.common import at_most_four, four, requant_of, requant_struct
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
from model_gen.codegen.options import ReducerOptions


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


def _lower(view: View) -> Kernel:
    source = view.input(0)
    at_most_four(view, source)
    axes = _axes(view)
    offset = 4 - len(source.shape)
    reduced = tuple(1 if d - offset in axes else 0 for d in range(4))
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
        # The pinned reference adds the steps up as uint8 and clamps to [0, 255]; tflite-micro takes int8 as it is.
        fields: tuple[tuple[str, Field], ...] = (
            ("shape", four(source.shape)),
            ("reduce", reduced),
            ("input_zero_point", zero_point),
            ("output_zero_point", out_zero_point),
            ("unsigned_steps", 1 if view.rounding == "tflite" else 0),
            ("requant", requant_struct((multiplier, shift))),
            ("rounding", c_enum(rule)),
        )
        return Kernel(
            "nj_sum_s8",
            Parameters("nj_sum", fields),
            (ParametersPointer(), InputPointer(0), OutputPointer()),
            rule=rule,
        )
    return Kernel(
        "nj_mean_s8",
        Parameters(
            "nj_mean",
            (
                ("shape", four(source.shape)),
                ("reduce", reduced),
                ("input_zero_point", zero_point),
                ("output_zero_point", out_zero_point),
                ("requant", requant_struct(fold_count(multiplier, shift, count))),
                ("rounding", c_enum(rule)),
            ),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
        rule=rule,
    )


register("MEAN", Rule(_shape, _lower))
register("SUM", Rule(_shape, _lower))
