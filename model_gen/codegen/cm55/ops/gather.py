"""GATHER with constant indices, MIRROR_PAD and RESIZE_NEAREST_NEIGHBOR: each output index along one or two neighbouring
axes comes from a constant index of the input."""

from dataclasses import replace
from typing import Literal

import numpy as np

from model_gen.codegen.cm55.ops.registry import (
    Constants,
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    register,
)
from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.options import GatherOptions, MirrorPadOptions, ResizeOptions
from model_gen.codegen.tflite.view import View

_MAX_SIZE = 1 << 16  # of an output axis: a hostile file must not fill the memory


def gather_kernel(view: View, axis: int, rows: Array, columns: Array | None = None) -> Kernel:
    """The call that takes `rows` along `axis` and, where given, `columns` along the next axis."""
    source = view.input(0)
    if view.scale_and_zero(source) != view.scale_and_zero(view.output):
        raise view.refuse("input and output must share scale and zero point")
    behind = axis + (1 if columns is None else 2)
    if columns is None:
        columns = np.zeros(1, np.int64)
    input_columns = 1 if behind == axis + 1 else source.shape[axis + 1]
    return Kernel(
        "nj_gather_s8",
        Parameters(
            "nj_gather",
            (
                ("outer", int(np.prod(source.shape[:axis], dtype=np.int64))),
                ("rows", len(rows)),
                ("columns", len(columns)),
                ("input_rows", source.shape[axis]),
                ("input_columns", input_columns),
                ("inner", int(np.prod(source.shape[behind:], dtype=np.int64))),
                ("row_of", Constants("int32_t", rows.astype(np.int32))),
                ("column_of", Constants("int32_t", columns.astype(np.int32))),
            ),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
    )


def _gather_axis(view: View) -> tuple[int, int]:
    """(axis, batch dimensions, which both inputs have)."""
    options, shape = view.options(GatherOptions), view.input(0).shape
    axis, indices = view.axis(options.axis, len(shape)), view.input(1).shape
    batch = view.axis(options.batch_dims, len(indices) + 1)
    if batch > axis or shape[:batch] != indices[:batch]:
        raise view.refuse(f"{batch} batch dimensions do not fit the axis {axis}")
    return axis, batch


def _gather_shape(view: View) -> Shape:
    shape, (axis, batch) = view.input(0).shape, _gather_axis(view)
    return (*shape[:axis], *view.input(1).shape[batch:], *shape[axis + 1 :])


def _gather_fold(view: View) -> Array | None:
    values, indices = view.input(0).value, view.input(1).value
    axis, batch = _gather_axis(view)
    if values is None or indices is None or batch:
        return None
    if indices.dtype.kind != "i" or (indices.size and indices.min() < 0):
        raise view.refuse("the indices must be integers from 0 on")
    try:
        return np.take(values, indices, axis)
    except IndexError as error:
        raise view.refuse(f"the indices do not fit: {error}") from None


def _gather(view: View) -> Kernel:
    axis, batch = _gather_axis(view)
    indices = np.array(view.integers(1), np.int64)
    source = view.input(0)
    size = source.shape[axis]
    if indices.size == 0 or indices.min() < 0 or indices.max() >= size:
        raise view.refuse(f"the indices must be from 0 to {size - 1}")
    if batch:
        if axis != batch:
            raise view.refuse("dimensions lie between the batch and the axis")
        # One long axis of all batches, each of which begins `size` further.
        count = int(np.prod(source.shape[:batch], dtype=np.int64))
        indices = (indices.reshape(count, -1) + size * np.arange(count)[:, None]).ravel()
        shape = (count * size, *source.shape[axis + 1 :])
        view = replace(view, inputs=(replace(source, shape=shape), *view.inputs[1:]))
        axis = 0
    return gather_kernel(view, axis, indices)


def _mirror_paddings(view: View) -> list[tuple[int, int]]:
    flat = view.integers(1)
    shape = view.input(0).shape
    pairs = list(zip(flat[0::2], flat[1::2], strict=False))
    room = 0 if view.options(MirrorPadOptions).symmetric else 1
    if len(flat) != 2 * len(shape) or any(
        not 0 <= amount <= size - room
        for pair, size in zip(pairs, shape, strict=True)
        for amount in pair
    ):
        raise view.refuse("the paddings must be one pair a dimension, within the input")
    return pairs


def _mirror_shape(view: View) -> Shape:
    return tuple(
        before + size + after
        for size, (before, after) in zip(view.input(0).shape, _mirror_paddings(view), strict=True)
    )


def _mirror(view: View) -> Kernel:
    mode: Literal["symmetric", "reflect"] = (
        "symmetric" if view.options(MirrorPadOptions).symmetric else "reflect"
    )
    pairs = _mirror_paddings(view)
    axes = [axis for axis, pair in enumerate(pairs) if pair != (0, 0)] or [0]
    if len(axes) > 2 or axes[-1] - axes[0] > 1:
        raise view.refuse("more than two neighbouring axes are padded")
    shape = view.input(0).shape
    taken = [np.pad(np.arange(shape[axis]), pairs[axis], mode=mode) for axis in axes]
    return gather_kernel(view, axes[0], *taken)


def resize_shape(view: View) -> Shape:
    shape, size = view.input(0).shape, view.integers(1)
    if len(shape) != 4 or len(size) != 2 or not 0 < min(size) <= max(size) <= _MAX_SIZE:
        raise view.refuse("the input must have 4 dimensions, the size be two positive integers")
    return (shape[0], *size, shape[3])


def _nearest(view: View, size: int, out: int) -> Array:
    """Formula: GetNearestNeighbor of reference/resize_nearest_neighbor.h, in float32."""
    options = view.options(ResizeOptions)
    if options.align_corners and out > 1:
        ratio = np.float32(size - 1) / np.float32(out - 1)
    else:
        ratio = np.float32(size) / np.float32(out)
    offset = np.float32(0.5 if options.half_pixel_centers else 0.0)
    place = (np.arange(out, dtype=np.float32) + offset) * ratio
    index = np.floor(place + np.float32(0.5)) if options.align_corners else np.floor(place)
    found: Array = np.clip(index.astype(np.int64), 0, size - 1)
    return found


def _resize(view: View) -> Kernel:
    source, out = view.input(0).shape, view.output.shape
    return gather_kernel(
        view, 1, _nearest(view, source[1], out[1]), _nearest(view, source[2], out[2])
    )


register("GATHER", Rule(_gather_shape, _gather, _gather_fold))
register("MIRROR_PAD", Rule(_mirror_shape, _mirror))
register("RESIZE_NEAREST_NEIGHBOR", Rule(resize_shape, _resize))
