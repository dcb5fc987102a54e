"""What pieces of networks have in common."""

from dataclasses import dataclass
from typing import Any

from host.npu.testing.choice import Choice
from host.npu.testing.layers import Epoch, Layer, Tensor


@dataclass(frozen=True)
class Fragment:
    """A part of a network that depends on no other."""

    inputs: tuple[Tensor, ...]
    epochs: tuple[Epoch, ...]


def apart(inputs: tuple[Tensor, ...], *layers: Layer) -> Fragment:
    """Each layer in an epoch of its own."""
    return Fragment(inputs, tuple(Epoch((layer,)) for layer in layers))


def feature(
    draw: Choice, name: str, channels: int, block: int = 0, least: int = 1, most: int = 7
) -> Tensor:
    """A small tensor of bytes or, seldom, of 16 bits; in blocks, or all channels together."""
    height, width = draw.whole(least, most), draw.whole(least, most)
    kind = draw.one(("u8", "u8", "i8", "i8", "i16"))
    return Tensor(name, height, width, channels, kind, draw.one((0, block)))


def output(draw: Choice, height: int, width: int, channels: int, block: int, name: str) -> Tensor:
    return Tensor(
        name, height, width, channels, draw.one(("i8", "u8")), draw.one((0, block)), stored=True
    )


def arriving_as(draw: Choice, source: Tensor) -> dict[str, Any]:
    """How a feature reaches a convolution: a zero point is taken off 16-bit features alone."""
    if source.kind == "i16":
        return {"zero": draw.one((0, 256, -256, draw.whole(-300, 300)))}
    if draw.chance(40):
        return {"wide": True, "zero": draw.whole(-128, 127)}
    return {}


def spread_of(source: Tensor) -> float:
    return 18900.0 if source.kind == "i16" else 105.0
