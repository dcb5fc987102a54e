"""What ops that move elements compute in float64: where each comes from, by NumPy's own indexing."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from host.compare.second.call import Call, Real
from model_gen.codegen.tflite.graph import Array
from model_gen.codegen.tflite.options import (
    AxisOptions,
    BlockOptions,
    ConcatenationOptions,
    GatherOptions,
    MirrorPadOptions,
    StridedSliceOptions,
)


def _integers(array: Array) -> list[int]:
    return [int(value) for value in array.ravel()]


def _reshaped(call: Call) -> Real:
    return call.inputs[0].reshape(call.shape)


def _transposed(call: Call) -> Real:
    return call.inputs[0].transpose(_integers(call.inputs[1]))


def _concatenated(call: Call) -> Real:
    options = call.options(ConcatenationOptions)
    return np.concatenate(call.inputs, options.axis)


def _packed(call: Call) -> Real:
    return np.stack(call.inputs, call.options(AxisOptions).axis)


def _unpacked(call: Call) -> Real:
    return np.asarray(call.inputs[0].take(call.output, call.options(AxisOptions).axis))


def _split(call: Call) -> Real:
    axis, whole = call.inputs
    pieces = np.split(whole, len(call.op.outputs), int(axis.ravel()[0]))
    return pieces[call.output]


def _split_v(call: Call) -> Real:
    whole, sizes, axis = call.inputs
    along = int(axis.ravel()[0])
    lengths = _integers(sizes)
    rest = whole.shape[along] - sum(n for n in lengths if n >= 0)
    ends = np.cumsum([rest if n < 0 else n for n in lengths])
    return np.split(whole, ends[:-1], along)[call.output]


def _padded(call: Call) -> Real:
    filling = float(call.inputs[2].ravel()[0]) if len(call.inputs) > 2 else 0.0
    return np.pad(call.inputs[0], call.inputs[1].tolist(), constant_values=filling)


def _mirrored(call: Call) -> Real:
    symmetric = call.options(MirrorPadOptions).symmetric
    mode = "symmetric" if symmetric else "reflect"
    return np.asarray(np.pad(call.inputs[0], call.inputs[1].tolist(), mode=mode))  # type: ignore[call-overload]


def _sliced(call: Call) -> Real:
    source, begins, sizes = call.inputs
    pairs = zip(_integers(begins), _integers(sizes), strict=True)
    return source[tuple(slice(at, None if size == -1 else at + size) for at, size in pairs)]


def _strided(call: Call) -> Real:
    options = call.options(StridedSliceOptions)
    index: list[Any] = []
    triples = zip(*(_integers(one) for one in call.inputs[1:4]), strict=True)
    for d, (begin, end, step) in enumerate(triples):
        bit = 1 << d
        if options.ellipsis_mask & bit:
            index.append(Ellipsis)
        elif options.new_axis_mask & bit:
            index.append(None)
        elif options.shrink_axis_mask & bit:
            index.append(begin)
        else:
            first = None if options.begin_mask & bit else begin
            last = None if options.end_mask & bit else end + (begin if options.offset else 0)
            index.append(slice(first, last, step))
    taken: Real = call.inputs[0][tuple(index)]
    return taken


def _gathered(call: Call) -> Real:
    options = call.options(GatherOptions)
    source, indices = call.inputs
    batch = options.batch_dims % max(indices.ndim, 1)
    if batch == 0:
        return np.asarray(source.take(indices, options.axis))
    axis = options.axis % source.ndim - batch
    rows = zip(
        source.reshape(-1, *source.shape[batch:]),
        indices.reshape(-1, *indices.shape[batch:]),
        strict=True,
    )
    taken = np.stack([one.take(where, axis) for one, where in rows])
    return taken.reshape(call.shape)


def _reversed(call: Call) -> Real:
    return np.asarray(np.flip(call.inputs[0], tuple(_integers(call.inputs[1]))))


def _space_to_depth(call: Call) -> Real:
    n, rows, columns, depth = call.inputs[0].shape
    size = call.options(BlockOptions).size
    blocks = call.inputs[0].reshape(n, rows // size, size, columns // size, size, depth)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(call.shape)


def _depth_to_space(call: Call) -> Real:
    n, rows, columns, _ = call.inputs[0].shape
    size = call.options(BlockOptions).size
    blocks = call.inputs[0].reshape(n, rows, columns, size, size, -1)
    return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(call.shape)


def _space_to_batch(call: Call) -> Real:
    source, sizes, pads = call.inputs
    block, rank = _integers(sizes), len(sizes.ravel())
    padded = np.pad(source, [(0, 0), *pads.tolist(), *[(0, 0)] * (source.ndim - 1 - rank)])
    split: list[int] = [padded.shape[0]]
    for size, by in zip(padded.shape[1:], block, strict=False):
        split += [size // by, by]
    blocks = padded.reshape(*split, *padded.shape[1 + rank :])
    inside, outside = _in_and_out(rank)
    order = (*inside, 0, *outside, *range(1 + 2 * rank, blocks.ndim))
    return blocks.transpose(order).reshape(call.shape)


def _batch_to_space(call: Call) -> Real:
    source, sizes, crops = call.inputs
    block, rank = _integers(sizes), len(sizes.ravel())
    blocks = source.reshape(*block, -1, *source.shape[1:])
    order = [rank]
    for d in range(rank):
        order += [rank + 1 + d, d]
    moved = blocks.transpose(*order, *range(2 * rank + 1, blocks.ndim))
    sides = [size * by for size, by in zip(source.shape[1:], block, strict=False)]
    whole = moved.reshape(-1, *sides, *source.shape[1 + rank :])
    cuts = zip(sides, crops.tolist(), strict=True)
    return whole[(slice(None), *(slice(low, size - high) for size, (low, high) in cuts))]


def _in_and_out(rank: int) -> tuple[Sequence[int], Sequence[int]]:
    return range(2, 2 * rank + 1, 2), range(1, 2 * rank + 1, 2)


def _selected(call: Call) -> Real:
    condition, one, other = call.inputs
    if call.op.name == "SELECT" and condition.ndim == 1:  # a condition for each row
        condition = condition.reshape(-1, *[1] * (one.ndim - 1))
    return np.where(condition, one, other)


MOVES: dict[str, Callable[[Call], Real]] = {
    "BATCH_TO_SPACE_ND": _batch_to_space,
    "BROADCAST_TO": lambda call: np.broadcast_to(call.inputs[0], call.shape),
    "CONCATENATION": _concatenated,
    "DEPTH_TO_SPACE": _depth_to_space,
    "EXPAND_DIMS": _reshaped,
    "GATHER": _gathered,
    "MIRROR_PAD": _mirrored,
    "PACK": _packed,
    "PAD": _padded,
    "PADV2": _padded,
    "RESHAPE": _reshaped,
    "REVERSE_V2": _reversed,
    "SELECT": _selected,
    "SELECT_V2": _selected,
    "SLICE": _sliced,
    "SPACE_TO_BATCH_ND": _space_to_batch,
    "SPACE_TO_DEPTH": _space_to_depth,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "SQUEEZE": _reshaped,
    "STRIDED_SLICE": _strided,
    "TILE": lambda call: np.tile(call.inputs[0], _integers(call.inputs[1])),
    "TRANSPOSE": _transposed,
    "UNPACK": _unpacked,
}
