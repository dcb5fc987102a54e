"""Pieces of networks: convolutions in all the ways in which generated code does them."""

from dataclasses import replace
from typing import Any

from host.npu.testing.arith import MOST_CONSTANTS
from host.npu.testing.choice import Choice
from host.npu.testing.fragment import Fragment, apart, arriving_as, feature, output, spread_of
from host.npu.testing.layers import Conv, Depthwise, Quad, Requantization, Sums, Tensor


def convolution(
    draw: Choice,
    name: str,
    source: Tensor,
    size: tuple[int, int],
    part: int,
    groups: int = 0,
    **given: Any,
) -> Conv:
    """A convolution of `source` with drawn constants.

    size: height and width of a kernel; part: kernels at a time; groups: of them, 0: drawn; given:
    other fields of Conv.
    """
    groups = groups or draw.whole(1, 3)
    kernel = draw.weights(part * groups, *size, source.channels)
    unsigned = draw.chance(10)
    if unsigned:
        kernel = draw.numbers.integers(0, 256, kernel.shape)
    shift, spread = draw.shift(kernel, spread_of(source))
    probe = Conv(name, source, source, kernel, Sums(), at_once=part, **given)
    _, _, height, width = probe.window or (0, 0, source.height, source.width)
    top, bottom, left, right = probe.crop or (0, height - 1, 0, width - 1)
    up, down, before, behind = probe.pads
    rows = (bottom - top + 1 + up + down - size[0]) // probe.stride[0] + 1
    columns = (right - left + 1 + before + behind - size[1]) // probe.stride[1] + 1
    target = output(draw, rows, columns, len(kernel), part, f"{name}_out")
    stream = len(kernel) > MOST_CONSTANTS or draw.chance(15)
    how: Requantization = draw.requantization(len(kernel), spread, stream)
    if probe.passes == 1 and draw.chance(10):
        how, target = Sums(), replace(target, kind="i16")
    return replace(probe, target=target, requantization=how, shift=shift, kernel_unsigned=unsigned)


def pointwise(draw: Choice, name: str) -> Fragment:
    """A 1x1 convolution of everything at once."""
    source = feature(draw, f"{name}_in", draw.whole(1, 12))
    layer = convolution(draw, name, source, (1, 1), draw.whole(1, 9), **arriving_as(draw, source))
    return apart((source,), layer)


def spatial(draw: Choice, name: str) -> Fragment:
    """Windows of several pixels, strides, pads, crops, and a part of a wider tensor."""
    source = feature(draw, f"{name}_in", draw.whole(1, 5), 0, 4, 9)
    high, wide = draw.whole(1, 4), draw.whole(1, 4)
    window: Quad | None = None
    height, width = source.height, source.width
    if draw.chance(30):
        height, width = draw.whole(2, height), draw.whole(2, width)
        top, left = draw.whole(0, source.height - height), draw.whole(0, source.width - width)
        window = (top, left, height, width)
    crop: Quad | None = None
    if draw.chance(30):
        crop = draw.crop(height, width)
        height, width = crop[1] - crop[0] + 1, crop[3] - crop[2] + 1
    # Enough of them that a window fits at all.
    spare_rows, spare_columns = max(0, high - height), max(0, wide - width)
    pads = (
        draw.whole(0, 3),
        draw.whole(0, 2) + spare_rows,
        draw.whole(0, 3),
        draw.whole(0, 2) + spare_columns,
    )
    arriving = arriving_as(draw, source)
    layer = convolution(
        draw,
        name,
        source,
        (high, wide),
        draw.whole(1, 4),
        stride=(draw.whole(1, 3), draw.whole(1, 3)),
        pads=pads,
        pad_value=0 if arriving.get("zero") else draw.one((0, 0, -128, 7)),
        crop=crop,
        window=window,
        **arriving,
    )
    return apart((source,), layer)


def accumulated(draw: Choice, name: str) -> Fragment:
    """Sums over several frames: by a stream that waits, by one that does not, by feedback."""
    batch, passes, chain = draw.whole(1, 4), draw.whole(2, 4), draw.one((1, 1, 2))
    source = feature(draw, f"{name}_in", batch * passes * chain, batch, 2, 5)
    size = draw.one((1, 1, 2))
    partial = draw.one(("memory", "implicit", "feedback"))
    layer = convolution(
        draw,
        name,
        source,
        (size, size),
        draw.whole(1, 5),
        batch=batch,
        chain=chain,
        partial="memory" if partial == "feedback" and chain > 1 else partial,
        **arriving_as(draw, source),
    )
    return apart((source,), layer)


def chained(draw: Choice, name: str) -> Fragment:
    """Units that add to each other's 24-bit sums; 16-bit features can pass what 24 bits hold."""
    batch, chain = draw.whole(1, 4), draw.whole(2, 4)
    source = feature(draw, f"{name}_in", batch * chain, batch, 1, 5)
    layer = convolution(
        draw,
        name,
        source,
        (1, 1),
        draw.whole(1, 5),
        batch=batch,
        chain=chain,
        **arriving_as(draw, source),
    )
    return apart((source,), layer)


def deep(draw: Choice, name: str) -> Fragment:
    """Kernels in groups of eight, features in beats of three bytes."""
    batch, passes, chain = draw.whole(1, 10), draw.one((1, 1, 2, 3)), draw.one((1, 1, 2))
    source = feature(draw, f"{name}_in", batch * passes * chain, 0, 1, 5)
    source = replace(source, kind=draw.one(("u8", "u8", "i8")))
    layer = convolution(
        draw,
        name,
        source,
        (1, 1),
        draw.whole(1, 18),
        batch=batch,
        chain=chain,
        deep=True,
        packed=passes == chain == 1 and draw.chance(50),
        partial=draw.one(("memory", "implicit")),
    )
    return apart((source,), layer)


def many_channels(draw: Choice, name: str) -> Fragment:
    """More constants than a unit can hold: they are streamed."""
    source = feature(draw, f"{name}_in", draw.whole(1, 6), 0, 1, 2)
    part = draw.one((8, 16))
    groups = MOST_CONSTANTS // part + draw.whole(1, 4)
    layer = convolution(draw, name, source, (1, 1), part, groups, **arriving_as(draw, source))
    return apart((source,), layer)


def depthwise(draw: Choice, name: str) -> Fragment:
    """A kernel a channel, done as dense kernels with zeros."""
    batch, groups = draw.one((1, 2, 4, 8)), draw.whole(1, 3)
    source = feature(draw, f"{name}_in", batch * groups, batch, 3, 8)
    arriving = arriving_as(draw, source)
    fast = source.kind != "i16" and not arriving and draw.chance(50)
    pairs = fast and batch % 2 == 0 and draw.chance(70)
    high, wide = draw.whole(1, 3), draw.whole(1, 3)
    stride = (draw.whole(1, 2), draw.whole(1, 2))
    pads = (draw.whole(0, 1), draw.whole(0, 1), draw.whole(0, 1), draw.whole(0, 1))
    kernel = draw.weights(batch * groups, high, wide)
    shift, spread = draw.shift(kernel, spread_of(source))
    rows = (source.height + pads[0] + pads[1] - high) // stride[0] + 1
    columns = (source.width + pads[2] + pads[3] - wide) // stride[1] + 1
    target = output(draw, rows, columns, batch * groups, batch, f"{name}_out")
    how = draw.requantization(batch * groups, spread)
    layer = Depthwise(
        name,
        source,
        target,
        kernel,
        how,
        batch,
        shift,
        stride,
        pads,
        pairs=pairs,
        fast=fast,
        **arriving,
    )
    return apart((source,), layer)
