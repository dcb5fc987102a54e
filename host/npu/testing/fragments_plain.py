"""Pieces of networks without a convolution: sums, constants, pools, copies, software."""

from dataclasses import replace
from typing import Any

import numpy as np

from host.npu.testing.choice import Choice
from host.npu.testing.fragment import Fragment, apart, feature
from host.npu.testing.layers import (
    Add,
    Affine,
    Copy,
    Dequantize,
    Pool,
    Quantize,
    Tensor,
    Transpose,
)


def add(draw: Choice, name: str) -> Fragment:
    """Two tensors, element by element."""
    batch, groups = draw.whole(1, 5), draw.whole(1, 3)
    x = replace(feature(draw, f"{name}_x", batch * groups, batch), kind="i8")
    y = replace(x, name=f"{name}_y", block=draw.one((0, batch)))
    target = replace(x, name=f"{name}_out", block=draw.one((0, batch)))
    return apart((x, y), sum_of(draw, name, (x, y), target, batch))


def combine(draw: Choice, name: str) -> Fragment:
    """Two tensors of 8 or 16 bits: a product, the smaller, the larger, or a sum."""
    piece = add(draw, name)
    x, y = (replace(tensor, kind=draw.one(("i8", "i16"))) for tensor in piece.inputs)
    (layer,) = piece.epochs[0].layers
    assert isinstance(layer, Add)
    operation = draw.one(("MUL", "MUL", "MIN", "MAX", "AFFINE"))
    wide = 8 * (x.kind == "i16") + 8 * (y.kind == "i16")
    shift = wide + 7 if operation == "MUL" else wide // 2
    if operation == "AFFINE":
        shift = layer.shift + wide // 2
    shift = max(0, shift - draw.whole(0, 3))
    if operation != "AFFINE":  # factors of the others are not known to do nothing
        layer = replace(layer, a=1, b=1, x_shift=0, y_shift=0)
    return apart((x, y), replace(layer, sources=(x, y), operation=operation, shift=shift))


def sum_of(draw: Choice, name: str, pair: tuple[Tensor, Tensor], target: Tensor, batch: int) -> Add:
    ties = draw.chance(50)
    x_shift, y_shift = draw.whole(0, 2), draw.whole(0, 2)
    shift = draw.whole(1, 3) if ties else draw.whole(12, 15)
    most = 2 if ties else min(32767, 2 << shift)
    return Add(
        name,
        pair,
        target,
        a=draw.whole(-most, most),
        b=draw.whole(-most, most),
        c=draw.whole(-4, 4) if ties else draw.whole(-32768, 32767),
        x_shift=x_shift,
        y_shift=y_shift,
        c_shift=0 if ties else draw.whole(0, 6),
        shift=shift,
        batch=batch,
    )


def pool(draw: Choice, name: str) -> Fragment:
    """Windows."""
    batch, groups = draw.whole(1, 5), draw.whole(1, 2)
    source = feature(draw, f"{name}_in", batch * groups, batch, 3, 9)
    source = replace(source, kind=draw.one(("i8", "i8", "i16")))
    crop = draw.crop(source.height, source.width) if draw.chance(30) else None
    first, last, start, end = crop or (0, source.height - 1, 0, source.width - 1)
    height, width = last - first + 1, end - start + 1
    window = draw.whole(1, min(3, height)), draw.whole(1, min(3, width))
    stride = draw.whole(1, 3), draw.whole(1, 3)
    rows = (height - window[0]) // stride[0] + 1
    columns = (width - window[1]) // stride[1] + 1
    layer = Pool(
        name,
        source,
        replace(source, name=f"{name}_out", height=rows, width=columns),
        draw.one(("MAX", "MAX", "MIN", "AVG")),
        window,
        stride,
        crop,
        batch=batch,
        **_average(draw, window[0] * window[1]),
    )
    return apart((source,), layer)


def _average(draw: Choice, count: int) -> dict[str, Any]:
    """A factor and a shift that divide by `count`, or by a power of two, which has ties."""
    if draw.chance(50):
        return {"factor": 1, "shift": draw.whole(1, 3)}
    shift = 14 + int(np.log2(count))
    return {"factor": min(32767, round(2**shift / count)), "shift": shift}


def global_pool(draw: Choice, name: str) -> Fragment:
    """One value of everything; averages as 16 bits that are scaled afterwards."""
    batch, groups = draw.whole(1, 8), draw.whole(1, 3)
    source = replace(feature(draw, f"{name}_in", batch * groups, batch, 1, 6), kind="i8")
    target = Tensor(f"{name}_out", 1, 1, batch * groups, "i8", draw.one((0, batch)))
    operation = draw.one(("GAVG", "GAVG", "GMAX", "GMIN"))
    count = source.height * source.width
    layer = Pool(name, source, target, operation, batch=batch)
    if operation == "GAVG":
        shift = max(0, 6 + int(np.log2(count)))
        factor = round(2**shift * 256 / count)
        while factor > 32767:
            factor, shift = factor >> 1, shift - 1
        scaling = draw.fused(1, 64.0 * 256 / 100)
        layer = replace(
            layer, factor=factor, shift=shift, scaling=scaling, x_shift=draw.one((0, 0, 3))
        )
    return apart((source,), layer)


def affine(draw: Choice, name: str) -> Fragment:
    """A factor and an offset for each channel, line, column or pixel."""
    batch, groups = draw.whole(1, 5), draw.whole(1, 3)
    source = feature(draw, f"{name}_in", batch * groups, batch)
    source = replace(source, kind=draw.one(("i8", "i16")))
    along = draw.one(("CHAN", "HEIGHT", "WIDTH", "HEIGHT_WIDTH", "SCALAR"))
    height, width, channels = source.shape
    count = {"CHAN": channels, "HEIGHT": height, "WIDTH": width, "SCALAR": 1}.get(
        along, height * width
    )
    combined = draw.chance(50)
    how = draw.fused(count, 70.0 if source.kind == "i8" else 10000.0)
    offsets, c_shift = how.offsets, 0
    if not combined:
        c_shift = max(0, how.shift - 8)
        offsets = (offsets >> c_shift).clip(-32768, 32767)
    return apart(
        (source,),
        Affine(
            name,
            source,
            replace(source, name=f"{name}_out", kind=draw.one(("i8", "i8", "i16"))),
            how.factors,
            offsets,
            how.shift,
            along,
            combined,
            x_shift=draw.one((0, 0, 2)),
            c_shift=c_shift,
            clip=(draw.whole(-90, -1), draw.whole(0, 90)) if draw.chance(40) else None,
            batch=batch,
            saturate=draw.chance(70),
            rounding=draw.chance(70),
        ),
    )


def copy(draw: Choice, name: str) -> Fragment:
    """Another layout."""
    batch, groups = draw.whole(1, 6), draw.whole(1, 4)
    source = feature(draw, f"{name}_in", batch * groups, batch)
    target = replace(source, name=f"{name}_out", block=batch if not source.block else 0)
    pairs = source.kind != "i16" and batch % 2 == 0 and draw.chance(50)
    return apart((source,), Copy(name, source, target, batch, pairs))


def software(draw: Choice, name: str) -> Fragment:
    """To floats and back, and a change of axes."""
    source = Tensor(
        f"{name}_in",
        draw.whole(1, 5),
        draw.whole(1, 5),
        draw.whole(1, 6),
        draw.one(("i8", "u8")),
        scale=draw.one((0.0625, 0.1, 0.003)),
        zero=draw.whole(0, 100),
    )
    floats = replace(source, name=f"{name}_f", kind="f32")
    back = replace(
        source, name=f"{name}_q", kind=draw.one(("i8", "u8")), zero=draw.whole(0, 60), scale=0.07
    )
    order = draw.one(((0, 2, 1), (1, 0, 2), (2, 0, 1), (2, 1, 0), (1, 2, 0)))
    height, width, channels = (back.shape[axis] for axis in order)
    turned = replace(back, name=f"{name}_t", height=height, width=width, channels=channels)
    return apart(
        (source,),
        Dequantize(f"{name}_deq", source, floats),
        Quantize(f"{name}_quant", floats, back),
        Transpose(f"{name}_turn", back, turned, order),
    )
