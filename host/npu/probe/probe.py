"""A probe: one question about the NPU, a network that asks it, and what each answer looks like."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from model_gen.codegen.tflite.graph import Array

SILICON, COMPILER = "silicon", "compiler"


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One answer that is thought possible, and what the NPU's output then is.

    Attributes:
        name: short; several names, joined by " or ", where the network cannot tell them apart.
        output: int8, of the network's output shape.
    """

    name: str
    output: Array

    @property
    def crc(self) -> int:
        """CRC-32 of the output's bytes, as DIGESTS tells it."""
        return zlib.crc32(self.output.tobytes())


@dataclass(frozen=True, eq=False)
class Probe:
    """A network of one question.

    Attributes:
        name: of its folder.
        question: in words.
        unit: of the NPU that answers; "" where only the compiler does.
        decides: SILICON; or COMPILER, where a network.c holds the answer, too.
        model: a .tflite with int8 ends.
        inputs: int8, in the model's order.
        hypotheses: no two with the same output.
        known: the name of the one that `host.npu` computes.
        rests_on: what else is taken for known, in words; "" where the answer depends on nothing
            else that any other probe asks.
    """

    name: str
    question: str
    unit: str
    decides: str
    model: bytes
    inputs: tuple[Array, ...]
    hypotheses: tuple[Hypothesis, ...]
    known: str
    rests_on: str = ""


def hypotheses(outputs: Mapping[str, Array]) -> tuple[Hypothesis, ...]:
    """One for each output; names that give the same one are joined."""
    joined: dict[bytes, list[str]] = {}
    for name, output in outputs.items():
        joined.setdefault(output.tobytes(), []).append(name)
    return tuple(Hypothesis(" or ".join(names), outputs[names[0]]) for names in joined.values())


def named(found: Sequence[Hypothesis], name: str) -> str:
    """The joined name under which a hypothesis stands."""
    return next(one.name for one in found if name in one.name.split(" or "))


def telling(outputs: Sequence[Array]) -> tuple[int, ...]:
    """The fewest elements, found greedily, in which any two outputs that differ do so.

    Args:
        outputs: of one shape.

    Returns:
        Places in the flat outputs, the most telling first.
    """
    flat = np.array([output.ravel() for output in outputs])
    pairs = list(combinations(range(len(flat)), 2))
    apart = np.array([flat[a] != flat[b] for a, b in pairs]).reshape(len(pairs), flat.shape[1])
    places = []
    while apart.any():
        place = int(apart.sum(axis=0).argmax())
        places.append(place)
        apart = apart[~apart[:, place]]
    return tuple(places)


def most_telling(outputs: Sequence[Array], count: int) -> tuple[int, ...]:
    """`count` of very many elements: round by round what tells all apart, then the rest in order.

    Args:
        outputs: flat, of one size, which is at least `count`.
        count: how many.

    Returns:
        Places in the outputs, in rising order.
    """
    left = np.flatnonzero(np.ptp(np.array(outputs, np.int64), axis=0))
    chosen: list[int] = []
    while len(chosen) < count and left.size:
        found = left[list(telling([output[left] for output in outputs]))]
        if not found.size:
            break
        chosen += found.tolist()
        left = np.setdiff1d(left, found)
    rest = np.setdiff1d(np.arange(len(outputs[0])), chosen)
    spread = rest[np.linspace(0, len(rest) - 1, max(0, count - len(chosen))).astype(int)]
    return tuple(sorted([*chosen[:count], *spread.tolist()]))
