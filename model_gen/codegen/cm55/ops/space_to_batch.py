"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: how converters write a dilated convolution."""

from dataclasses import dataclass
from math import prod

from model_gen.codegen.cm55.ops.registry import Lowered, Rule, register
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.view import View

_LARGEST = 1 << 16  # of a block, a padding or a crop: far above any image


@dataclass(frozen=True)
class Blocks:
    """One entry a dimension between the batch and the channels; `edges`: padded by the one op, cropped by the other."""

    block: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]


def blocks(view: View) -> Blocks:
    """What the op's constants say, in agreement with the rank of its input."""
    sizes, flat = view.integers(1), view.integers(2)
    rank = len(view.input(0).shape)
    if rank not in (3, 4) or len(sizes) != rank - 2 or len(flat) != 2 * len(sizes):
        raise view.refuse(
            "the input must have 3 or 4 dimensions, with a block and two edges for each but the ends"
        )
    if not 0 < min(sizes) <= max(sizes) <= _LARGEST or not 0 <= min(flat) <= max(flat) <= _LARGEST:
        raise view.refuse(f"blocks {list(sizes)} or edges {list(flat)} are out of range")
    return Blocks(sizes, tuple(zip(flat[0::2], flat[1::2], strict=True)))


def _to_batch(view: View) -> Shape:
    found, shape = blocks(view), view.input(0).shape
    padded = [
        before + n + after for n, (before, after) in zip(shape[1:-1], found.edges, strict=True)
    ]
    if any(n % size for n, size in zip(padded, found.block, strict=True)):
        raise view.refuse(f"{padded} does not divide into blocks of {list(found.block)}")
    inner = (n // size for n, size in zip(padded, found.block, strict=True))
    return (shape[0] * prod(found.block), *inner, shape[-1])


def _to_space(view: View) -> Shape:
    found, shape = blocks(view), view.input(0).shape
    if shape[0] % prod(found.block):
        raise view.refuse(f"a batch of {shape[0]} is not blocks of {list(found.block)}")
    sizes = [
        n * size - sum(crop)
        for n, size, crop in zip(shape[1:-1], found.block, found.edges, strict=True)
    ]
    if min(sizes) < 1:
        raise view.refuse(f"the crops {list(found.edges)} leave nothing")
    return (shape[0] // prod(found.block), *sizes, shape[-1])


def _alone(view: View) -> Lowered:
    raise view.refuse(
        "only the pair of them around one CONV_2D or DEPTHWISE_CONV_2D of stride 1 and one image, with the same "
        "blocks, no reshape that states other scales, and no crop larger than its padding in front, is a dilated "
        "convolution; there is no kernel for one alone"
    )


register("SPACE_TO_BATCH_ND", Rule(_to_batch, _alone))
register("BATCH_TO_SPACE_ND", Rule(_to_space, _alone))
