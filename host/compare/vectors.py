"""The inputs a model is judged on: seeded random tensors, and a bundle's own windows of sound."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from host.bundle import Subject
from host.compare.float_steps import FloatSteps, float_steps
from host.errors import BadInput
from host.reference.past import Past, linked

Inputs = tuple[npt.NDArray[Any], ...]  # one tensor an input, in model order
MOST_BYTES = 1 << 30  # of random vectors: they are all drawn at once
_INTEGERS = (np.int8, np.uint8, np.int16, np.uint16)


class InputTensor(Protocol):
    """What is needed to draw an input."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...


@dataclass(frozen=True, eq=False)
class Vector:
    """One thing to infer on: raw model inputs, or a chunk that goes through the board's own frontend.

    past: what a model with state is given before, None at the start of a sequence.
    """

    index: int
    inputs: Inputs = ()
    chunk: npt.NDArray[np.int16] | None = None
    past: Past | None = None

    @property
    def node_id(self) -> str:
        return node_id(self.index)


def node_id(index: int) -> str:
    """How tests name a vector; the same on every tier."""
    return f"vec{index:02d}"


def random_inputs(
    inputs: Sequence[InputTensor],
    count: int,
    seed: int,
    quantized: Sequence[FloatSteps | None] = (),
) -> list[Inputs]:
    """`count` sets of inputs drawn from `numpy.random.default_rng(seed)`, tensor after tensor in model order.

    Integers of 8 or 16 bits: integers(min, max + 1, (count, *shape), dtype), as integers(-128, 128, ..., dtype=int8).
    float32 that is quantized: the steps of an integer input, as values beside them; `FloatSteps.draw`.
    float32 otherwise: standard_normal((count, *shape), dtype=float32).

    Args:
        quantized: the steps of each input, as `float_steps` gives them; none are known where it is empty.

    Raises:
        BadInput: an input of another type, or more vectors than fit in memory.
    """
    wanted = count * sum(math.prod(t.shape) * np.dtype(t.dtype).itemsize for t in inputs)
    if wanted > MOST_BYTES:
        raise BadInput(
            f"the random vectors of one run must fit in {MOST_BYTES >> 20} MiB",
            evidence=f"Received: {count:,} vectors, {wanted >> 20:,} MiB",
            next_step="use fewer --vectors, in several runs, each with a --seed of its own",
        )
    generator, beside = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    drawn: list[npt.NDArray[Any]] = []
    for tensor, steps in zip(inputs, quantized or [None] * len(inputs), strict=True):
        shape = (count, *tensor.shape)
        dtype = np.dtype(tensor.dtype)
        if dtype in _INTEGERS:
            range_of = np.iinfo(dtype)
            drawn.append(generator.integers(range_of.min, range_of.max + 1, shape, dtype=dtype))
        elif dtype == np.float32 and steps is not None:
            drawn.append(steps.draw(shape, generator, beside))
        elif dtype == np.float32:
            drawn.append(generator.standard_normal(shape, dtype=np.float32))
        else:
            raise BadInput(
                "model inputs must be integers of 8 or 16 bits, or float32",
                evidence=f"Received: input {tensor.name!r} of {dtype}",
                next_step="quantize the model to full int8",
            )
    return [tuple(tensor[i] for tensor in drawn) for i in range(count)]


def count_vectors(subject: Subject, raw: int) -> int:
    """How many vectors `make_vectors` gives, without loading the model; `raw` of them are no chunks.

    Raises:
        BadInput: there would be none.
    """
    own = subject.vectors()
    chunks = 0 if own is None else len(own.chunks)
    if raw < 0 or raw + chunks == 0:
        raise BadInput(
            "at least one vector is needed: a verdict on none proves nothing",
            evidence=f"Received: {raw} random or given vectors, {chunks} of the bundle's own",
            next_step="use --vectors 1 or more",
        )
    return raw + chunks


def make_vectors(
    subject: Subject,
    inputs: Sequence[InputTensor],
    count: int,
    seed: int,
    given: Sequence[Inputs] = (),
    *,
    stateful: bool = False,
) -> list[Vector]:
    """The random inputs, then the given ones, then the bundle's own chunks.

    Of a `stateful` model the given ones are the steps of one sequence, and the random ones those of one before it.

    Raises:
        BadInput: there would be none, or an input has a type that no vector can be drawn for.
    """
    raw = count + len(given)
    count_vectors(subject, raw)
    own = subject.vectors()
    chunks = [] if own is None else list(own.chunks)
    floats = any(np.dtype(one.dtype) == np.float32 for one in inputs)
    steps = float_steps(subject.model) if count and floats else ()
    if len(steps) != len(inputs):  # a network's own inputs
        steps = ()
    drawn = random_inputs(inputs, count, seed, steps) if count else []
    pasts = [*linked(drawn), *linked(given)] if stateful else [None] * raw
    vectors = [
        Vector(i, inputs=tensors, past=past)
        for i, (tensors, past) in enumerate(zip([*drawn, *given], pasts, strict=True))
    ]
    vectors += [Vector(raw + i, chunk=chunk) for i, chunk in enumerate(chunks)]
    return vectors
