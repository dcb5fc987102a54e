"""How many channels one pass of the NPU sums: wider layers go through 16 bits in between."""

from dataclasses import dataclass

from host.npu.compiler.constant import FITTED, FORMULA, Constant
from host.npu.compiler.convolution import Convolution

DEEP_MAX = 128  # channels of one unit, unsigned 8-bit features
WIDE_MAX = 24  # channels of one unit, 16-bit features: a zero point that is neither -128 nor 0
_UNITS = 4
_FEW_PIXELS = 16
_WHY = "the scheduler decides how many units are chained, and so how often sums pass 16 bits"


@dataclass(frozen=True)
class Passes:
    """The groups of channels whose sums pass through 16 bits one after the other."""

    groups: tuple[slice, ...]
    constant: Constant


def channel_passes(layer: Convolution, pixels: int) -> Passes:
    """The passes of a convolution.

    Args:
        layer: the convolution.
        pixels: rows * columns of its output.
    """
    channels = layer.channels
    deep = layer.input_zero in (-128, 0)
    limit = DEEP_MAX if deep else WIDE_MAX
    groups = -(-channels // limit)
    if layer.depthwise or groups == 1:
        return Passes((slice(None),), Constant("passes", 1, FORMULA))
    while channels % groups:
        groups += 1
    units = 1 if pixels <= _FEW_PIXELS else min(groups, 2 if deep else _UNITS)
    while groups % units:
        units -= 1
    count = groups // units
    width = channels // count
    ranges = tuple(slice(at, at + width) for at in range(0, channels, width))
    return Passes(ranges, Constant("passes", count, FITTED, _WHY))
