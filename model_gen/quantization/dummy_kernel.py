"""One more kernel in a convolution of a .tflite, whose output is dropped: the function stays."""

import numpy as np

from host.errors import BadInput
from host.npu.compiler.constant import Integers
from model_gen.codegen.tflite.reader import read_tflite

TAKEN = ("CONV_2D", "FULLY_CONNECTED")
_W_MAX = 127


def kernel_of_sum(total: int, shape: tuple[int, ...]) -> Integers:
    """int8 weights of `shape` that sum to `total`.

    Raises:
        BadInput: they are too few.
    """
    row = np.zeros(int(np.prod(shape)), np.int8)
    full, rest = divmod(total, _W_MAX)
    if full + bool(rest) > row.size:
        raise BadInput(
            "a kernel must have enough weights for the sum",
            evidence=f"Received: {row.size} weights of at most {_W_MAX}, a sum of {total}",
            next_step="divide the layer into groups of channels instead",
        )
    row[:full] = _W_MAX
    if rest:
        row[full] = rest
    return np.asarray(row.reshape(shape))


def with_dummy_kernel(content: bytes, op: int, total: int) -> bytes:
    """The model with a further kernel in an op, and a SLICE behind it that drops its output.

    Every other output is computed from the same weights, so the model's outputs are the same bytes.

    Args:
        content: a .tflite.
        op: the index of a CONV_2D or FULLY_CONNECTED of int8 with constant weights.
        total: what the kernel's weights sum to.

    Raises:
        BadInput: the op is none of these, or has too few weights for such a sum.
    """
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    graph = read_tflite(content)
    known = graph.ops[op]
    weights = graph.tensors[known.inputs[1]] if len(known.inputs) > 1 else None
    if known.name not in TAKEN or weights is None or weights.value is None:
        raise BadInput(
            "a dummy kernel needs a CONV_2D or FULLY_CONNECTED with constant weights",
            evidence=f"Received: op {op}, {known.name}",
            next_step="leave this op out: another kind needs groups of channels or other weights",
        )
    row = kernel_of_sum(total, weights.shape[1:])

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    subgraph = model.subgraphs[0]
    changed = subgraph.operators[op]

    def buffer(values: object) -> int:
        made = schema.BufferT()
        made.data = np.frombuffer(np.asarray(values).tobytes(), np.uint8)
        model.buffers.append(made)
        return len(model.buffers) - 1

    def copied(index: int, name: str) -> int:
        old = subgraph.tensors[index]
        made = schema.TensorT()
        made.name, made.type, made.buffer = f"{name}{index}".encode(), old.type, 0
        made.shape, made.shapeSignature = np.array(old.shape, np.int32), None
        made.quantization = _grown(old.quantization, schema)
        subgraph.tensors.append(made)
        return len(subgraph.tensors) - 1

    grown = copied(known.inputs[1], "dummy_weights_")
    subgraph.tensors[grown].shape[0] += 1
    subgraph.tensors[grown].buffer = buffer(np.concatenate([weights.value, row[None]]))
    changed.inputs = np.array(changed.inputs, np.int32)
    changed.inputs[1] = grown
    if len(known.inputs) > 2 and known.inputs[2] >= 0:
        bias = graph.tensors[known.inputs[2]]
        assert bias.value is not None
        grown = copied(known.inputs[2], "dummy_bias_")
        subgraph.tensors[grown].shape[0] += 1
        subgraph.tensors[grown].buffer = buffer(np.append(bias.value, bias.value.dtype.type(0)))
        changed.inputs[2] = grown

    output = known.outputs[0]
    wide = len(subgraph.tensors)
    old = subgraph.tensors[output]
    made = schema.TensorT()
    made.name, made.type, made.buffer = f"dummy_output_{output}".encode(), old.type, 0
    made.shape, made.quantization = np.array(old.shape, np.int32), old.quantization
    made.shape[-1] += 1
    subgraph.tensors.append(made)
    changed.outputs = np.array([wide], np.int32)

    places = [np.zeros(len(old.shape), np.int32), np.array(old.shape, np.int32)]
    ends = []
    for name, values in zip(("begin", "size"), places, strict=True):
        tensor = schema.TensorT()
        tensor.name, tensor.type = f"dummy_{name}_{output}".encode(), schema.TensorType.INT32
        tensor.shape, tensor.buffer = np.array([values.size], np.int32), buffer(values)
        subgraph.tensors.append(tensor)
        ends.append(len(subgraph.tensors) - 1)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SLICE
    code.version = 2  # of int8
    model.operatorCodes.append(code)
    drop = schema.OperatorT()
    drop.opcodeIndex = len(model.operatorCodes) - 1
    drop.inputs = np.array([wide, *ends], np.int32)
    drop.outputs = np.array([output], np.int32)
    drop.builtinOptionsType = schema.BuiltinOptions.SliceOptions
    drop.builtinOptions = schema.SliceOptionsT()
    subgraph.operators.insert(op + 1, drop)
    packed = flatbuffers.Builder(1024)
    packed.Finish(model.Pack(packed), b"TFL3")
    return bytes(packed.Output())


def _grown(old: object, schema: object) -> object:
    """A quantization with one more channel, of the smallest scale: no multiplier grows by it."""
    import copy

    made = copy.deepcopy(old)
    if len(made.scale) > 1:  # type: ignore[attr-defined]
        made.scale = np.append(made.scale, np.min(made.scale))  # type: ignore[attr-defined]
        made.zeroPoint = np.append(made.zeroPoint, np.int64(0))  # type: ignore[attr-defined]
    return made
