"""Tensors as they lie in the NPU's memory, and as the model has them."""

import math
from collections.abc import Iterator

import numpy as np

from model_gen.codegen.tflite.graph import Array, Shape

LAST, FIRST, MIXED, FLAT = "last", "first", "mixed", "flat"


def as_model(array: Array, layout: str, shape: Shape) -> Array | None:
    """A tensor in the model's order; None where the memory cannot hold this shape, or in two ways.

    Args:
        array: as it lies in memory, batch first.
        layout: LAST (height, width, channels), FIRST (channels, height, width), MIXED (groups of
            channels, height, width, channels of a group) or FLAT.
        shape: the model's: batch, height, width, channels, or of other axes.
    """
    if array.size != math.prod(shape):
        return None
    found = [
        np.ascontiguousarray(turned).reshape(shape)
        for turned in _readings(array, layout)
        if _sizes(turned.shape) == _sizes(shape)
    ]
    if not found or any(not _same_order(array, layout, shape) for _ in found[1:]):
        return None
    return found[0]


def as_memory(value: Array, layout: str, memory: Shape) -> Array | None:
    """A model's tensor as it lies in memory; None where that cannot be told.

    Args:
        value: in the model's order.
        layout: see `as_model`.
        memory: sizes of the axes in memory.
    """
    places = as_model(np.arange(value.size).reshape(memory), layout, value.shape)
    if places is None:
        return None
    flat = np.empty(value.size, value.dtype)
    flat[places.ravel()] = value.ravel()
    return flat.reshape(memory)


def _readings(array: Array, layout: str) -> Iterator[Array]:
    """What the memory may mean, axes of the model's order last.

    A tensor that the compiler calls FIRST may be one whose axes the model has in just this order:
    it turns inputs and what is padded or reshaped only later.
    """
    if layout == MIXED:
        if array.ndim == 5:
            turned = array.transpose(0, 2, 3, 1, 4)
            yield turned.reshape(*turned.shape[:3], -1)
        return
    yield array
    if layout == FIRST and array.ndim > 2:
        yield array.transpose(0, *range(2, array.ndim), 1)


def _sizes(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)


def _same_order(array: Array, layout: str, shape: Shape) -> bool:
    """Whether all readings put every element at the same place."""
    numbered = np.arange(array.size).reshape(array.shape)
    orders = {
        turned.ravel().tobytes()
        for turned in _readings(numbered, layout)
        if _sizes(turned.shape) == _sizes(shape)
    }
    return len(orders) == 1
