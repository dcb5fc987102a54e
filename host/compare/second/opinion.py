"""One set of inputs under the judge's kernels and under TFLite's default ones; float64 says who is wrong.

A difference that an op only passes on is nobody's fault: each side's op is held against float64 on that side's
own inputs, and on what lay in its own memory. READ_VARIABLE passes on what an earlier inference left.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from host.compare.second.call import Call
from host.compare.second.real import UNASKED, evaluate, inputs_of, known
from host.compare.second.real_state import STATEFUL, evaluate_state
from host.compare.second.steps import in_steps
from host.reference.interpreter import Array
from model_gen.codegen.tflite.graph import Graph, Op

LIMIT = 2  # steps: kernels that round differently are not farther apart in one op
_PLACES = 64  # of a tensor that float64 is asked about, those that are farthest apart

Tensors = Mapping[int, Array]
Before = Callable[[], tuple[Tensors, Tensors] | None]


@dataclass(frozen=True)
class Parting:
    """An op whose outputs part by more than LIMIT steps.

    op: its index, `name` TFLite's. steps: the largest difference. judge_off, other_off: how far each side is from
    float64 on its own inputs, in steps, at most; None where float64 was not asked, for the reason `unasked`.
    """

    op: int
    name: str
    steps: int
    judge_off: float | None
    other_off: float | None
    unasked: str = ""

    @property
    def judge_wrong(self) -> bool:
        return self.judge_off is not None and self.judge_off > LIMIT

    @property
    def other_wrong(self) -> bool:
        return self.other_off is not None and self.other_off > LIMIT


class _Unasked(Exception):
    """Why nobody in float64 is asked about an op."""


def partings(
    graph: Graph, judge: Tensors, other: Tensors, before: Before = lambda: None
) -> list[Parting]:
    """The ops whose fault a difference is, in order, and those of which float64 was not asked; of those that only pass
    on what came to them, none.

    before: gives both sides' tensors of the inference before, where an op's memory is asked for; None at the start.
    """
    found = []
    left = cache(before)
    for op in graph.ops:
        for output in range(len(op.outputs)):
            parting = _parting(graph, op, output, (judge, other), left)
            if parting is not None:
                found.append(parting)
    return found


def distance(one: Array, two: Array) -> Array:
    """int64, in steps; zero where the tensors are no integers."""
    if one.shape != two.shape or one.dtype != two.dtype or one.dtype.kind not in "iu":
        return np.zeros(0, np.int64)
    return np.asarray(np.abs(one.astype(np.int64) - two.astype(np.int64)).ravel())


def _parting(
    graph: Graph, op: Op, output: int, sides: tuple[Tensors, Tensors], before: Before
) -> Parting | None:
    index = op.outputs[output]
    if op.name == "READ_VARIABLE" or any(index not in side for side in sides):
        return None
    apart = distance(*(side[index] for side in sides))
    steps = int(apart.max(initial=0))
    if steps <= LIMIT:
        return None
    places = np.flatnonzero(apart > LIMIT)
    places = places[np.argsort(-apart[places], kind="stable")][:_PLACES]
    try:
        judge, other = (_off(graph, op, output, sides, which, places, before) for which in (0, 1))
    except _Unasked as reason:
        return Parting(op.index, op.name, steps, None, None, str(reason))
    parting = Parting(op.index, op.name, steps, judge, other)
    return parting if parting.judge_wrong or parting.other_wrong else None


def _off(
    graph: Graph,
    op: Op,
    output: int,
    sides: tuple[Tensors, Tensors],
    which: int,
    places: Array,
    before: Before,
) -> float:
    """How far a side's output is from float64 on its own inputs, in steps.

    Raises:
        _Unasked: nobody knows, and why.
    """
    target, side = graph.tensors[op.outputs[output]], sides[which]
    if not known(op.name):
        raise _Unasked(UNASKED.get(op.name, "float64 does not know this op"))
    if target.quantization is not None and len(target.quantization.scales) != 1:
        raise _Unasked("its output has more than one scale")
    got = side[target.index]
    with np.errstate(all="ignore"):
        if op.name in STATEFUL:
            left = before()
            whole = evaluate_state(op, graph.tensors, side, None if left is None else left[which])
            real = None if whole is None else whole.ravel()[places]
        else:
            inputs = inputs_of(op, graph.tensors, side.get)
            real = None if inputs is None else evaluate(Call(op, inputs, got.shape, places, output))
    if real is None:
        raise _Unasked("what it computes from is not shown")
    want = in_steps(target, np.nan_to_num(real), got.dtype)
    return round(float(np.abs(got.ravel()[places] - want).max()), 2)


def top_classes(one: Array, two: Array) -> tuple[int, int]:
    """(rows whose largest element is another, rows) over the last axis; (0, 0) where there is no choice of classes."""
    if one.shape != two.shape or not one.shape or one.shape[-1] < 2 or one.size == 0:
        return 0, 0
    tops = [side.reshape(-1, one.shape[-1]).argmax(-1) for side in (one, two)]
    return int((tops[0] != tops[1]).sum()), len(tops[0])
