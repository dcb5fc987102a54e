"""Multiply-accumulates of each op."""

from collections.abc import Sequence
from math import prod
from typing import Any

from host.backends import NEURAL_ART
from host.compare.layers import read_structure


def count_macs(model: bytes, sizes: Sequence[int]) -> list[int]:
    """MACs of each op output, in the order of `read_structure`; 0 for ops that multiply nothing by weights.

    CONV_2D: output elements * kernel height * kernel width * input channels of a group. DEPTHWISE_CONV_2D: output
    elements * kernel height * kernel width. FULLY_CONNECTED: output elements * inputs.

    Args:
        sizes: bytes of each op output as they are computed; a model with an open batch states other shapes.
    """
    import tflite

    graph = tflite.Model.GetRootAsModel(model, 0).Subgraphs(0)
    widths = {tflite.TensorType.INT8: 1, tflite.TensorType.INT16: 2}
    counts = []
    for layer, size in zip(read_structure(model).layers, sizes, strict=True):
        operator = graph.Operators(layer.index)
        elements = size // widths.get(graph.Tensors(layer.tensor).Type(), 4)
        if layer.op in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            weights = _shape(graph, operator.Inputs(1))
            # The weights of a DEPTHWISE_CONV_2D are [1, rows, columns, outputs], of the others [outputs, ...].
            each = weights[:-1] if layer.op == "DEPTHWISE_CONV_2D" else weights[1:]
            counts.append(elements * prod(each))
        else:
            counts.append(0)
    return counts


def macs_of(model: bytes, backend: str, sizes: Sequence[int]) -> list[int]:
    """As `count_macs`, of a firmware's layers; none of a network's epochs, which are no ops of the model."""
    return [0 for _ in sizes] if backend == NEURAL_ART else count_macs(model, sizes)


def _shape(graph: Any, tensor: int) -> list[int]:
    return [int(size) for size in graph.Tensors(tensor).ShapeAsNumpy()]
