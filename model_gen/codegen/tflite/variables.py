"""State: what a model keeps from one inference to the next, as tensors of its graph.

In a file a variable is a name. VAR_HANDLE gives a handle of it, READ_VARIABLE copies it to a tensor,
ASSIGN_VARIABLE a tensor to it, and CALL_ONCE names a subgraph that gives all of them their first
values. Here each variable becomes one tensor behind those of the file, which READ_VARIABLE takes as
its input and ASSIGN_VARIABLE has as its output; handles and CALL_ONCE are gone. An op's own memory
(a tensor that is marked as a variable: of SVDF and LSTM) is such a tensor from the start.
"""

from dataclasses import replace

import numpy as np

from model_gen.codegen.tflite.graph import Array, Graph, Op, State, Tensor, refuse
from model_gen.codegen.tflite.options import Options, VariableOptions

READ, ASSIGN = "READ_VARIABLE", "ASSIGN_VARIABLE"
HANDLE, ONCE = "VAR_HANDLE", "CALL_ONCE"
_AGAIN = "convert the streaming model again, with variables that are given a constant first value"

Name = tuple[str, str]  # container and shared name


def own_state(tensor: Tensor) -> State:
    """An op's own memory: at first it holds its zero point, or 0. As Subgraph::ResetVariableTensors of TFLite."""
    quantized = tensor.dtype == "int8" and tensor.quantization is not None
    zero = tensor.quantization.zero_points[0] if quantized and tensor.quantization else 0
    return State(tensor.index, np.full(tensor.shape, zero, tensor.dtype), own=True)


def with_states(graph: Graph, once: tuple[Graph, ...]) -> Graph:
    """`graph` with its variables as tensors.

    Args:
        once: what runs before the first inference.

    Raises:
        BadInput: a variable without a constant first value, or of which the file says two things.
    """
    names = _handles(graph)
    first: dict[Name, Array] = {}
    for called in once:
        first |= _first_values(called)
    tensors = list(graph.tensors)
    places: dict[Name, int] = {}
    ops = []
    for op in graph.ops:
        if op.name in (HANDLE, ONCE):
            continue
        if op.name in (READ, ASSIGN):
            name = _name(graph, op, names)
            if name not in places:
                if name not in first:
                    why = f"the variable '{name[1]}' has no first value"
                    raise refuse(op, graph.tensors, why, next_step=_AGAIN)
                places[name] = len(tensors)
                tensors.append(_variable(graph, op, len(tensors), name, first[name]))
            op = _on_tensor(op, places[name])
        ops.append(op)
    states = tuple(State(place, first[name]) for name, place in places.items())
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops), states=graph.states + states)


def _handles(graph: Graph) -> dict[int, Name]:
    """The variable of each handle."""
    return {
        op.outputs[0]: (op.options.container, op.options.shared_name)
        for op in graph.ops
        if isinstance(op.options, VariableOptions) and len(op.outputs) == 1
    }


def _first_values(graph: Graph) -> dict[Name, Array]:
    names = _handles(graph)
    first = {}
    for op in graph.ops:
        if op.name == HANDLE:
            continue
        value = (
            graph.tensors[op.inputs[1]].value if op.name == ASSIGN and len(op.inputs) == 2 else None
        )
        if value is None:
            why = "before the first inference, only constants can be assigned to variables"
            raise refuse(op, graph.tensors, why, next_step=_AGAIN)
        first[_name(graph, op, names)] = value
    return first


def _name(graph: Graph, op: Op, names: dict[int, Name]) -> Name:
    if not op.inputs or op.inputs[0] not in names:
        raise refuse(op, graph.tensors, "its first input is no handle of a variable")
    return names[op.inputs[0]]


def _variable(graph: Graph, op: Op, index: int, name: Name, first: Array) -> Tensor:
    """The tensor of a variable, which is quantized as what is read from it first, or assigned to it."""
    beside = (*op.outputs, *op.inputs[1:])
    if len(beside) != 1:
        raise refuse(
            op, graph.tensors, "it has another number of inputs or outputs than the reference takes"
        )
    like = graph.tensors[beside[0]]
    if like.dtype != first.dtype.name:
        why = f"the variable '{name[1]}' holds {first.dtype}, and not {like.dtype}"
        raise refuse(op, graph.tensors, why, next_step=_AGAIN)
    return Tensor(index, name[1], first.shape, like.dtype, like.quantization)


def _on_tensor(op: Op, place: int) -> Op:
    if op.name == READ:
        return Op(op.index, op.name, (place,), op.outputs, Options())
    return Op(op.index, op.name, op.inputs[1:], (place,), Options())
