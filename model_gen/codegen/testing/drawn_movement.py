"""For tests: the ops that move bytes, with every attribute and mask that TFLite reads."""

from dataclasses import replace
from typing import Any

import numpy as np

from model_gen.codegen.testing.drawn import Case, Drawn
from model_gen.codegen.testing.models import builder

_EITHER = ("int32", "int64")


def concatenation(op: str, d: Drawn) -> Case:
    shape = list(d.shape(1, 5))
    axis = d.between(0, len(shape) - 1)
    like = d.tensor(())
    parts: list[Any] = []
    for kind in d.one("a", "ab", "abc", "aba", "abk", "kb", "aa"):
        shape[axis] = d.one(1, 2, 5)
        if kind == "a" and parts:
            parts.append(parts[0])  # the same tensor twice
        else:
            make = d.known if kind == "k" else d.tensor
            parts.append(make(tuple(shape), like))
    shape[axis] = sum(part.shape[axis] for part in parts)
    options = {"axis": d.signed(axis, len(shape)), "fusedActivationFunction": d.one(0, 0, 0, 1)}
    return Case(
        op, tuple(parts), (d.tensor(tuple(shape), like),), {"ConcatenationOptions": options}, 2
    )


def pack(op: str, d: Drawn) -> Case:
    shape = d.shape(0, 4)
    axis = d.between(0, len(shape))
    like = d.tensor(shape)
    more = (d.one(d.tensor, d.known)(shape, like) for _ in range(d.between(0, 3)))
    parts = (like, *more)
    out = (*shape[:axis], len(parts), *shape[axis:])
    options = {"valuesCount": len(parts), "axis": d.signed(axis, len(shape) + 1)}
    return Case(op, parts, (d.tensor(out, like),), {"PackOptions": options}, 2)


def pad(op: str, d: Drawn) -> Case:
    source = d.tensor(d.shape(1, 5))
    pads = [[d.between(0, 3), d.between(0, 3)] for _ in source.shape]
    out = tuple(n + sum(p) for n, p in zip(source.shape, pads, strict=True))
    operands = [source, d.constant(pads, *_EITHER)]
    if op == "PADV2":
        value = np.array(d.between(-128, 127), np.int8)
        shape = d.one((), (1,))
        operands.append(
            builder().Tensor(shape, source.scale, source.zero_point, data=value.reshape(shape))
        )
    return Case(op, tuple(operands), (d.tensor(out, source),), {f"{_title(op)}Options": {}}, 2)


def _title(op: str) -> str:
    return {"PAD": "Pad", "PADV2": "PadV2"}[op]


def mirror_pad(op: str, d: Drawn) -> Case:
    source = d.tensor(d.shape(1, 4))
    mode = d.one(0, 1)
    padded = d.between(0, len(source.shape) - 1)
    pads = []
    for axis, n in enumerate(source.shape):
        most = n - 1 + mode if axis in (padded, padded + 1) else 0
        pads.append([d.between(0, most), d.between(0, most)])
    out = tuple(n + sum(p) for n, p in zip(source.shape, pads, strict=True))
    options = {"MirrorPadOptions": {"mode": mode}}
    return Case(op, (source, d.constant(pads, *_EITHER)), (d.tensor(out, source),), options)


def transpose(op: str, d: Drawn) -> Case:
    source = d.tensor(d.shape(1, 6))
    rank = len(source.shape)
    axes = d.order(rank)
    out = tuple(source.shape[a] for a in axes)
    given = d.constant([d.signed(a, rank) for a in axes])
    return Case(op, (source, given), (d.tensor(out, source),), {"TransposeOptions": {}}, 2)


def reshape(op: str, d: Drawn) -> Case:
    source = d.tensor(d.shape(0, 5))
    sizes = [source.shape[i] for i in d.order(len(source.shape))]
    cut = d.between(0, len(sizes))
    sizes = [*sizes[:cut], 1, int(np.prod(sizes[cut:], dtype=int))]
    out = tuple(sizes)
    if d.one(False, True):
        sizes[d.between(0, len(sizes) - 1)] = -1
    if d.one(False, True):
        options = {"ReshapeOptions": {"newShape": np.array(sizes, np.int32)}}
        return Case(op, (source,), (d.tensor(out, source),), options)
    return Case(op, (source, d.constant(sizes)), (d.tensor(out, source),), {"ReshapeOptions": {}})


def squeeze(op: str, d: Drawn) -> Case:
    shape = tuple(d.one(1, n) for n in d.shape(1, 5))
    ones = [i for i, n in enumerate(shape) if n == 1]
    axes = [a for a in ones if d.one(True, False)]
    gone = axes or ones
    source = d.tensor(shape)
    target = d.tensor(tuple(n for i, n in enumerate(shape) if i not in gone), source)
    dims = np.array([d.signed(a, len(shape)) for a in axes], np.int32)
    return Case(op, (source,), (target,), {"SqueezeOptions": {"squeezeDims": dims}})


def expand_dims(op: str, d: Drawn) -> Case:
    source = d.tensor(d.shape(0, 4))
    axis = d.between(0, len(source.shape))
    out = (*source.shape[:axis], 1, *source.shape[axis:])
    value: Any = d.signed(axis, len(out))
    given = d.constant(d.one(value, [value]), *_EITHER)
    return Case(op, (source, given), (d.tensor(out, source),), {"ExpandDimsOptions": {}})


def slice_(op: str, d: Drawn) -> Case:
    source = d.tensor(d.shape(1, 5))
    begins = [d.between(0, n - 1) for n in source.shape]
    out = tuple(d.between(1, n - b) for n, b in zip(source.shape, begins, strict=True))
    sizes = [
        -1 if begin + size == n and d.one(True, False) else size
        for n, begin, size in zip(source.shape, begins, out, strict=True)
    ]
    dtype = d.one(*_EITHER)
    operands = (source, d.constant(begins, dtype), d.constant(sizes, dtype))
    return Case(op, operands, (d.tensor(out, source),), {"SliceOptions": {}}, 2)


def strided_slice(op: str, d: Drawn) -> Case:
    """Every mask, negative and too far begins and ends, negative strides; what NumPy's indexing makes of it."""
    source = d.tensor(d.shape(1, 4))
    masks = dict.fromkeys(("begin", "end", "ellipsis", "newAxis", "shrinkAxis"), 0)
    numbers: list[tuple[int, int, int]] = []
    index: list[Any] = []
    axis, bit, seen = 0, 1, False
    while axis < len(source.shape):
        kind = d.one("slice", "shrink", "ellipsis", "new", "stop")
        n = source.shape[axis]
        if kind == "stop" and numbers:
            break
        if kind == "ellipsis" and not seen:
            seen = True
            skipped = d.between(1, len(source.shape) - axis)
            masks["ellipsis"] |= bit
            numbers.append((d.between(-2, 2), d.between(-2, 2), d.one(1, 2)))
            index += [slice(None)] * skipped
            axis += skipped
            if axis == len(source.shape):
                bit <<= 1
                break
            # What follows must reach the end: an ellipsis takes what is left over.
            rest = len(source.shape) - axis
            for _ in range(rest):
                bit <<= 1
                numbers.append(_range(d, source.shape[axis], bit, masks, index))
                axis += 1
        elif kind == "new" and len(numbers) < 5:
            masks["newAxis"] |= bit
            numbers.append((d.between(-2, 2), d.between(-2, 2), 1))
            index.append(None)
        elif kind == "shrink":
            begin = d.between(-n, n - 1)
            masks["shrinkAxis"] |= bit
            numbers.append((begin, d.between(-2, 7), 1))
            index.append(begin)
            axis += 1
        else:
            numbers.append(_range(d, n, bit, masks, index))
            axis += 1
        bit <<= 1
    out = np.zeros(source.shape, np.int8)[tuple(index)].shape
    operands = (source, *(d.constant(list(column)) for column in zip(*numbers, strict=True)))
    options = {f"{name}Mask": mask for name, mask in masks.items()}
    return Case(op, operands, (d.tensor(out, source),), {"StridedSliceOptions": options}, 4)


def _range(
    d: Drawn, n: int, bit: int, masks: dict[str, int], index: list[Any]
) -> tuple[int, int, int]:
    step = d.one(1, 2, -1, -2)
    begin, end = d.between(-n - 2, n + 2), d.between(-n - 2, n + 2)
    part = slice(begin, end, step)
    if d.one(False, True) or len(range(*part.indices(n))) == 0:
        masks["begin"] |= bit
        masks["end"] |= bit
        part = slice(None, None, step)
    index.append(part)
    return begin, end, step


def gather(op: str, d: Drawn) -> Case:
    source = d.tensor(d.shape(1, 4))
    rank = len(source.shape)
    axis = d.between(0, rank - 1)
    batch = d.one(0, 0, d.between(0, axis))
    n = source.shape[axis]
    shape = source.shape[:batch] + tuple(d.between(1, 4) for _ in range(d.between(0, 2)))
    indices = d.rng.integers(0, n, shape)
    if indices.size and d.one(False, False, False, True):
        indices.flat[0] = -1  # an error in TFLite
    out = source.shape[:axis] + shape[batch:] + source.shape[axis + 1 :]
    options = {"axis": d.signed(axis, rank), "batchDims": batch}
    given = d.constant(indices, *_EITHER)
    return Case(op, (source, given), (d.tensor(out, source),), {"GatherOptions": options}, 3)


def resize(op: str, d: Drawn) -> Case:
    shape = (d.one(1, 1, 2), d.between(1, 7), d.between(1, 7), d.one(1, 3, 16))
    source = d.tensor(shape)
    size = [d.between(1, 15), d.between(1, 15)]
    align, half = d.one((False, False), (True, False), (False, True), (True, True))
    options = {"alignCorners": align, "halfPixelCenters": half}
    target = d.tensor((shape[0], *size, shape[3]), source)
    return Case(
        op, (source, d.constant(size)), (target,), {"ResizeNearestNeighborOptions": options}, 3
    )


def bilinear(op: str, d: Drawn) -> Case:
    case = resize(op, d)
    assert case.options is not None
    (fields,) = case.options.values()
    return replace(case, options={"ResizeBilinearOptions": fields})


def split(op: str, d: Drawn) -> Case:
    shape = list(d.shape(1, 5))
    axis, count = d.between(0, len(shape) - 1), d.between(1, 4)
    part = shape[axis]
    shape[axis] = part * count
    source = d.tensor(tuple(shape))
    shape[axis] = part
    outputs = tuple(d.tensor(tuple(shape), source) for _ in range(count))
    given = d.constant(d.one(*[(v := d.signed(axis, len(shape))), [v]]))
    return Case(op, (given, source), outputs, {"SplitOptions": {"numSplits": count}})


def split_v(op: str, d: Drawn) -> Case:
    shape = list(d.shape(1, 5))
    axis = d.between(0, len(shape) - 1)
    sizes = [d.between(1, 4) for _ in range(d.between(1, 4))]
    shape[axis] = sum(sizes)
    source = d.tensor(tuple(shape))
    outputs = tuple(d.tensor((*shape[:axis], size, *shape[axis + 1 :]), source) for size in sizes)
    if d.one(False, True):
        sizes[d.between(0, len(sizes) - 1)] = -1
    operands = (source, d.constant(sizes), d.constant(d.signed(axis, len(shape))))
    return Case(op, operands, outputs, {"SplitVOptions": {"numSplits": len(sizes)}}, 2)


def unpack(op: str, d: Drawn) -> Case:
    shape = d.shape(1, 5)
    axis = d.between(0, len(shape) - 1)
    source = d.tensor(shape)
    rest = shape[:axis] + shape[axis + 1 :]
    outputs = tuple(d.tensor(rest, source) for _ in range(shape[axis]))
    options = {"num": shape[axis], "axis": d.signed(axis, len(shape))}
    return Case(op, (source,), outputs, {"UnpackOptions": options}, 2)


def broadcast_to(op: str, d: Drawn) -> Case:
    shape = d.shape(1, 5)
    source = d.tensor(tuple(d.one(n, 1) for n in shape)[d.between(0, len(shape) - 1) :])
    return Case(op, (source, d.constant(shape, *_EITHER)), (d.tensor(shape, source),), None, 2)


def blocks(_: str, d: Drawn) -> Case:
    """TILE, DEPTH_TO_SPACE, SPACE_TO_DEPTH and REVERSE_V2."""
    op = d.one("TILE", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "REVERSE_V2")
    if op == "REVERSE_V2":
        source = d.tensor(d.shape(1, 5))
        rank = len(source.shape)
        first = d.between(0, rank - 1)
        axes = range(first, d.between(first, rank - 1) + 1)
        given = d.constant([d.signed(axis, rank) for axis in axes])
        target = d.tensor(source.shape, source)
        return Case(op, (source, given), (target,), {"ReverseV2Options": {}}, 2)
    if op == "TILE":
        source = d.tensor(d.shape(1, 5))
        multiples = [d.one(1, 2, 3) for _ in source.shape]
        out = tuple(n * m for n, m in zip(source.shape, multiples, strict=True))
        operands = (source, d.constant(multiples, *_EITHER))
        return Case(op, operands, (d.tensor(out, source),), None, 3)
    size = d.between(1, 3)
    batch, height, width, channels = d.one(1, 2), d.between(1, 4), d.between(1, 4), d.one(1, 3, 16)
    deep = (batch, height, width, channels * size * size)
    wide = (batch, height * size, width * size, channels)
    source = d.tensor(deep if op == "DEPTH_TO_SPACE" else wide)
    target = d.tensor(wide if op == "DEPTH_TO_SPACE" else deep, source)
    name = "DepthToSpaceOptions" if op == "DEPTH_TO_SPACE" else "SpaceToDepthOptions"
    return Case(op, (source,), (target,), {name: {"blockSize": size}}, 2)
