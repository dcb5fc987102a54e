"""How many channels one pass of the NPU sums: wider layers go through 16 bits in between.

The scheduler weighs what cannot be seen from the model. These rules give what it chose in every
layer of nine compiled networks, and are graded "fitted" wherever a layer is divided at all.
"""

from dataclasses import dataclass

from host.npu.compiler.constant import FITTED, FORMULA, UNKNOWN, Constant
from host.npu.compiler.convolution import Convolution

_DEEP_CHANNELS = 128  # three bytes a beat: unsigned 8-bit features
_LINE = 4096  # bytes of a line of the input in deep mode
_FLAT_CHANNELS = 24
_UNITS = 4
_TILE_MAX, _TILE_DEEP = 24, 8  # kernels that a unit holds at once; those that pay for deep mode
_FEW_PIXELS, _SOME_PIXELS, _FEW_KERNELS = 16, 32, 8
_UNEVEN = 4  # times as many parts as would do
_SEEN_CHANNELS = 12  # of dense kernels of several taps
_UNSEEN = "no compiled network has dense kernels of several taps over more than twelve channels"
_WHY = "the scheduler decides how many units are chained, and so how often sums pass 16 bits"


@dataclass(frozen=True)
class Passes:
    """The groups of channels whose sums pass through 16 bits one after the other."""

    groups: tuple[slice, ...]
    constant: Constant


def channel_passes(layer: Convolution, width: int, pixels: int) -> Passes | None:
    """The passes of a convolution; None for one whose channels cannot be divided evenly.

    Args:
        layer: the convolution.
        width: columns of its input.
        pixels: rows * columns of its output.
    """
    pays = _tile(layer.kernels) >= _TILE_DEEP or pixels <= _FEW_PIXELS
    deep = (
        layer.input_zero in (-128, 0)
        and pays
        and width * min(layer.channels, _DEEP_CHANNELS) <= _LINE
    )
    limit = _DEEP_CHANNELS if deep else _FLAT_CHANNELS
    whole = (slice(None),)
    if not layer.depthwise and layer.taps > 1 and layer.channels > _SEEN_CHANNELS:
        grade = FITTED if layer.channels <= _FLAT_CHANNELS else UNKNOWN
        return Passes(whole, Constant("passes", 1, grade, _UNSEEN))
    if layer.depthwise or layer.channels <= limit:
        return Passes(whole, Constant("passes", 1, FORMULA))
    parts = next(n for n in range(2, layer.channels + 1) if _divides(n, layer.channels, limit))
    if parts > _UNEVEN * -(-layer.channels // limit):
        return None
    most = _UNITS
    if pixels <= _FEW_PIXELS and layer.kernels > _FEW_KERNELS:
        most = 1
    elif deep and pixels <= _SOME_PIXELS:
        most = 2
    units = next(n for n in range(most, 0, -1) if parts % n == 0)
    count = parts // units
    width = layer.channels // count
    groups = tuple(slice(at, at + width) for at in range(0, layer.channels, width))
    return Passes(groups, Constant("passes", count, FITTED, _WHY))


def _tile(kernels: int) -> int:
    return next(n for n in range(_TILE_MAX, 0, -1) if kernels % n == 0)


def _divides(parts: int, channels: int, limit: int) -> bool:
    return channels % parts == 0 and channels // parts <= limit
