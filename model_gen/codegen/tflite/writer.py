"""Writes a small .tflite: tensors, ops in order, exact scales. Needs no TensorFlow and no converter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.reader import IDENTIFIER

_VERSION = 3
_MOST_OLD_CODES = 127  # what the schema's first field for an op's code can hold


@dataclass(frozen=True, eq=False)
class TensorSpec:
    """A tensor that is to be written.

    Attributes:
        name: of ASCII characters.
        shape: sizes.
        scales: one for the tensor, or one for each index of `axis`; () is no quantization.
        zero_point: in steps, the same for all scales.
        value: the content of a constant, of `shape` and `dtype`.
        dtype: "int8", "int32" or another that the schema names.
        axis: the quantized dimension where there are several scales.
    """

    name: str
    shape: Shape
    scales: tuple[float, ...] = ()
    zero_point: int = 0
    value: Array | None = None
    dtype: str = "int8"
    axis: int = 0


@dataclass(frozen=True)
class OpSpec:
    """An op that is to be written: tensors by place, -1 for one left out.

    Attributes:
        name: TFLite's, such as "CONV_2D".
        table: of its options in the schema, such as "Conv2DOptions"; "" for none.
        fields: of that table, by the schema's names, such as "StrideH".
        version: of the op; int8 kernels mostly need 2 or 3.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    table: str = ""
    fields: Mapping[str, int | bool] = field(default_factory=dict)
    version: int = 1


def write_tflite(tensors: Sequence[TensorSpec], ops: Sequence[OpSpec]) -> bytes:
    """The bytes of a model; always the same for the same arguments.

    Its inputs are the tensors without a value that no op writes, its outputs those that no op
    reads, both in the order of `tensors`.
    """
    written = {place for op in ops for place in op.outputs}
    read = {place for op in ops for place in op.inputs if place >= 0}
    inputs = sorted(place for place in read - written if tensors[place].value is None)
    build = flatbuffers.Builder(1024)
    constants = [one.value for one in tensors if one.value is not None]
    buffers = [_buffer(build, None), *(_buffer(build, value) for value in constants)]
    places, used = [], 0
    for tensor in tensors:
        used += tensor.value is not None
        places.append(_tensor(build, tensor, used if tensor.value is not None else 0))
    made = [_op(build, op, code) for code, op in enumerate(ops)]
    codes = [_code(build, op) for op in ops]
    lists = {
        "Tensors": _offsets(build, places),
        "Inputs": build.CreateNumpyVector(np.array(inputs, np.int32)),
        "Outputs": build.CreateNumpyVector(np.array(sorted(written - read), np.int32)),
        "Operators": _offsets(build, made),
    }
    graph = _table(build, "SubGraph", lists)
    model = {
        "OperatorCodes": _offsets(build, codes),
        "Subgraphs": _offsets(build, [graph]),
        "Buffers": _offsets(build, buffers),
        "Version": _VERSION,
    }
    build.Finish(_table(build, "Model", model), IDENTIFIER)
    return bytes(build.Output())


def _tensor(build: Any, tensor: TensorSpec, buffer: int) -> int:
    fields: dict[str, Any] = {
        "Shape": build.CreateNumpyVector(np.array(tensor.shape, np.int32)),
        "Type": getattr(tflite.TensorType, tensor.dtype.upper()),
        "Buffer": buffer,
        "Name": build.CreateString(tensor.name),
    }
    if tensor.scales:
        zeros = np.full(len(tensor.scales), tensor.zero_point, np.int64)
        held = {
            "Scale": build.CreateNumpyVector(np.array(tensor.scales, np.float32)),
            "ZeroPoint": build.CreateNumpyVector(zeros),
            "QuantizedDimension": tensor.axis,
        }
        fields["Quantization"] = _table(build, "QuantizationParameters", held)
    return _table(build, "Tensor", fields)


def _buffer(build: Any, value: Array | None) -> int:
    if value is None:
        return _table(build, "Buffer", {})
    raw = np.ascontiguousarray(value).tobytes()
    build.StartVector(1, len(raw), 16)  # kernels read constants in place
    build.head -= len(raw)
    build.Bytes[build.head : build.head + len(raw)] = raw
    return _table(build, "Buffer", {"Data": build.EndVector()})


def _op(build: Any, op: OpSpec, code: int) -> int:
    fields: dict[str, Any] = {
        "OpcodeIndex": code,
        "Inputs": build.CreateNumpyVector(np.array(op.inputs, np.int32)),
        "Outputs": build.CreateNumpyVector(np.array(op.outputs, np.int32)),
    }
    if op.table:
        fields["BuiltinOptions"] = _table(build, op.table, op.fields)
        fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, op.table)
    return _table(build, "Operator", fields)


def _code(build: Any, op: OpSpec) -> int:
    code = getattr(tflite.BuiltinOperator, op.name)
    old = min(code, _MOST_OLD_CODES)
    fields = {"DeprecatedBuiltinCode": old, "Version": op.version, "BuiltinCode": code}
    return _table(build, "OperatorCode", fields)


def _table(build: Any, name: str, fields: Mapping[str, Any]) -> int:
    """A table of the schema; what its fields point to lies in the builder already."""
    getattr(tflite, f"{name}Start")(build)
    for key, value in fields.items():
        getattr(tflite, f"{name}Add{key}")(build, value)
    return int(getattr(tflite, f"{name}End")(build))


def _offsets(build: Any, places: Sequence[int]) -> int:
    build.StartVector(4, len(places), 4)
    for place in reversed(places):
        build.PrependUOffsetTRelative(place)
    return int(build.EndVector())
