"""PAD and PADV2 with constant paddings and value."""

import numpy as np

from model_gen.codegen.cm55.ops.common import four
from model_gen.codegen.cm55.ops.registry import (
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    register,
)
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.view import View


def _paddings(view: View) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(before, after) for each dimension."""
    flat = view.integers(1)
    rank = len(view.input(0).shape)
    if len(flat) != 2 * rank or min(flat, default=0) < 0 or max(flat, default=0) > 1 << 20:
        raise view.refuse(f"the paddings must be {rank} pairs from 0 to 2^20")
    return flat[0::2], flat[1::2]


def _shape(view: View) -> Shape:
    before, after = _paddings(view)
    return tuple(b + n + a for b, n, a in zip(before, view.input(0).shape, after, strict=True))


def _value(view: View) -> int:
    """The step that fills."""
    if view.optional(2) is None:
        return view.scale_and_zero(view.output)[1]
    given = view.constant(2)
    if given.dtype != np.int8 or given.size != 1:
        raise view.refuse("the padding value must be one constant int8")
    return int(given.ravel()[0])


def as_window_padding(view: View) -> tuple[int, int, int, int] | None:
    """(top, bottom, left, right) where a convolution's own padding does the same, else None."""
    source = view.input(0)
    if len(source.shape) != 4 or source.shape[0] != 1 or source.value is not None:
        return None
    before, after = _paddings(view)
    if before[0] or after[0] or before[3] or after[3]:
        return None
    if _value(view) != view.scale_and_zero(view.output)[1]:
        return None
    return before[1], after[1], before[2], after[2]


def _merged(view: View) -> tuple[Shape, Shape, Shape]:
    """(shape, before, after) with each dimension that is not padded joined to the one before it."""
    joined: list[tuple[int, int, int]] = []
    for size, front, back in zip(view.input(0).shape, *_paddings(view), strict=True):
        if size == 1 and front == back == 0:
            continue
        if joined and front == back == 0:
            outer = joined[-1]
            joined[-1] = (outer[0] * size, outer[1] * size, outer[2] * size)
        else:
            joined.append((size, front, back))
    if len(joined) > 4:
        raise view.refuse("more than 4 dimensions are padded")
    return (
        tuple(size for size, _, _ in joined),
        tuple(front for _, front, _ in joined),
        tuple(back for _, _, back in joined),
    )


def _lower(view: View) -> Kernel:
    source = view.input(0)
    if view.scale_and_zero(source) != view.scale_and_zero(view.output):
        raise view.refuse("input and output must share scale and zero point")
    value = _value(view)
    shape, before, after = _merged(view)
    lead = (0,) * (4 - len(shape))
    return Kernel(
        "nj_pad_s8",
        Parameters(
            "nj_pad",
            (
                ("shape", four(shape)),
                ("before", (*lead, *before)),
                ("after", (*lead, *after)),
                ("value", value),
            ),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
    )


for _name in ("PAD", "PADV2"):
    register(_name, Rule(_shape, _lower))
