"""What the vectors of a session moved, by the reference's own numbers, which are kept: nothing is asked of a board."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from host.compare.expect import Oracle
from host.compare.float_steps import FloatSteps, float_steps
from host.compare.session import Session
from host.compare.vectors import InputTensor, make_vectors
from host.report.reach import InputReach, Reach
from host.report.verdict import Verdict

Array = npt.NDArray[Any]


def with_reach(session: Session, verdict: Verdict) -> Verdict:
    """An exact verdict with what its vectors moved."""
    if not verdict.exact:
        return verdict
    network = session.network
    oracle = Oracle(
        *(session.subject, session.structure, session.project.description.rules),
        judging=None if network is None else network.judging,
    )
    ports = oracle.reference.inputs
    vectors = make_vectors(
        *(session.subject, ports, session.vectors, session.seed, session.given),
        stateful=session.structure.stateful,
    )
    expected = (oracle.expect(vector) for vector in vectors)
    quantized = () if network is not None else float_steps(session.subject.model)
    return replace(
        verdict, reach=reach(ports, quantized, ((one.inputs, one.outputs) for one in expected))
    )


def reach(
    ports: Sequence[InputTensor],
    quantized: Sequence[FloatSteps | None],
    runs: Iterable[tuple[Sequence[Array], Sequence[Array]]],
) -> Reach:
    """What runs moved.

    Args:
        quantized: the steps of each float32 input; ignored where there are not as many.
        runs: inputs and outputs of each, at least one.
    """
    if len(quantized) != len(ports):  # a network's own inputs
        quantized = [None] * len(ports)
    seen = [np.zeros(_of(port, steps), bool) for port, steps in zip(ports, quantized, strict=True)]
    first: list[Array] = []
    moved: list[npt.NDArray[np.bool_]] = []
    count = 0
    for inputs, outputs in runs:
        for marks, values, steps in zip(seen, inputs, quantized, strict=True):
            _mark(marks, values, steps)
        rows = [_rows(one) for one in outputs]
        if not count:
            first, moved = rows, [np.zeros(one.shape[-1], bool) for one in rows]
        for marks, one, other in zip(moved, first, rows, strict=True):
            marks |= np.any(one.view(_bits(one)) != other.view(_bits(other)), axis=0)
        count += 1
    return Reach(
        inputs=tuple(
            InputReach(port.name, int(marks.sum()) or None, marks.size or None)
            for port, marks in zip(ports, seen, strict=True)
        ),
        channels=sum(marks.size for marks in moved),
        moved=sum(int(marks.sum()) for marks in moved) if count > 1 else None,
    )


def _of(port: InputTensor, steps: FloatSteps | None) -> int:
    """How many steps an input has; 0 where nobody knows."""
    dtype = np.dtype(port.dtype if steps is None else steps.dtype)
    return 1 << 8 * dtype.itemsize if dtype.kind in "iu" and dtype.itemsize <= 2 else 0


def _mark(marks: npt.NDArray[np.bool_], values: Array, steps: FloatSteps | None) -> None:
    if not marks.size:
        return
    whole = values.astype(np.int64) if values.dtype.kind in "iu" else None
    if whole is None and steps is not None:
        whole = steps.of(values)
    if whole is not None:
        marks[whole.ravel() % marks.size] = True


def _rows(output: Array) -> Array:
    """[places, channels]: a scalar is one channel."""
    whole = np.ascontiguousarray(output)
    return whole.reshape(-1, whole.shape[-1] if whole.ndim else 1)


def _bits(tensor: Array) -> str:
    """Floats are compared bit by bit: NaN equals itself."""
    return f"u{tensor.dtype.itemsize}"
