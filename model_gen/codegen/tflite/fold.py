"""Shape resolution and constant folding: every tensor gets its final shape, and its value where it is known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from host.errors import BadInput
from model_gen.codegen.tflite.advice import STATIC, for_custom, for_unknown
from model_gen.codegen.tflite.findings import Findings
from model_gen.codegen.tflite.graph import Array, Graph, NotConstant, Op, Tensor, refuse, types_of
from model_gen.codegen.tflite.view import Rule, View

MAX_BYTES = 1 << 28  # of one tensor: far above any board, far below what harms the host


@dataclass(frozen=True)
class Resolved:
    """A graph whose tensors all have final shapes; `views` show the ops in order, one view an
    output, which may be constant.

    Where ops were refused they have no view; `guessed` are then the tensors that they, and what reads them, would
    have given, as the file has them.
    """

    graph: Graph
    tensors: dict[int, Tensor]
    views: tuple[View, ...]
    guessed: frozenset[int] = frozenset()

    def is_folded(self, view: View) -> bool:
        return all(tensor.value is not None for tensor in view.outputs)


def resolve(
    graph: Graph, rules: Mapping[str, Rule], rounding: str, *, findings: Findings
) -> Resolved:
    """Walk the ops in order.

    Args:
        graph: as it was read.
        rules: of each op that the backend knows.
        rounding: "tflite" or "tflm".
        findings: takes what is refused: an op that the backend does not know, or whose shapes or constants it cannot
            take. The walk goes on behind it with the shapes of the file.
    """
    kept = graph.kept
    tensors = {
        t.index: t for t in graph.tensors if t.value is not None or t.opaque or t.index in kept
    }
    for index in graph.inputs:
        tensors[index] = graph.tensors[index]
        with findings.noting():
            _check_input(graph.tensors[index])
    views: list[View] = []
    guessed: set[int] = set()
    for op in graph.ops:
        doubtful = not guessed.isdisjoint(op.inputs)
        try:
            found = _views(op, graph, tensors, rules, rounding, findings.backend)
        except BadInput as error:
            findings.note(error, guessed=doubtful)
            tensors |= {index: graph.tensors[index] for index in op.outputs}
            guessed |= set(op.outputs)
            continue
        views += found
        tensors |= {view.output.index: view.output for view in found}
        if doubtful:
            guessed |= {view.output.index for view in found if view.output.value is None}
    return Resolved(graph, tensors, tuple(views), frozenset(guessed))


def _views(
    op: Op,
    graph: Graph,
    tensors: Mapping[int, Tensor],
    rules: Mapping[str, Rule],
    rounding: str,
    backend: str,
) -> list[View]:
    """The op's views, one an output."""
    if op.name.startswith("CUSTOM:"):
        why = "a custom op, which TensorFlow Lite's own kernels do not compute"
        next_step = for_custom(op.name.removeprefix("CUSTOM:"))
        raise refuse(op, graph.tensors, why, next_step=next_step)
    if op.name not in rules:
        why = f"backend {backend} does not know this op"
        next_step = for_unknown(op.name, types_of(op, graph.tensors))
        raise refuse(op, graph.tensors, why, next_step=next_step)
    rule = rules[op.name]
    if not op.outputs or (len(op.outputs) != 1 and not rule.several):
        raise refuse(op, graph.tensors, f"{len(op.outputs)} outputs where one is expected")
    inputs = tuple(None if i == -1 else tensors[i] for i in op.inputs)
    return [
        _resolved(rule, View(op, graph, inputs, (graph.tensors[index],), rounding))
        for index in op.outputs
    ]


def _resolved(rule: Rule, view: View) -> View:
    """The view with its output's final shape, and its value where it is known."""
    shape = rule.shape(view)
    output = replace(view.output, shape=shape)
    if output.elements * 4 > MAX_BYTES:
        raise view.refuse(f"an output of shape {list(shape)} is too large")
    stored = view.output.shape
    view = replace(view, outputs=(output,))
    value = _fold(rule, view)
    if view.rounding == "tflm" and value is None and stored != shape:
        raise view.refuse(
            f"it gives {list(shape)}, and tflite-micro would go by the {list(stored)} of the file"
        )
    if value is None and not rule.runs:
        raise view.refuse(
            "its inputs are not constant, and it has no kernel",
            next_step=STATIC,
            kind=NotConstant,
        )
    return replace(view, outputs=(replace(output, value=value),))


def _fold(rule: Rule, view: View) -> Array | None:
    value = None if rule.fold is None else rule.fold(view)
    if value is None:
        return None
    value = np.asarray(value, order="C")  # unlike ascontiguousarray, keeps a scalar a scalar
    if value.shape != view.output.shape or value.dtype.name != view.output.dtype:
        raise view.refuse(f"folding gives {value.dtype} {list(value.shape)}")
    return value


def _check_input(tensor: Tensor) -> None:
    if any(d != 0 for d in tensor.free_dimensions) or tensor.elements == 0:
        raise BadInput(
            f"input '{tensor.name}' must have a static shape",
            evidence=f"Received: {tensor.dtype} {list(tensor.shape)}, "
            f"with the dimensions {list(tensor.free_dimensions)} open",
            next_step=STATIC,
        )
    if tensor.elements * 4 > MAX_BYTES:
        raise BadInput(
            f"input '{tensor.name}' is too large",
            evidence=f"Received: {list(tensor.shape)}",
            next_step="take a smaller input: no board holds this one",
        )
