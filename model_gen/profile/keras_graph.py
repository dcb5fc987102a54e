"""A Keras model as a graph: its nodes in order, with what does nothing in an inference left out."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

# Layers that an inference passes through unchanged.
IDENTITY = frozenset(
    [
        "ActivityRegularization",
        "Dropout",
        "GaussianDropout",
        "GaussianNoise",
        "Identity",
        "SpatialDropout2D",
    ]
)


@dataclass(frozen=True, eq=False)
class Node:
    """One call of a layer or an operation.

    Attributes:
        operation: the layer or operation of Keras.
        kind: the name of its class.
        inputs: keys of the tensors that it reads; constants are not among them.
        output: key of the tensor that it writes.
        shapes: of the inputs, without the batch.
        shape: of the output, without the batch.
        arguments: what it was called with besides tensors, in order.
    """

    operation: Any
    kind: str
    inputs: tuple[int, ...]
    output: int
    shapes: tuple[tuple[int, ...], ...]
    shape: tuple[int, ...]
    arguments: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class KerasGraph:
    """`readers`: by key, how many nodes read a tensor, one more where the model returns it."""

    nodes: tuple[Node, ...]
    inputs: dict[int, tuple[int, ...]]
    readers: Counter[int]


def graph_of(model: Any) -> KerasGraph:
    """The graph of a functional `keras.Model`; an open size is taken as 1."""
    same: dict[int, int] = {}
    nodes = []
    inputs = {id(tensor): _shape(tensor) for tensor in model.inputs}
    readers: Counter[int] = Counter()
    for depth in sorted(
        model._nodes_by_depth, reverse=True
    ):  # Keras has no public way to calls in order
        for call in model._nodes_by_depth[depth]:
            kind = type(call.operation).__name__
            if kind == "InputLayer":
                continue
            keys = tuple(same.get(id(tensor), id(tensor)) for tensor in call.input_tensors)
            output = call.output_tensors[0]
            if kind in IDENTITY or _is_linear(call.operation):
                same[id(output)] = keys[0]
                continue
            readers.update(keys)
            nodes.append(
                Node(
                    call.operation,
                    kind,
                    keys,
                    id(output),
                    tuple(_shape(tensor) for tensor in call.input_tensors),
                    _shape(output),
                    tuple(a for a in call.arguments.args if not hasattr(a, "_keras_history")),
                )
            )
    readers.update(same.get(id(tensor), id(tensor)) for tensor in model.outputs)
    return KerasGraph(tuple(nodes), inputs, readers)


def _is_linear(operation: Any) -> bool:
    return type(operation).__name__ == "Activation" and operation.activation.__name__ == "linear"


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(size or 1 for size in tensor.shape[1:])
