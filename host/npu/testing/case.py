"""A random network for the device alone: its program, its inputs, and what it must compute."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from host.npu.testing.lower import lower
from host.npu.testing.networks import MAKERS, data, random_network
from host.npu.testing.program import Program
from host.npu.testing.reference import RULES, expected, in_memory
from host.npu.testing.write import stored_tensors

# The processor's epochs are not the device's.
KINDS = tuple(kind for kind in MAKERS if kind != "software")


@dataclass(frozen=True)
class Case:
    """Bytes by tensor, as they lie in memory."""

    program: Program
    inputs: dict[str, bytes]
    expected: dict[str, bytes]


def case(random: Random, kinds: Sequence[str], seed: int, rule: str = RULES[0]) -> Case:
    """A network with a piece of each of `kinds`, inputs from `seed`, ties by `rule`."""
    network = random_network(random, "net", kinds)
    inputs = data(network, seed)
    values = expected(network, inputs, rule)
    return Case(
        lower(network),
        {tensor.name: in_memory(tensor, inputs[tensor.name]) for tensor in network.inputs},
        {tensor.name: in_memory(tensor, values[tensor.name]) for tensor in stored_tensors(network)},
    )
