"""Whole networks of random pieces, one kind for each way in which generated code uses the NPU."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np

from host.npu.testing import fragments_conv, fragments_joint, fragments_plain
from host.npu.testing.choice import Choice, values
from host.npu.testing.fragment import Fragment
from host.npu.testing.layers import Network, Values, sources

Maker = Callable[[Choice, str], Fragment]
MAKERS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        fragments_conv.pointwise,
        fragments_conv.spatial,
        fragments_conv.accumulated,
        fragments_conv.chained,
        fragments_conv.deep,
        fragments_conv.depthwise,
        fragments_conv.many_channels,
        fragments_plain.add,
        fragments_plain.combine,
        fragments_plain.affine,
        fragments_plain.pool,
        fragments_plain.global_pool,
        fragments_plain.copy,
        fragments_plain.software,
        fragments_joint.residual,
        fragments_joint.fused_pair,
        fragments_joint.forked,
        fragments_joint.side_by_side,
    )
}

KINDS = tuple(MAKERS)


def compose(
    name: str,
    pieces: Sequence[Fragment],
    *,
    reuse: bool = False,
    seed: int = 0,
    pools: tuple[str, ...] = (),
) -> Network:
    """One network of pieces, one after the other; what nothing reads is an output."""
    epochs = tuple(epoch for piece in pieces for epoch in piece.epochs)
    read = {tensor.name for epoch in epochs for layer in epoch.layers for tensor in sources(layer)}
    made = [layer.target for epoch in epochs for layer in epoch.layers]
    outputs = tuple(tensor for tensor in made if tensor.name not in read)
    inputs = tuple(tensor for piece in pieces for tensor in piece.inputs)
    return Network(name, inputs, outputs, epochs, reuse, seed, pools)


def random_network(random: Random, name: str, kinds: Sequence[str]) -> Network:
    """A piece of each of `kinds`, as often as they are named."""
    pieces = [
        MAKERS[kind](Choice(random), f"{kind}_{index}") for index, kind in enumerate(kinds, 1)
    ]
    return compose(name, pieces, reuse=random.randrange(2) == 1, seed=random.getrandbits(32))


def data(network: Network, seed: int) -> dict[str, Values]:
    """Values [h, w, c] for the inputs of `network`, from the whole range of each."""
    rng = np.random.default_rng(seed)
    return {tensor.name: values(rng, tensor) for tensor in network.inputs}
