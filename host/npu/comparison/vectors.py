"""The inputs that a comparison runs on: given ones, the bundle's own, drawn ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from host.bundle import Subject
from host.compare.float_steps import FloatSteps, float_steps
from host.compare.vectors import random_inputs
from host.errors import BadInput
from host.inputs import read_inputs
from model_gen.codegen.tflite.graph import Array, Graph

DRAWN = 8  # where nothing else says how many


@dataclass(frozen=True)
class Port:
    """An input of the model, as `read_inputs` and `random_inputs` take it."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, eq=False)
class Chosen:
    """Vectors, each with the model's inputs in its order; `source` says where they are from."""

    vectors: tuple[tuple[Array, ...], ...]
    source: str


def choose(
    subject: Subject, graph: Graph, *, inputs: Path | None, count: int | None, seed: int
) -> Chosen:
    """The first `count` of the given inputs, or of the bundle's own; what is missing is drawn.

    Args:
        subject: whose windows are taken where no inputs are given.
        graph: its model.
        inputs: a file as `host.inputs` describes it.
        count: None: all there are, or DRAWN.
        seed: of what is drawn.

    Raises:
        BadInput: the file does not fit, nothing would be compared, or an input's type is not drawn.
    """
    ports = [Port(t.name, t.shape, t.dtype) for t in (graph.tensors[i] for i in graph.inputs)]
    found, source = _found(subject, ports, inputs)
    wanted = count if count is not None else len(found) or DRAWN
    taken = list(found[:wanted])
    told = [f"{len(taken)} of {source}"] if taken else []
    if wanted > len(taken):
        missing = wanted - len(taken)
        taken += _drawn(ports, missing, seed, float_steps(subject.model))
        told.append(f"{missing} drawn with seed {seed}")
    if not taken:
        raise BadInput(
            "at least one vector is needed: a comparison of none shows nothing",
            evidence=f"Received: --vectors {count}",
            next_step="use --vectors 1 or more",
        )
    return Chosen(tuple(taken), ", ".join(told))


def _found(
    subject: Subject, ports: Sequence[Port], inputs: Path | None
) -> tuple[list[tuple[Array, ...]], str]:
    if inputs is not None:
        return _read(inputs, ports), inputs.name
    own = subject.vectors()
    if own is None:
        return [], ""
    return [(one[None],) for one in own.inputs], "the bundle's own windows"


def _read(path: Path, ports: Sequence[Port]) -> list[tuple[Array, ...]]:
    """The inputs of a file, with the model's axis of the batch or, where that is 1, without it."""
    try:
        return [tuple(one) for one in read_inputs(path, ports)]
    except BadInput:
        if any(port.shape[:1] != (1,) for port in ports):
            raise
        try:
            bare = [Port(port.name, port.shape[1:], port.dtype) for port in ports]
            return [tuple(a[None] for a in one) for one in read_inputs(path, bare)]
        except BadInput:
            pass
        raise


def _drawn(
    ports: Sequence[Port], count: int, seed: int, quantized: Sequence[FloatSteps | None]
) -> list[tuple[Array, ...]]:
    """Drawn as everywhere; bytes without a sign are the signed ones, 128 higher."""
    signed = [Port(p.name, p.shape, "int8" if p.dtype == "uint8" else p.dtype) for p in ports]
    return [
        tuple(
            (one.view(np.uint8) ^ np.uint8(128)) if port.dtype == "uint8" else one
            for port, one in zip(ports, vector, strict=True)
        )
        for vector in random_inputs(signed, count, seed, quantized)
    ]
