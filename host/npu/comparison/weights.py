"""The compiler's node of a convolution, told by its weights."""

import re
from collections import defaultdict

import numpy as np
import numpy.typing as npt

from model_gen.codegen.neural_art.output_folder import Output
from model_gen.codegen.tflite.graph import Graph

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_NAME = re.compile(r"(?P<node>[A-Za-z][A-Za-z0-9]*_\d+)(?:_conv_\d+)?_weights(?:_.*)?")

Counts = tuple[int, ...]


def nodes_by_weights(output: Output, graph: Graph) -> dict[int, str]:
    """The node of each op whose weights are those of one node, and of no other op or node.

    A constant has an op's weights where it has just its bytes, in whatever order, zeros apart: the
    compiler turns layouts round, fills up with zeros, and cuts kernels into several constants.
    """
    nodes: dict[Counts, list[str]] = defaultdict(list)
    for node, counts in _constants(output).items():
        nodes[counts].append(node)
    ops: dict[Counts, list[int]] = defaultdict(list)
    for op in graph.ops:
        if op.name in _WEIGHTED and len(op.inputs) > 1:
            value = graph.tensors[op.inputs[1]].value
            if value is not None and value.dtype == np.int8:
                ops[_counts(value.tobytes())].append(op.index)
    return {
        found[0]: nodes[counts][0]
        for counts, found in ops.items()
        if len(found) == 1 and len(nodes.get(counts, ())) == 1
    }


def _constants(output: Output) -> dict[str, Counts]:
    """How often each byte but 0 stands in the weights of each node."""
    assert output.network is not None
    sums: dict[str, npt.NDArray[np.int64]] = {}
    for buffer in output.network.constants:
        name = _NAME.fullmatch(buffer.name)
        if name is None or buffer.bits != 8:
            continue
        for file, first in output.images.items():
            data = output.files[file]
            if first <= buffer.address and buffer.address + buffer.bytes <= first + len(data):
                at = buffer.address - first
                found = np.array(_counts(data[at : at + buffer.bytes]))
                sums[name["node"]] = sums.get(name["node"], 0) + found
    return {node: tuple(found.tolist()) for node, found in sums.items()}


def _counts(data: bytes) -> Counts:
    return tuple(np.bincount(np.frombuffer(data, np.uint8), minlength=256)[1:].tolist())
