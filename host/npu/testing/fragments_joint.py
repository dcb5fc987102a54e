"""Pieces of networks whose epochs hold several layers."""

from dataclasses import replace

from host.npu.testing.choice import Choice
from host.npu.testing.fragment import Fragment, feature
from host.npu.testing.fragments_conv import convolution, pointwise
from host.npu.testing.fragments_plain import add, copy, pool, sum_of
from host.npu.testing.layers import Affine, Conv, Depthwise, Epoch, Layer, Pool, Tensor


def residual(draw: Choice, name: str) -> Fragment:
    """A convolution that reaches an Add over the switch, and is written beside it or not."""
    channels = draw.whole(1, 6)
    source = feature(draw, f"{name}_in", channels, 0, 1, 5)
    layer = convolution(draw, f"{name}_conv", source, (1, 1), draw.whole(1, 3))
    made = replace(layer.target, kind="i8", stored=draw.chance(40))
    how = draw.requantization(made.channels, 4000.0)
    layer = replace(layer, target=made, requantization=how)
    other = replace(made, name=f"{name}_other", stored=True)
    target = replace(other, name=f"{name}_out")
    pair = (other, made) if draw.chance(50) else (made, other)
    return Fragment(
        (source, other),
        (Epoch((layer, sum_of(draw, f"{name}_add", pair, target, layer.kernels))),),
    )


def fused_pair(draw: Choice, name: str) -> Fragment:
    """Two convolutions, the second fed over the switch: depthwise, or over several frames."""
    source = feature(draw, f"{name}_in", draw.whole(1, 5), 0, 3, 6)
    part = draw.one((1, 2, 4))
    first = convolution(draw, f"{name}_a", source, (1, 1), part)
    made = replace(first.target, kind="u8", stored=draw.chance(30))
    # One stage alone: the epoch has four of them for everything.
    first = replace(first, target=made, requantization=draw.fused(made.channels, 4000.0))
    if draw.chance(50):
        kernel = draw.weights(made.channels, 3, 3)
        shift, spread = draw.shift(kernel, 105.0)
        target = replace(made, name=f"{name}_out", kind="i8", stored=True)
        how = draw.requantization(made.channels, spread)
        second: Layer = Depthwise(
            f"{name}_b", made, target, kernel, how, part, shift, pads=(1, 1, 1, 1)
        )
    else:
        count = draw.whole(1, 5)
        kernel = draw.weights(count, 1, 1, made.channels)
        shift, spread = draw.shift(kernel, 105.0)
        target = Tensor(f"{name}_out", made.height, made.width, count)
        how = draw.requantization(count, spread)
        second = Conv(f"{name}_b", made, target, kernel, how, shift, batch=part)
    return Fragment((source,), (Epoch((first, second)),))


def side_by_side(draw: Choice, name: str) -> Fragment:
    """Two graphs that share an epoch and nothing else."""
    one = pointwise(draw, f"{name}_l")
    other = draw.one((pool, add, copy))(draw, f"{name}_r")
    layers = one.epochs[0].layers + other.epochs[0].layers
    return Fragment(one.inputs + other.inputs, (Epoch(layers),))


def forked(draw: Choice, name: str) -> Fragment:
    """A convolution that feeds a pool and constants at the same time, over the switch."""
    source = feature(draw, f"{name}_in", draw.whole(1, 4), 0, 3, 6)
    part = draw.whole(1, 3)
    first = convolution(draw, f"{name}_a", source, (1, 1), part)
    made = replace(first.target, kind="i8", stored=draw.chance(40))
    first = replace(first, target=made, requantization=draw.fused(made.channels, 4000.0))
    size = draw.whole(1, 3)
    pooled = replace(
        made,
        name=f"{name}_pooled",
        height=made.height - size + 1,
        width=made.width - size + 1,
        stored=True,
    )
    window = Pool(f"{name}_b", made, pooled, "MAX", (size, size), batch=part)
    how = draw.fused(made.channels, 70.0)
    scaled = replace(made, name=f"{name}_scaled", stored=True)
    constants = Affine(f"{name}_c", made, scaled, how.factors, how.offsets, how.shift, batch=part)
    return Fragment((source,), (Epoch((first, window, constants)),))
