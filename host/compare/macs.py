"""Multiply-accumulates of each op, counted from the shapes in the .tflite."""

from math import prod
from typing import Any

from host.compare.layers import read_structure


def count_macs(model: bytes) -> list[int]:
    """MACs of each op output, in the order of `read_structure`; 0 for ops that multiply nothing by weights.

    CONV_2D: output elements * kernel height * kernel width * input channels of a group. DEPTHWISE_CONV_2D: output
    elements * kernel height * kernel width. FULLY_CONNECTED: output elements * inputs.
    """
    import tflite

    graph = tflite.Model.GetRootAsModel(model, 0).Subgraphs(0)
    counts = []
    for layer in read_structure(model).layers:
        operator = graph.Operators(layer.index)
        output = _shape(graph, layer.tensor)
        if layer.op in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            weights = _shape(graph, operator.Inputs(1))
            # The weights of a DEPTHWISE_CONV_2D are [1, rows, columns, outputs], of the others [outputs, ...].
            each = weights[:-1] if layer.op == "DEPTHWISE_CONV_2D" else weights[1:]
            counts.append(prod(output) * prod(each))
        else:
            counts.append(0)
    return counts


def _shape(graph: Any, tensor: int) -> list[int]:
    return [int(size) for size in graph.Tensors(tensor).ShapeAsNumpy()]
