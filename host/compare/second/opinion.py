"""One set of inputs under the judge's kernels and under TFLite's default ones; float64 says who is wrong.

A difference that an op only passes on is nobody's fault: each side's op is held against float64 on that side's
own inputs. READ_VARIABLE passes on what an earlier inference left, and an op with a memory what lies in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from host.compare.second.real import Call, evaluate, in_steps, inputs_of, known
from host.reference.interpreter import Array
from model_gen.codegen.tflite.graph import Graph, Op, Tensor

LIMIT = 2  # steps: kernels that round differently are not farther apart in one op
_PLACES = 64  # of a tensor that float64 is asked about, those that are farthest apart

_LSTM_MEMORY = 18  # its inputs 18 and 19; behind them is only layer normalization, which is refused

Tensors = Mapping[int, Array]


@dataclass(frozen=True)
class Parting:
    """An op whose outputs part by more than LIMIT steps.

    op: its index, `name` TFLite's. steps: the largest difference. judge_off, other_off: how far each side is from
    float64 on its own inputs, in steps, at most; None where there is no float64 of this op.
    """

    op: int
    name: str
    steps: int
    judge_off: float | None
    other_off: float | None

    @property
    def judge_wrong(self) -> bool:
        return self.judge_off is not None and self.judge_off > LIMIT

    @property
    def other_wrong(self) -> bool:
        return self.other_off is not None and self.other_off > LIMIT


def partings(graph: Graph, judge: Tensors, other: Tensors) -> list[Parting]:
    """The ops whose fault a difference is, in order: of those that only pass on what came to them, none."""
    found = []
    for op in graph.ops:
        for index in op.outputs:
            parting = _parting(graph, op, index, judge, other)
            if parting is not None:
                found.append(parting)
    return found


def distance(one: Array, two: Array) -> Array:
    """int64, in steps; zero where the tensors are no integers."""
    if one.shape != two.shape or one.dtype != two.dtype or one.dtype.kind not in "iu":
        return np.zeros(0, np.int64)
    return np.asarray(np.abs(one.astype(np.int64) - two.astype(np.int64)).ravel())


def _parting(graph: Graph, op: Op, index: int, judge: Tensors, other: Tensors) -> Parting | None:
    if op.name == "READ_VARIABLE" or index not in judge or index not in other:
        return None
    apart = distance(judge[index], other[index])
    steps = int(apart.max(initial=0))
    if steps <= LIMIT:
        return None
    places = np.flatnonzero(apart > LIMIT)
    places = places[np.argsort(-apart[places], kind="stable")][:_PLACES]
    offs = [_off(graph, op, graph.tensors[index], side, places) for side in (judge, other)]
    if None in offs:
        alike = all(
            np.array_equal(judge[i], other[i]) for i in _sources(op) if i in judge and i in other
        )
        return Parting(op.index, op.name, steps, None, None) if alike else None
    parting = Parting(op.index, op.name, steps, offs[0], offs[1])
    return parting if parting.judge_wrong or parting.other_wrong else None


def _sources(op: Op) -> tuple[int, ...]:
    """What an op computes from. The memory of an LSTM is shown as the step leaves it, which is a result."""
    return op.inputs[:_LSTM_MEMORY] if op.name == "UNIDIRECTIONAL_SEQUENCE_LSTM" else op.inputs


def _off(graph: Graph, op: Op, target: Tensor, side: Tensors, places: Array) -> float | None:
    """How far a side's output is from float64 on its own inputs, in steps; None where nobody knows."""
    quantization = target.quantization
    if not known(op.name) or quantization is None or len(quantization.scales) != 1:
        return None
    inputs = inputs_of(op, graph.tensors, side.get)
    got = side[target.index]
    if inputs is None:
        return None
    with np.errstate(all="ignore"):
        real = evaluate(Call(op, inputs, got.shape, places))
    want = in_steps(target, np.nan_to_num(real), got.dtype)
    return round(float(np.abs(got.ravel()[places] - want).max()), 2)


def top_classes(one: Array, two: Array) -> tuple[int, int]:
    """(rows whose largest element is another, rows) over the last axis; (0, 0) where there is no choice of classes."""
    if one.shape != two.shape or not one.shape or one.shape[-1] < 2 or one.size == 0:
        return 0, 0
    tops = [side.reshape(-1, one.shape[-1]).argmax(-1) for side in (one, two)]
    return int((tops[0] != tops[1]).sum()), len(tops[0])
