"""Where the tensors of a network lie in memory, and the image of its constants."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from host.errors import BadInput
from host.npu.testing.layers import Network, Tensor, sources, sums_of
from host.npu.testing.program import WEIGHTS_BASE, Address

# The RAM of the chip that a network may use, and the bytes of each.
POOLS = {
    "npuRAM3": (0x34200000, 458752),
    "npuRAM4": (0x34270000, 458752),
    "npuRAM5": (0x342E0000, 458752),
    "npuRAM6": (0x34350000, 458752),
    "cpuRAM2": (0x34100000, 1048576),
}
NPU_ONLY = tuple(name for name in POOLS if name.startswith("npu"))  # what firmware leaves alone
_SLACK = 64  # bytes behind a tensor that a stream engine may touch


@dataclass
class Image:
    """Constants in the order in which they were asked for, each at a multiple of 16 bytes."""

    content: bytearray = field(default_factory=bytearray)

    def put(self, data: bytes) -> Address:
        """Where `data` lies now."""
        self.content.extend(bytes(-len(self.content) % 16))
        place = Address(WEIGHTS_BASE, len(self.content))
        self.content.extend(data)
        return place


@dataclass(frozen=True)
class _Life:
    tensor: Tensor
    first: int
    last: int


def places(network: Network, rng: Random) -> dict[str, Address]:
    """An address for every stored tensor of `network`, the sums of its convolutions among them.

    With `reuse`, tensors that do not live at the same time may share bytes.

    Raises:
        BadInput: the memory of the chip is too small for the network.
    """
    taken: list[tuple[int, int, _Life]] = []
    found = {}
    for life in _lives(network):
        names = list(network.pools or POOLS)
        # One pool alone where memory is to be shared: else there is always another one.
        names = names[-1:] if network.reuse else rng.sample(names, len(names))
        found[life.tensor.name] = _fit(life, [POOLS[name] for name in names], taken)
    return found


def _lives(network: Network) -> list[_Life]:
    ends = {"": 0}
    born: dict[str, tuple[Tensor, int]] = {tensor.name: (tensor, 0) for tensor in network.inputs}
    for number, epoch in enumerate(network.epochs, 1):
        for layer in epoch.layers:
            ends.update({tensor.name: number for tensor in sources(layer)})
            for made in (layer.target, sums_of(layer)):
                if made is not None and made.stored:
                    born[made.name] = (made, number)
                    ends[made.name] = number
    ends.update({tensor.name: len(network.epochs) for tensor in network.outputs})
    last = len(network.epochs)
    return [
        _Life(tensor, first, ends.get(name, last) if network.reuse else last)
        for name, (tensor, first) in born.items()
    ]


def _fit(
    life: _Life, pools: Sequence[tuple[int, int]], taken: list[tuple[int, int, _Life]]
) -> Address:
    size = -(-(life.tensor.size + _SLACK) // 16) * 16
    for base, room in pools:
        start = base
        for low, high, other in sorted(taken, key=lambda one: one[0]):
            together = life.first <= other.last and other.first <= life.last
            if together and low < start + size and start < high:
                start = high
        if start + size <= base + room:
            taken.append((start, start + size, life))
            return Address(base, start - base)
    raise BadInput(
        f"no room in the chip's memory for the tensor {life.tensor.name}",
        evidence=f"Received: {life.tensor.size} bytes beside {len(taken)} tensors.",
        next_step="make the network smaller, or let it reuse memory",
    )


def shorts(values: np.ndarray) -> bytes:
    """`values` as little-endian int16."""
    return np.asarray(values).astype("<i2").tobytes()
