"""TRANSPOSE, STRIDED_SLICE, SLICE, BROADCAST_TO, REVERSE_V2: each output index walks the input with constant strides.

NumPy does the index arithmetic, on a view that owns no memory.
"""

from collections.abc import Callable

import numpy as np

from model_gen.codegen.cm55.ops.common import refuse_micro, strides
from model_gen.codegen.cm55.ops.registry import (
    Alias,
    InputPointer,
    Kernel,
    Lowered,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    register,
)
from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.options import StridedSliceOptions
from model_gen.codegen.tflite.view import View

_DIMENSIONS = 6  # of struct nj_transpose
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
    bits = [1 << i for i in range(len(begins))]
    added = sum(bool(options.new_axis_mask & bit & ~options.ellipsis_mask) for bit in bits)
    skipped = array.ndim - (len(bits) - added - bool(options.ellipsis_mask))
    if array.ndim + added > 5:
        raise view.refuse("more than 5 dimensions, new ones included")
    if options.ellipsis_mask and skipped < 1:
        raise view.refuse(
            "an ellipsis that stands for no dimension, which TensorFlow Lite takes for one"
        )
    index: list[object] = []
    axis = 0  # of the input
    for bit, begin, end, step in zip(bits, begins, ends, steps, strict=True):
        if options.ellipsis_mask & bit:
            index.append(Ellipsis)
            axis += skipped
        elif options.new_axis_mask & bit:
            index.append(None)
        elif options.shrink_axis_mask & bit:
            if step < 0:
                raise view.refuse("an axis that shrinks has a negative stride")
            index.append(begin)
            axis += 1
        else:
            first = None if options.begin_mask & bit else begin
            last = None if options.end_mask & bit else end
            if options.offset and last is not None and axis < array.ndim:
                last += slice(first, None, step).indices(array.shape[axis])[0]
            index.append(slice(first, last, step))
            axis += 1
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
    """`array[index]`, a view of the same memory: without an ellipsis a single element would be a copy."""
    if Ellipsis not in index:
        index = (*index, Ellipsis)
    try:
        taken: Array = array[index]  # type: ignore[index]
    except IndexError as error:
        raise view.refuse(f"the slice does not fit: {error}") from None
    return taken


def _reverse(view: View, array: Array) -> Array:
    axes = sorted(view.axis(a, array.ndim) for a in view.integers(1))
    if not axes or axes != list(range(axes[0], axes[-1] + 1)):
        raise view.refuse(f"the references reverse neighbouring axes only, not {axes}")
    flipped: Array = np.flip(array, tuple(axes))
    return flipped


def _broadcast(view: View, array: Array) -> Array:
    try:
        return np.broadcast_to(array, view.integers(1))
    except ValueError:
        raise view.refuse("the shape does not broadcast") from None


def _joined(shape: Shape, steps: tuple[int, ...]) -> list[tuple[int, int]]:
    """(size, stride) of a walk: dimensions of 1 do not move, and neighbours that are walked as one are one."""
    walk: list[tuple[int, int]] = []
    for size, step in zip(shape, steps, strict=True):
        if size == 1:
            continue
        if walk and walk[-1][1] == size * step:
            walk[-1] = (walk[-1][0] * size, step)
        else:
            walk.append((size, step))
    return walk


def move_rule(
    move: Move,
    *,
    source_at: int = 0,
    several: bool = False,
    shape: Callable[[View], Shape] | None = None,
    lacking: bool = False,
) -> Rule:
    """The rule of an op whose output is `move` of its input `source_at`.

    With `shape` the output is what `move` gives, of more dimensions, under that shape. tflite-micro has no op that is
    `lacking`.
    """

    def own_shape(view: View) -> Shape:
        return tuple(int(n) for n in np.shape(move(view, _phantom(view.input(source_at).shape))))

    def fold(view: View) -> Array | None:
        value = view.input(source_at).value
        return None if value is None else move(view, value).reshape(view.output.shape)

    def lower(view: View) -> Lowered:
        if lacking:
            refuse_micro(view)
        source = _phantom(view.input(source_at).shape)
        moved = move(view, source)
        out = moved.shape
        offset = moved.__array_interface__["data"][0] - source.__array_interface__["data"][0]
        walk = _joined(out, moved.strides)
        if (
            walk == _joined(out, strides(out))
            and view.output.elements == view.input(source_at).elements
        ):
            return Alias(source_at)
        if len(walk) > _DIMENSIONS:
            raise view.refuse(f"more than {_DIMENSIONS} dimensions move")
        if view.output.dtype != "int8":
            raise view.refuse(f"backend cm55 moves int8 only, not {view.output.dtype}")
        lead = ((1, 0),) * (_DIMENSIONS - len(walk))
        walk = [*lead, *walk]
        return Kernel(
            "nj_transpose_s8",
            Parameters(
                "nj_transpose",
                (
                    ("shape", tuple(n for n, _ in walk)),
                    ("stride", tuple(int(s) for _, s in walk)),
                ),
            ),
            (ParametersPointer(), InputPointer(source_at, int(offset)), OutputPointer()),
        )

    return Rule(shape or own_shape, lower, fold, several)


for _name, _move in (
    ("TRANSPOSE", _transpose),
    ("STRIDED_SLICE", _strided_slice),
    ("SLICE", _slice),
    ("BROADCAST_TO", _broadcast),
    ("REVERSE_V2", _reverse),
):
    register(_name, move_rule(_move))
