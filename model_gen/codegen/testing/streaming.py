"""For tests: a small streaming net, whose variables are wired as those of a streaming wake word."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from model_gen.codegen.testing.models import builder, edited
from model_gen.codegen.testing.single_ops import constant, q, weights, window
from model_gen.codegen.tflite.graph import Array

RING, SUMS = "ring", "sums"  # the variables
FIRST = {
    RING: np.full((1, 4, 1, 3), -5, np.int8),
    SUMS: np.array([-20, 3, 0, 90], np.int8).reshape(1, 1, 1, 4),
}
_INPUT, _RING, _HELD, _LONG, _KEPT, _MADE, _SUMS, _BEFORE, _SUM = 0, 1, 2, 3, 7, 10, 11, 12, 13


def streaming_net(first: dict[str, Array] | None = None, *, wrong: str = "") -> bytes:
    """int8 [1, 2, 1, 3] goes into a ring of 4 places; a convolution over all 6 is added to running sums, the output.

    first: the first values of the variables, FIRST where None. wrong: "computed", where the first value of the sums is
    that of an ADD; "shape", where the ring shrinks.
    """
    handle = builder().Tensor(())
    sums = q((1, 1, 1, 4), 0.4, 2)
    kept = (1, 3, 1, 3) if wrong == "shape" else (1, 4, 1, 3)
    tensors = [
        *(q((1, 2, 1, 3)), handle, q((1, 4, 1, 3)), q((1, 6, 1, 3))),
        *(
            constant([0, 6 - kept[1], 0, 0]),
            constant([1, 6, 1, 3]),
            constant([1, 1, 1, 1]),
            q(kept),
        ),
        *(weights((4, 6, 1, 3), 0), constant([900, -800, 0, 55]), q((1, 1, 1, 4), 0.1, -4)),
        *(handle, sums, sums),
    ]
    ops: list[Any] = [
        ("CALL_ONCE", [], [], {"CallOnceOptions": {"initSubgraphIndex": 1}}, 1),
        ("VAR_HANDLE", [], [_RING], {"VarHandleOptions": {"sharedName": RING}}, 1),
        ("VAR_HANDLE", [], [_SUMS], {"VarHandleOptions": {"sharedName": SUMS}}, 1),
        ("READ_VARIABLE", [_RING], [_HELD], None, 1),
        ("READ_VARIABLE", [_SUMS], [_BEFORE], None, 1),
        ("CONCATENATION", [_HELD, _INPUT], [_LONG], {"ConcatenationOptions": {"axis": 1}}, 2),
        ("STRIDED_SLICE", [_LONG, 4, 5, 6], [_KEPT], {"StridedSliceOptions": {}}, 2),
        ("ASSIGN_VARIABLE", [_RING, _KEPT], [], None, 1),
        ("CONV_2D", [_LONG, 8, 9], [_MADE], {"Conv2DOptions": window(padding=1)}, 3),
        ("ADD", [_BEFORE, _MADE], [_SUM], {"AddOptions": {}}, 2),
        ("ASSIGN_VARIABLE", [_SUMS, _SUM], [], None, 1),
    ]
    content = bytes(builder().model(ops, tensors))
    values = FIRST if first is None else first

    def more(model: Any, schema: Any) -> None:
        graph = model.subgraphs[0]
        for place in (_RING, _SUMS):
            graph.tensors[place].type = schema.TensorType.RESOURCE
        graph.outputs = np.array([_SUM], np.int32)
        model.subgraphs.append(_first_values(model, schema, values, computed=wrong == "computed"))

    return edited(content, more)


def _first_values(model: Any, schema: Any, values: dict[str, Array], *, computed: bool) -> Any:
    """The subgraph that assigns them, of ops whose codes and options the first subgraph has already."""
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = [], []
    graph.inputs = graph.outputs = np.zeros(0, np.int32)

    def op(like: int, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        made = schema.OperatorT()
        before = model.subgraphs[0].operators[like]
        made.opcodeIndex = before.opcodeIndex
        made.builtinOptionsType, made.builtinOptions = (
            before.builtinOptionsType,
            before.builtinOptions,
        )
        made.inputs, made.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        graph.operators.append(made)

    def tensor(like: int, value: Array | None) -> int:
        made = schema.TensorT()
        before = model.subgraphs[0].tensors[like]
        made.name, made.shape, made.type = f"first{len(graph.tensors)}", before.shape, before.type
        made.quantization, made.buffer = before.quantization, 0
        if value is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(value.tobytes(), np.uint8)
            made.buffer = len(model.buffers)
            model.buffers.append(buffer)
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    for name, handle, like, opened, assigned in (
        (RING, _RING, _HELD, 1, 7),
        (SUMS, _SUMS, _BEFORE, 2, 10),
    ):
        if name not in values:
            continue
        place, value = tensor(handle, None), tensor(like, values[name])
        if computed and name == SUMS:
            twice = tensor(like, None)
            op(9, [value, value], [twice])
            value = twice
        op(opened, [], [place])
        op(assigned, [place, value], [])
    return graph


def svdf_net(
    *,
    batches: int = 1,
    units: int = 5,
    rank: int = 2,
    memory: int = 6,
    bias: bool = True,
    activation: int = 1,
    dtype: str = "int16",
) -> bytes:
    """SVDF of int8 [batches, 19], with its own memory of `dtype`."""
    generator = np.random.default_rng(7)
    filters, tensor = units * rank, builder().Tensor
    features = generator.integers(-127, 128, (filters, 19)).astype(np.int8)
    time = generator.integers(-32767, 32768, (filters, memory)).astype(np.int16)
    biases = generator.integers(-(10**6), 10**6, units).astype(np.int32)
    tensors = [
        tensor((batches, 19), 0.0517, 3),
        tensor((filters, 19), 0.00313, data=features),
        tensor((filters, memory), 0.000113, data=time, dtype="int16"),
        tensor((units,), 1e-7, data=biases, dtype="int32"),
        tensor((batches, filters * memory), 0.00207, dtype=dtype),
        tensor((batches, units), 3.1, -100),
    ]
    options = {"SVDFOptions": {"rank": rank, "fusedActivationFunction": activation}}
    op: Any = ("SVDF", [0, 1, 2, 3 if bias else -1, 4], [5], options, 3)

    def keep(model: Any, _: Any) -> None:
        model.subgraphs[0].tensors[4].isVariable = True
        model.subgraphs[0].inputs = np.array([0], np.int32)

    return edited(bytes(builder().model([op], tensors)), keep)
