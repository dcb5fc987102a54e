"""TRANSPOSE, STRIDED_SLICE, SLICE and BROADCAST_TO: each output index walks the input with constant strides.

NumPy does the index arithmetic, on a view that owns no memory.
"""

from collections.abc import Callable

import numpy as np

from model_gen.codegen.graph import Array, Shape
from model_gen.codegen.ops.common import four, strides
from model_gen.codegen.ops.registry import (
    Alias,
    InputPointer,
    Kernel,
    Lowered,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    View,
    register,
)
from model_gen.codegen.options import StridedSliceOptions

Move = Callable[[View, Array], Array]


def _phantom(shape: Shape) -> Array:
    """An array of `shape` in bytes with row-major strides, of which only the first byte exists."""
    return np.lib.stride_tricks.as_strided(
        np.zeros(1, np.int8), shape=shape, strides=strides(shape), writeable=False
    )


def _transpose(view: View, array: Array) -> Array:
    axes = [view.axis(a, array.ndim) for a in view.integers(1)]
    if sorted(axes) != list(range(array.ndim)):
        raise view.refuse(f"{axes} is not a permutation of {array.ndim} dimensions")
    return array.transpose(axes)


def _strided_slice(view: View, array: Array) -> Array:
    options = view.options(StridedSliceOptions)
    begins, ends, steps = view.integers(1), view.integers(2), view.integers(3)
    if not len(begins) == len(ends) == len(steps) or 0 in steps:
        raise view.refuse("begin, end and strides must have the same length, strides not 0")
    index: list[object] = []
    for i, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        bit = 1 << i
        if options.ellipsis_mask & bit:
            index.append(Ellipsis)
        elif options.new_axis_mask & bit:
            index.append(None)
        elif options.shrink_axis_mask & bit:
            index.append(begin)
        else:
            stop = begin + end if options.offset else end
            index.append(
                slice(
                    None if options.begin_mask & bit else begin,
                    None if options.end_mask & bit else stop,
                    step,
                )
            )
    return _take(view, array, tuple(index))


def _slice(view: View, array: Array) -> Array:
    begins, sizes = view.integers(1), view.integers(2)
    if not len(begins) == len(sizes) == array.ndim:
        raise view.refuse("begin and size must have one entry a dimension")
    index = []
    for begin, size, length in zip(begins, sizes, array.shape, strict=True):
        stop = length if size == -1 else begin + size
        if not 0 <= begin <= stop <= length:
            raise view.refuse(
                f"the slice {list(begins)} + {list(sizes)} leaves {list(array.shape)}"
            )
        index.append(slice(begin, stop))
    return _take(view, array, tuple(index))


def _take(view: View, array: Array, index: tuple[object, ...]) -> Array:
    try:
        taken: Array = array[index]  # type: ignore[index]
    except IndexError as error:
        raise view.refuse(f"the slice does not fit: {error}") from None
    return taken


def _broadcast(view: View, array: Array) -> Array:
    try:
        return np.broadcast_to(array, view.integers(1))
    except ValueError:
        raise view.refuse("the shape does not broadcast") from None


def move_rule(move: Move, *, source_at: int = 0, several: bool = False) -> Rule:
    """The rule of an op whose output is `move` of its input `source_at`."""

    def shape(view: View) -> Shape:
        return tuple(int(n) for n in np.shape(move(view, _phantom(view.input(source_at).shape))))

    def fold(view: View) -> Array | None:
        value = view.input(source_at).value
        return None if value is None else move(view, value)

    def lower(view: View) -> Lowered:
        source = _phantom(view.input(source_at).shape)
        moved = move(view, source)
        out = view.output.shape
        offset = moved.__array_interface__["data"][0] - source.__array_interface__["data"][0]
        # Dimensions of 1 do not move, whatever their stride; a walk in order is the same memory.
        walk = [(n, s) for n, s in zip(out, moved.strides, strict=True) if n != 1]
        own = [(n, s) for n, s in zip(out, strides(out), strict=True) if n != 1]
        if walk == own and view.output.elements == view.input(source_at).elements:
            return Alias(source_at)
        if len(walk) > 4:
            raise view.refuse("more than 4 dimensions move")
        if view.output.dtype != "int8":
            raise view.refuse(f"backend cm55 moves int8 only, not {view.output.dtype}")
        lead = (1,) * (4 - len(walk))
        return Kernel(
            "nj_transpose_s8",
            Parameters(
                "nj_transpose",
                (
                    ("shape", four(tuple(n for n, _ in walk))),
                    ("stride", (*(0 for _ in lead), *(int(s) for _, s in walk))),
                ),
            ),
            (ParametersPointer(), InputPointer(source_at, int(offset)), OutputPointer()),
        )

    return Rule(shape, lower, fold, several)


for _name, _move in (
    ("TRANSPOSE", _transpose),
    ("STRIDED_SLICE", _strided_slice),
    ("SLICE", _slice),
    ("BROADCAST_TO", _broadcast),
):
    register(_name, move_rule(_move))
