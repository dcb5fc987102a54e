"""An op that TFLite's reference computes: bytes that are moved, software epochs, unknown ops."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from host.npu.compiler.constant import Constant
from host.npu.compiler.layer import MOVED, SOFTWARE, UNKNOWN_OP
from host.npu.compiler.single_op import computed_inputs, single_op
from host.reference.model import ReferenceModel
from model_gen.codegen.tflite.graph import Array, Graph, Op, refuse
from model_gen.codegen.tflite.options import SoftmaxOptions

_MOVES = {
    "BATCH_TO_SPACE_ND",
    "DEPTH_TO_SPACE",
    "EXPAND_DIMS",
    "GATHER",
    "MIRROR_PAD",
    "PACK",
    "PAD",
    "REDUCE_MAX",
    "RESHAPE",
    "RESIZE_NEAREST_NEIGHBOR",
    "REVERSE_V2",
    "SLICE",
    "SPACE_TO_BATCH_ND",
    "SPACE_TO_DEPTH",
    "SPLIT",
    "SPLIT_V",
    "SQUEEZE",
    "STRIDED_SLICE",
    "TILE",
    "TRANSPOSE",
    "UNPACK",
}
# These compare or collect: their bytes are moved only where nothing is rescaled.
_MOVES_OF_ONE_SCALE = {"CONCATENATION", "MAX_POOL_2D", "MAXIMUM", "MINIMUM", "PADV2", "RELU"}
_SUM_ONE = 1 << 20  # of sums and differences, likewise
_PRELU_RANK = 4  # the most
_SOFTMAX_ONE = 1 << 26  # of its fixed-point differences
_CONVERSIONS = {"QUANTIZE", "DEQUANTIZE"}  # of floats
_SOFTWARE = {"SOFTMAX", "LOG_SOFTMAX", "RESIZE_BILINEAR"}


@dataclass(frozen=True, eq=False)
class ReferenceLayer:
    """One op, computed by `BUILTIN_REF` from the inputs that it is given."""

    op: Op
    how: str
    doubts: tuple[str, ...]
    content: bytes
    graph: Graph
    constants: tuple[Constant, ...] = ()

    @functools.cached_property
    def _model(self) -> ReferenceModel:
        return ReferenceModel(single_op(self.content, self.graph, self.op))

    def compute(self, inputs: Sequence[Array], rule: str) -> tuple[Array, ...]:
        done = self._model.run([np.asarray(value, order="C") for value in inputs])
        return tuple(done[index] for index in self.op.outputs)


def reference_layer(content: bytes, graph: Graph, op: Op) -> ReferenceLayer:
    """The layer of an op that no formula of the NPU covers.

    Raises:
        BadInput: a SOFTMAX, PRELU, ADD or SUB with which TFLite would end the whole process.
    """
    if op.name == "SOFTMAX" and isinstance(op.options, SoftmaxOptions):
        quantization = graph.tensors[op.inputs[0]].quantization
        scale = quantization.scales[0] if quantization else 1.0
        if op.options.beta * scale * _SOFTMAX_ONE <= 1.0:
            raise refuse(op, graph.tensors, f"TFLite cannot prepare it for a scale of {scale:g}")
    if op.name in ("ADD", "SUB"):
        held = [graph.tensors[i].quantization for i in (*op.inputs, *op.outputs)]
        *read, made = (one.scales[0] if one else 1.0 for one in held)
        if made > 0 and 2 * max(read) >= _SUM_ONE * made:
            raise refuse(op, graph.tensors, f"TFLite cannot prepare it for a scale of {made:g}")
    rank = max(len(graph.tensors[i].shape) for i in op.inputs if i >= 0)
    if op.name == "PRELU" and rank > _PRELU_RANK:
        raise refuse(op, graph.tensors, f"TFLite cannot compute it in {rank} dimensions")
    how, doubts = _kind(graph, op)
    return ReferenceLayer(op, how, doubts, content, graph)


def _kind(graph: Graph, op: Op) -> tuple[str, tuple[str, ...]]:
    read = [graph.tensors[i] for i in computed_inputs(graph, op)]
    made = [graph.tensors[i] for i in op.outputs]
    if op.name in _MOVES or (op.name == "QUANTIZE" and _is_shift_of_zero(graph, op)):
        return MOVED, ()
    quantizations = {tensor.quantization for tensor in (*read, *made)}
    if op.name in _MOVES_OF_ONE_SCALE and len(quantizations) == 1:
        return MOVED, ()
    if all(tensor.dtype in ("int32", "int64", "bool") for tensor in made):
        return MOVED, ()  # shapes and indices
    floats = any(tensor.dtype not in ("int8", "uint8") for tensor in (*read, *made))
    if floats and op.name in _CONVERSIONS:
        return SOFTWARE, ()
    if floats or op.name in _SOFTWARE:
        return SOFTWARE, (f"{op.name} of ST's library may differ by a step from the reference's",)
    return UNKNOWN_OP, (f"nothing is known of what the compiler makes of {op.name}",)


def _is_shift_of_zero(graph: Graph, op: Op) -> bool:
    """uint8 to int8 or back with one scale and zero points 128 apart: only a bit is turned."""
    source, target = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    if {source.dtype, target.dtype} != {"int8", "uint8"}:
        return False
    before, after = source.quantization, target.quantization
    if before is None or after is None or before.scales != after.scales:
        return False
    return abs(before.zero_points[0] - after.zero_points[0]) == 128
