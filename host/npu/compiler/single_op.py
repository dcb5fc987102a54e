"""One op of a .tflite as a model of its own, so that the reference can compute it alone.

Offsets of a flatbuffer lead forwards and are relative. So a new head in front of the old bytes,
which keep their places among each other, can name whatever lies in them.
"""

import struct
from typing import Any

import tflite

from model_gen.codegen.tflite.graph import Graph, Op

_ALIGNMENT = 16  # of the constants that follow
# vtables: their own bytes, the table's, and where each field lies in it; 0 = left out.
_MODEL = struct.pack("<8H", 14, 20, 4, 8, 12, 0, 16, 0)  # version, codes, graphs, -, buffers
_GRAPH = struct.pack("<6H", 12, 20, 4, 8, 12, 16)  # tensors, inputs, outputs, operators
_OPERATOR_CODES, _BUFFERS, _TENSORS = 6, 12, 4  # slots of the schema's vtables
# Places in the head, in words of 4 bytes.
_MODEL_VTABLE, _GRAPH_VTABLE, _MODEL_TABLE, _GRAPHS, _GRAPH_TABLE, _OPERATORS, _LISTS = (
    2,
    6,
    9,
    14,
    16,
    21,
    23,
)


def computed_inputs(graph: Graph, op: Op) -> tuple[int, ...]:
    """The tensors that an op reads and that are not constant, each once, in the op's order."""
    read = (i for i in op.inputs if i >= 0 and graph.tensors[i].value is None)
    return tuple(dict.fromkeys(read))


def single_op(content: bytes, graph: Graph, op: Op) -> bytes:
    """A model of this op alone, whose inputs are `computed_inputs` and outputs the op's."""
    model = tflite.Model.GetRootAs(content, 0)
    subgraph = model.Subgraphs(0)
    lists = [[len(part), *part] for part in (computed_inputs(graph, op), op.outputs)]
    size = 4 * (_LISTS + sum(map(len, lists)))
    start = -(-size // _ALIGNMENT) * _ALIGNMENT  # where the old bytes begin

    def old(word: int, place: int) -> int:
        return start + place - 4 * word

    def new(word: int, target: int) -> int:
        return 4 * (target - word)

    words = [new(0, _MODEL_TABLE), int.from_bytes(b"TFL3", "little")]
    words += struct.unpack("<7i", _MODEL[:16] + _GRAPH)
    at = _MODEL_TABLE
    words += [4 * (at - _MODEL_VTABLE), 3, old(at + 2, _vector(model, _OPERATOR_CODES))]
    words += [new(at + 3, _GRAPHS), old(at + 4, _vector(model, _BUFFERS))]
    words += [1, new(_GRAPHS + 1, _GRAPH_TABLE)]
    at = _GRAPH_TABLE
    words += [4 * (at - _GRAPH_VTABLE), old(at + 1, _vector(subgraph, _TENSORS))]
    words += [new(at + 2, _LISTS), new(at + 3, _LISTS + len(lists[0])), new(at + 4, _OPERATORS)]
    words += [1, old(_OPERATORS + 1, subgraph.Operators(op.index)._tab.Pos)]
    words += lists[0] + lists[1]
    return struct.pack(f"<{len(words)}i", *words).ljust(start, b"\0") + content


def _vector(table: Any, slot: int) -> int:
    """Where a table's vector field begins: with its length."""
    return int(table._tab.Vector(table._tab.Offset(slot))) - 4
