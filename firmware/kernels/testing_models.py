"""Single-operator .tflite models with exact scales, and the two references that judge the kernels.

No converter is involved: the flatbuffer is packed directly, so that a test states every scale itself.

    model = single_op("ADD", [a, b, out], inputs=[0, 1], outputs=[2], options={"AddOptions": {}})
    got = run_tflite(model, [x, y])

SPDX-License-Identifier: MIT
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

_TYPES = {"float32": 0, "int32": 2, "uint8": 3, "bool": 6, "int8": 9, "int64": 4, "int16": 7}


@dataclass(frozen=True)
class Tensor:
    """A tensor of the model; constant when `data` is given.

    Attributes:
        shape: dimensions.
        scale: one float32 scale, or one a channel along `axis`; None for no quantization.
        zero_point: in steps, the same for all channels.
        data: the constant's values, of `shape` and `dtype`.
        dtype: "int8", "uint8", "int32", "int64" or "float32".
        axis: the quantized dimension when there is a scale a channel.
    """

    shape: tuple[int, ...]
    scale: float | Sequence[float] | None = None
    zero_point: int = 0
    data: NDArray[Any] | None = None
    dtype: str = "int8"
    axis: int = 0


def _schema() -> Any:
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    from tensorflow.lite.python import schema_py_generated

    return schema_py_generated


def single_op(
    operator: str,
    tensors: Sequence[Tensor],
    inputs: Sequence[int],
    outputs: Sequence[int],
    options: Mapping[str, Mapping[str, Any]] | None = None,
    version: int = 1,
) -> bytes:
    """Returns a .tflite of one `operator` (a BuiltinOperator name).

    Args:
        operator: for example "CONV_2D".
        tensors: all tensors; the constants among `inputs` are those that have data.
        inputs: indices into tensors, -1 for an absent optional one.
        outputs: indices into tensors.
        options: the options table's name and its fields, for example {"AddOptions": {}}.
        version: the operator's version.
    """
    return model([(operator, inputs, outputs, options, version)], tensors)


def model(
    operators: Sequence[
        tuple[str, Sequence[int], Sequence[int], Mapping[str, Mapping[str, Any]] | None, int]
    ],
    tensors: Sequence[Tensor],
) -> bytes:
    """Returns a .tflite of several operators: (name, inputs, outputs, options, version) each.

    The model's inputs are the tensors without data that no operator writes, its outputs those that none reads.
    """
    schema = _schema()
    graph = schema.SubGraphT()
    result = schema.ModelT()
    result.version = 3
    result.description = "nightjar test"
    result.buffers = [schema.BufferT()]
    graph.tensors = [_tensor(schema, result, i, tensor) for i, tensor in enumerate(tensors)]
    result.operatorCodes = []
    graph.operators = []
    for name, ins, outs, options, version in operators:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version
        operator = schema.OperatorT()
        operator.opcodeIndex = len(result.operatorCodes)
        result.operatorCodes.append(code)
        operator.inputs = np.array(ins, np.int32)
        operator.outputs = np.array(outs, np.int32)
        for table, fields in (options or {}).items():
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            operator.builtinOptions = getattr(schema, table + "T")()
            for field, value in fields.items():
                if not hasattr(operator.builtinOptions, field):
                    raise ValueError(f"{table} has no such field. Received: {field}")
                setattr(operator.builtinOptions, field, value)
        graph.operators.append(operator)
    written = {i for _, _, outs, _, _ in operators for i in outs}
    read = {i for _, ins, _, _, _ in operators for i in ins}
    graph.inputs = np.array(
        sorted(i for i in read - written if i >= 0 and tensors[i].data is None), np.int32
    )
    graph.outputs = np.array(sorted(written - read), np.int32)
    result.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(result.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(schema: Any, result: Any, index: int, tensor: Tensor) -> Any:
    packed = schema.TensorT()
    packed.name = f"t{index}"
    packed.shape = np.array(tensor.shape, np.int32)
    packed.type = _TYPES[tensor.dtype]
    packed.buffer = 0
    if tensor.data is not None:
        buffer = schema.BufferT()
        raw = np.ascontiguousarray(tensor.data, tensor.dtype).tobytes()
        buffer.data = np.frombuffer(raw, np.uint8)
        packed.buffer = len(result.buffers)
        result.buffers.append(buffer)
    if tensor.scale is not None:
        scales = np.atleast_1d(np.array(tensor.scale, np.float32))
        packed.quantization = schema.QuantizationParametersT()
        packed.quantization.scale = scales
        packed.quantization.zeroPoint = np.full(len(scales), tensor.zero_point, np.int64)
        packed.quantization.quantizedDimension = tensor.axis
    return packed


def run_tflite(content: bytes, inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Runs the pinned TensorFlow's reference kernels (BUILTIN_REF) and returns the only output."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # tf.lite.Interpreter moves to LiteRT some day
        interpreter = tf.lite.Interpreter(
            model_content=content,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
            experimental_preserve_all_tensors=True,
            num_threads=1,
        )
    interpreter.allocate_tensors()
    for details, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(details["index"], value)
    interpreter.invoke()
    result: NDArray[Any] = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return result


def run_tflm(content: bytes, inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Runs tflite-micro's interpreter and returns the only output."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(content, arena_size=1 << 20)
    for i, value in enumerate(inputs):
        interpreter.set_input(value, i)
    interpreter.invoke()
    result: NDArray[Any] = interpreter.get_output(0)
    return result
