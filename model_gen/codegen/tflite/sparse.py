"""Sparse constants as dense ones: the schema's SparsityParameters.

The values follow a tree, a level a dimension in the order of `traversal`: dense levels have a child for each index,
sparse ones those that their segments list. Dimensions from the tensor's rank on are blocks of the dimension that the
block map names. Formula: FormatConverter::SparseToDense of kernels/internal/utils/sparsity_format_converter.cc.
"""

from typing import Any

import numpy as np
import tflite

from model_gen.codegen.tflite.graph import Array, Shape

_VECTORS = {
    tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
    tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
    tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
}


def densified(raw: Any, values: Array, shape: Shape) -> Array:
    """`values`, flat, as a tensor of `shape`, zeros elsewhere.

    Raises:
        ValueError, IndexError: the parameters contradict each other, the shape, or the number of values.
    """
    order = [raw.TraversalOrder(i) for i in range(raw.TraversalOrderLength())]
    blocks = [raw.BlockMap(i) for i in range(raw.BlockMapLength())]
    rank, levels = len(shape), len(order)
    if sorted(order) != list(range(rank + len(blocks))) or raw.DimMetadataLength() != levels:
        raise ValueError(f"a traversal of {order} does not go over {rank} dimensions")
    elements = int(np.prod(shape, dtype=np.int64))
    index = np.zeros((1, levels), np.int64)  # a row a node of the level
    node = np.zeros(1, np.int64)  # its place among those of its level, as segments count them
    for level, dimension in enumerate(order):
        counts, children = _children(raw.DimMetadata(level), node, elements)
        index = np.repeat(index, counts, axis=0)
        index[:, dimension] = children[0]
        node = children[1]
        if len(index) > elements:
            raise ValueError("more values than elements")
    if len(index) != values.size:
        raise ValueError(f"{values.size} values, where the tree has {len(index)}")
    place = index[:, :rank]
    for number, dimension in enumerate(blocks):
        size = raw.DimMetadata(order.index(rank + number)).DenseSize()
        place[:, dimension] = place[:, dimension] * size + index[:, rank + number]
    dense = np.zeros(shape, values.dtype)
    dense[tuple(place.T)] = values
    return dense


def _children(level: Any, node: Array, most: int) -> tuple[Array, tuple[Array, Array]]:
    """How many children each node has, and of all of them: their index along the dimension, their place."""
    if level.Format() == tflite.DimensionType.DENSE:
        size = level.DenseSize()
        if not 0 < size <= most or len(node) * size > most:
            raise ValueError(f"a dense dimension of {size}")
        along = np.tile(np.arange(size, dtype=np.int64), len(node))
        return np.full(len(node), size), (along, np.repeat(node, size) * size + along)
    segments = _numbers(level.ArraySegments(), level.ArraySegmentsType())
    indices = _numbers(level.ArrayIndices(), level.ArrayIndicesType())
    first, last = segments[node], segments[node + 1]
    counts = last - first
    if counts.min(initial=0) < 0 or counts.sum() > most:
        raise ValueError("segments that run backwards, or twice over")
    begin = np.repeat(first - (np.cumsum(counts) - counts), counts)
    place = begin + np.arange(int(counts.sum()), dtype=np.int64)
    return counts, (indices[place], place)


def _numbers(table: Any, kind: int) -> Array:
    vector = _VECTORS[kind]()
    vector.Init(table.Bytes, table.Pos)
    numbers: Array = np.array(vector.ValuesAsNumpy(), np.int64).ravel()
    if numbers.min(initial=0) < 0:
        raise ValueError("a negative index")
    return numbers
