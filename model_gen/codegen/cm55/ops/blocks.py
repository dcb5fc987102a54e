"""TILE, DEPTH_TO_SPACE and SPACE_TO_DEPTH: with each dimension in its parts, a walk of constant strides."""

import numpy as np

from model_gen.codegen.cm55.ops.movement import move_rule
from model_gen.codegen.cm55.ops.registry import register
from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.options import BlockOptions
from model_gen.codegen.tflite.view import View

_MOST = 1 << 16  # of a multiple: a hostile file must not fill the memory


def _multiples(view: View) -> tuple[int, ...]:
    found = view.integers(1)
    if len(found) != len(view.input(0).shape) or not 0 < min(found, default=1) <= max(
        found, default=1
    ) <= (_MOST):
        raise view.refuse(f"the multiples {list(found)} are not one positive number a dimension")
    return found


def _tile_shape(view: View) -> Shape:
    return tuple(n * m for n, m in zip(view.input(0).shape, _multiples(view), strict=True))


def _tile(view: View, array: Array) -> Array:
    """[multiple, size, multiple, size, ...]"""
    pairs = zip(_multiples(view), array.shape, strict=True)
    apart = array.reshape([n for size in array.shape for n in (1, size)])
    return np.broadcast_to(apart, [n for pair in pairs for n in pair])


def _block(view: View) -> int:
    size = view.options(BlockOptions).size
    if len(view.input(0).shape) != 4 or not 0 < size <= _MOST:
        raise view.refuse("the input must be NHWC, and the block's size positive")
    return size


def _to_space_shape(view: View) -> Shape:
    size, (batch, height, width, channels) = _block(view), view.input(0).shape
    if channels % (size * size):
        raise view.refuse(f"{channels} channels are not blocks of {size} x {size}")
    return batch, height * size, width * size, channels // (size * size)


def _to_space(view: View, array: Array) -> Array:
    """[batch, row, row of a block, column, column of a block, channel]"""
    size, (batch, height, width, channels) = _block(view), array.shape
    parts = array.reshape(batch, height, width, size, size, channels // (size * size))
    return parts.transpose(0, 1, 3, 2, 4, 5)


def _to_depth_shape(view: View) -> Shape:
    size, (batch, height, width, channels) = _block(view), view.input(0).shape
    if height % size or width % size:
        raise view.refuse(f"{height} x {width} does not divide into blocks of {size} x {size}")
    return batch, height // size, width // size, channels * size * size


def _to_depth(view: View, array: Array) -> Array:
    """[batch, block row, block column, row of the block, column of the block, channel]"""
    size, (batch, height, width, channels) = _block(view), array.shape
    parts = array.reshape(batch, height // size, size, width // size, size, channels)
    return parts.transpose(0, 1, 3, 2, 4, 5)


register("TILE", move_rule(_tile, shape=_tile_shape, lacking=True))
register("DEPTH_TO_SPACE", move_rule(_to_space, shape=_to_space_shape))
register("SPACE_TO_DEPTH", move_rule(_to_depth, shape=_to_depth_shape))
