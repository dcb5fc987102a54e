"""Reads a .tflite into a typed graph; a truncated or hostile file is refused, never followed."""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from host.errors import BadInput
from host.operator_code import builtin_code
from model_gen.codegen.tflite.graph import ITEM_BYTES, Array, Graph, Op, Quantization, Tensor
from model_gen.codegen.tflite.options import CallOnceOptions, read_options
from model_gen.codegen.tflite.sparse import densified
from model_gen.codegen.tflite.variables import own_state, with_states

IDENTIFIER = b"TFL3"
MAX_DIMENSIONS = 8
MAX_ELEMENTS = 1 << 30

_TYPE_NAMES = {
    getattr(tflite.TensorType, name): name.lower()
    for name in dir(tflite.TensorType)
    if not name.startswith("_")
}
# What the accessors raise when an offset leads outside, or to something that is not what it should be.
_PARSER_ERRORS = (
    struct.error,
    IndexError,
    KeyError,
    ValueError,
    TypeError,
    OverflowError,
    AttributeError,
    AssertionError,
    MemoryError,
)


class _Malformed(ValueError):
    """Something in the file contradicts the schema or the rest of the file."""


def read_tflite(data: bytes) -> Graph:
    """The graph of a .tflite.

    Raises:
        BadInput: the bytes are not a TensorFlow Lite model, are truncated, or contradict themselves; or a signature
            starts in another subgraph than the first.
    """
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        raise BadInput(
            "expected a TensorFlow Lite model (identifier TFL3)",
            evidence=f"Received: {len(data)} bytes beginning with {data[:8]!r}",
            next_step="give the path of a .tflite that the converter wrote",
        )
    try:
        return _Reader(data).graph()
    except _PARSER_ERRORS as error:
        raise BadInput(
            "the .tflite is truncated or damaged",
            evidence=f"Received: {len(data)} bytes; {type(error).__name__}: {error}",
            next_step="copy or convert the model again",
        ) from error


class _Reader:
    """Walks the accessors; every count is bounded by the file's size before anything is looped over."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._model = tflite.Model.GetRootAs(data, 0)

    def graph(self) -> Graph:
        if self._count(self._model.SubgraphsLength(), "subgraphs") == 0:
            raise _Malformed("the model has no subgraph")
        self._refuse_other_signatures()
        # Others are reached by control flow, and an op that calls one is refused by its name; or they run once.
        graph = self._subgraph(0)
        _check_wiring(graph)
        return with_states(graph, self._once(graph))

    def _once(self, graph: Graph) -> tuple[Graph, ...]:
        """The subgraphs that run before the first inference, in their order."""
        found = []
        for op in graph.ops:
            if isinstance(op.options, CallOnceOptions):
                number = op.options.subgraph
                if not 0 < number < self._model.SubgraphsLength():
                    raise _Malformed(f"op {op.index}, {op.name}, calls subgraph {number}")
                found.append(self._subgraph(number))
                _check_order(found[-1])
        return tuple(found)

    def _subgraph(self, number: int) -> Graph:
        subgraph = self._model.Subgraphs(number)
        codes = self._op_codes()
        tensors = tuple(
            self._tensor(i, subgraph.Tensors(i))
            for i in range(self._count(subgraph.TensorsLength(), "tensors"))
        )
        ops = tuple(
            self._op(i, subgraph.Operators(i), codes, len(tensors))
            for i in range(self._count(subgraph.OperatorsLength(), "operators"))
        )
        used = {index for op in ops for index in op.inputs}
        known = {tensor.index for tensor in tensors if tensor.opaque}
        return Graph(
            tensors,
            ops,
            inputs=_indices(subgraph.InputsAsNumpy()),
            outputs=_indices(subgraph.OutputsAsNumpy()),
            states=tuple(
                own_state(tensor)
                for tensor in tensors
                if tensor.index in used - known and subgraph.Tensors(tensor.index).IsVariable()
            ),
        )

    def _refuse_other_signatures(self) -> None:
        """The reference runs subgraph 0; who converted several functions must say which one is meant."""
        found = {}
        for i in range(self._count(self._model.SignatureDefsLength(), "signatures")):
            signature = self._model.SignatureDefs(i)
            found[_text(signature.SignatureKey())] = signature.SubgraphIndex()
        if any(found.values()):
            listed = ", ".join(f"'{key}' of subgraph {number}" for key, number in found.items())
            raise BadInput(
                "a model must have one function, but its signatures start in several subgraphs",
                evidence=f"Received: {listed}",
                next_step="convert the function that the board shall run alone",
            )

    def _count(self, length: int, what: str) -> int:
        """A vector of offsets takes 4 bytes an element, and each must lie in the file."""
        if not 0 <= length * 4 <= len(self._data):
            raise _Malformed(f"{length} {what} cannot lie in this file")
        return length

    def _op_codes(self) -> list[str]:
        names = []
        for i in range(self._count(self._model.OperatorCodesLength(), "operator codes")):
            code = self._model.OperatorCodes(i)
            number = builtin_code(code)
            name = tflite.utils.BUILTIN_OPCODE2NAME.get(number, f"BUILTIN_{number}")
            if name == "CUSTOM":
                name = f"CUSTOM:{_text(code.CustomCode())}"
            names.append(name)
        return names

    def _tensor(self, index: int, raw: Any) -> Tensor:
        name = _text(raw.Name())
        shape = _indices(raw.ShapeAsNumpy())
        if len(shape) > MAX_DIMENSIONS or any(d < 0 for d in shape):
            raise _Malformed(f"tensor {index} '{name}' has the shape {shape[:16]}")
        elements = 1
        for dimension in shape:
            elements *= dimension
        if elements > MAX_ELEMENTS:
            raise _Malformed(f"tensor {index} '{name}' has {elements} elements")
        dtype = _TYPE_NAMES.get(raw.Type(), f"type {raw.Type()}")
        if raw.Sparsity() is not None:
            dtype = f"sparse {dtype}"
        signature = _indices(raw.ShapeSignatureAsNumpy())
        content = self._content(index, raw.Buffer(), elements)
        if raw.IsVariable() and content is not None:
            raise _Malformed(f"tensor {index} '{name}' is a variable and has a constant content")
        return Tensor(
            index,
            name,
            shape,
            dtype,
            _quantization(index, raw.Quantization(), shape),
            _sparse_or_dense(index, raw, content, shape, dtype),
            tuple(d for d, size in enumerate(signature) if size < 0),
            opaque=dtype not in ITEM_BYTES and (content is not None or bool(raw.IsVariable())),
        )

    def _content(self, index: int, number: int, elements: int) -> npt.NDArray[np.uint8] | None:
        """The bytes of a constant, or None: buffer 0 and buffers without data belong to computed tensors."""
        if not 0 <= number < self._count(self._model.BuffersLength(), "buffers"):
            raise _Malformed(f"tensor {index} names buffer {number}, which does not exist")
        buffer = self._model.Buffers(number)
        if buffer.Offset() > 1 or buffer.Size() > 1:
            raise _Malformed(f"buffer {number} lies outside the flatbuffer (a model over 2 GB)")
        if number == 0 or buffer.DataIsNone() or (buffer.DataLength() == 0 and elements > 0):
            return None
        raw: npt.NDArray[np.uint8] = buffer.DataAsNumpy()
        return raw

    def _op(self, index: int, raw: Any, codes: list[str], tensors: int) -> Op:
        if raw.OpcodeIndex() >= len(codes):
            raise _Malformed(f"op {index} has the operator code {raw.OpcodeIndex()}")
        name = codes[raw.OpcodeIndex()]
        options = read_options(name, raw.BuiltinOptions() if raw.BuiltinOptionsType() else None)
        if options is None:
            raise _Malformed(f"op {index}, {name}, lacks its options")
        intermediates = _indices(raw.IntermediatesAsNumpy())
        if any(not 0 <= place < tensors for place in intermediates):
            raise _Malformed(f"op {index}, {name}, has the intermediate tensors {intermediates}")
        inputs, outputs = _indices(raw.InputsAsNumpy()), _indices(raw.OutputsAsNumpy())
        return Op(index, name, inputs, outputs, options, intermediates)


def _indices(vector: Any) -> tuple[int, ...]:
    """An int32 vector as Python integers; the accessors give 0 for an absent one."""
    return () if isinstance(vector, int) else tuple(int(v) for v in vector)


def _sparse_or_dense(
    index: int,
    raw: Any,
    content: npt.NDArray[np.uint8] | None,
    shape: tuple[int, ...],
    dtype: str,
) -> Array | None:
    """A constant as a dense array; None where it is none, or not read: of another type, or sparse in a way that
    contradicts itself, which is refused with the op that uses it."""
    if content is None:
        return None
    stored = dtype.removeprefix("sparse ")
    if raw.Sparsity() is None or stored not in ITEM_BYTES:
        return _value(index, content, shape, dtype)
    try:
        values = np.frombuffer(content.tobytes(), np.dtype(stored).newbyteorder("<"))
        return densified(raw.Sparsity(), values, shape)
    except _PARSER_ERRORS:
        return None


def _value(
    index: int, content: npt.NDArray[np.uint8], shape: tuple[int, ...], dtype: str
) -> Array | None:
    """A constant as an array; None for a type that is not read."""
    if dtype not in ITEM_BYTES:
        return None
    expected = int(np.prod(shape, dtype=np.int64)) * ITEM_BYTES[dtype]
    # Of a longer one TFLite would take the first bytes, which are other weights than were meant.
    if content.size > expected:
        raise BadInput(
            f"tensor {index}, {dtype} {list(shape)}, must have a buffer of {expected:,} bytes: a longer one holds the "
            "weights in an order of somebody's own kernels",
            evidence=f"Received: {content.size:,} bytes",
            next_step="give the .tflite as the converter wrote it, before a vendor's tool laid its weights out",
        )
    if content.size != expected:
        raise _Malformed(
            f"tensor {index}, {dtype} {list(shape)}, has a buffer of {content.size} bytes"
        )
    # The schema is little-endian; a copy is aligned, whatever the file's offsets are.
    return np.frombuffer(content.tobytes(), np.dtype(dtype).newbyteorder("<")).reshape(shape)


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", errors="replace")


def _quantization(index: int, raw: Any, shape: tuple[int, ...]) -> Quantization | None:
    if raw is None or raw.ScaleIsNone() or raw.ScaleLength() == 0:
        return None
    scales = tuple(float(s) for s in raw.ScaleAsNumpy())
    zero_points = _indices(raw.ZeroPointAsNumpy()) or (0,) * len(scales)
    # The axis of a bias is often copied from its four-dimensional weights; one dimension has no other axis than 0.
    axis = 0 if len(shape) == 1 else raw.QuantizedDimension()
    if len(zero_points) == 1:
        zero_points *= len(scales)
    if len(zero_points) != len(scales):
        raise _Malformed(f"tensor {index} has {len(scales)} scales, {len(zero_points)} zero points")
    if not all(np.isfinite(s) and s >= 0 for s in scales):
        raise _Malformed(f"tensor {index} has a scale that is negative or not finite")
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        raise _Malformed(f"tensor {index} has {len(scales)} scales on axis {axis} of {shape}")
    return Quantization(scales, zero_points, axis)


def _check_wiring(graph: Graph) -> None:
    """Inputs and outputs are there, and what `_check_order` says."""
    if not graph.inputs or not graph.outputs:
        raise BadInput(
            "a model must have an input and an output",
            evidence=f"Received: inputs {list(graph.inputs)}, outputs {list(graph.outputs)}",
            next_step="convert the function that takes the chunk or its spectrogram and returns scores",
        )
    if len(set(graph.inputs)) != len(graph.inputs):
        raise _Malformed("a tensor is listed twice among the model's inputs")
    known = _check_order(graph)
    for index in graph.outputs:
        if index not in known:
            raise _Malformed(f"output {index} is never written")


def _check_order(graph: Graph) -> set[int]:
    """Every index exists, every tensor is written once and before it is read, nothing constant is written.

    Returns:
        The tensors that hold something in the end.
    """
    count = len(graph.tensors)
    constant = {t.index for t in graph.tensors if t.value is not None or t.opaque} | graph.kept
    known = set(constant)
    for index in graph.inputs:
        if not 0 <= index < count or index in constant:
            raise _Malformed(f"input {index} does not exist or is constant")
        known.add(index)
    for op in graph.ops:
        # A custom op may list memory of its own, which nothing writes; it is refused by its name later.
        readable = range(count) if op.name.startswith("CUSTOM:") else known
        for index in op.inputs:
            if index != -1 and index not in readable:
                raise _Malformed(
                    f"op {op.index}, {op.name}, reads tensor {index} before it is written"
                )
        for index in op.outputs:
            if not 0 <= index < count or index in known:
                raise _Malformed(f"op {op.index}, {op.name}, cannot write tensor {index}")
            known.add(index)
    return known
