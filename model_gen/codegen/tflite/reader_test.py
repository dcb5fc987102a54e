"""The reader on whole, truncated and hostile files: a graph or BadInput, nothing else."""

import random
from typing import Any

import numpy as np
import pytest

from host.compare.layers import read_structure
from host.errors import BadInput
from host.reference.model import ReferenceModel
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.testing import keras_models
from model_gen.codegen.testing.models import builder, changed, edited, rewired, single
from model_gen.codegen.testing.single_ops import q, weights, window
from model_gen.codegen.tflite.options import WindowOptions
from model_gen.codegen.tflite.reader import read_tflite


@pytest.fixture(scope="module")
def model() -> bytes:
    return keras_models.quantized("mobile")


def accepted(content: bytes) -> bool:
    try:
        plan_model(content)
    except BadInput:
        return False
    return True


def test_reads_options_constants_and_wiring(model: bytes) -> None:
    graph = read_tflite(model)
    pad, conv = graph.ops[0], graph.ops[1]
    assert (pad.name, conv.name) == ("PAD", "CONV_2D")
    assert conv.options == WindowOptions("VALID", (2, 2), activation="RELU6")
    weights = graph.tensors[conv.inputs[1]]
    assert weights.value is not None
    assert weights.value.shape == weights.shape == (8, 3, 3, 3)
    assert weights.quantization is not None
    assert len(weights.quantization.scales) == 8
    assert graph.tensors[graph.inputs[0]].value is None


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x00" * 64, b"\x1c\x00\x00\x00TFL3"])
def test_not_a_model(content: bytes) -> None:
    assert not accepted(content)


def test_every_truncation_is_refused(model: bytes) -> None:
    for length in range(0, len(model), 61):
        assert not accepted(model[:length]), length


def test_damaged_bytes_never_crash_or_hang(model: bytes) -> None:
    generator = random.Random(20)
    refused = 0
    for _ in range(600):
        content = bytearray(model)
        for _ in range(generator.choice((1, 1, 3, 12))):
            content[generator.randrange(len(content))] = generator.choice(
                (0, 1, 127, 128, 255, generator.randrange(256))
            )
        refused += not accepted(bytes(content))
    assert refused > 50  # the damage was felt


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [([0], [99]), ([99], [1]), ([0, 0], [1]), ([0], []), ([], [1]), ([1], [1]), ([0], [-1])],
)
def test_impossible_wiring_is_refused(inputs: list[int], outputs: list[int]) -> None:
    tensors = [builder().Tensor((1, 4), 0.1), builder().Tensor((1, 4), 0.1)]
    good = builder().model([("RELU", [0], [1], None, 1)], tensors)
    assert accepted(good)
    assert not accepted(rewired(good, inputs=inputs, outputs=outputs))


def test_ops_out_of_order_are_refused() -> None:
    tensors = [builder().Tensor((1, 4), 0.1) for _ in range(3)]
    late = [("RELU", [1], [2], None, 1), ("RELU", [0], [1], None, 1)]
    cycle: list[Any] = [("ADD", [0, 2], [1], {"AddOptions": {}}, 1), ("RELU", [1], [2], None, 1)]
    for ops in (late, cycle):
        model = rewired(builder().model(ops, tensors), inputs=[0], outputs=[2])
        with pytest.raises(BadInput) as caught:
            plan_model(model)
        assert "before it is written" in caught.value.evidence


def test_absurd_shapes_are_refused() -> None:
    tensors = [builder().Tensor((1, 1 << 20), 0.1), builder().Tensor((1 << 20, 1), 0.1)]
    tensors.append(builder().Tensor((1 << 20, 1 << 20), 0.1))
    model = builder().model([("MUL", [0, 1], [2], {"MulOptions": {}}, 1)], tensors)
    assert not accepted(model)


@pytest.mark.parametrize("kind", ["sparse", "int4", "kept"])
def test_contents_that_are_not_read_are_refused_by_op_and_tensor(kind: str) -> None:
    """Not as a damaged file: the file is whole, and the op that uses the tensor is what is not taken."""

    def change(tensor: Any, schema: Any) -> None:
        if kind == "sparse":
            tensor.sparsity = schema.SparsityParametersT()
        elif kind == "int4":
            tensor.type = schema.TensorType.INT4
        else:
            tensor.isVariable, tensor.buffer = True, 0

    weights = builder().Tensor((3, 4), 0.1, data=np.ones((3, 4), np.int8))
    tensors = [builder().Tensor((1, 4), 0.1), weights, builder().Tensor((1, 3), 0.1)]
    op: Any = ("FULLY_CONNECTED", [0, 1, -1], [2], {"FullyConnectedOptions": {}}, 1)
    model = changed(rewired(builder().model([op], tensors), inputs=[0], outputs=[2]), 1, change)
    why = "is not constant" if kind == "kept" else "int8 weights, not"
    with pytest.raises(BadInput, match=f"op 0, FULLY_CONNECTED: .*{why}") as caught:
        plan_model(model)
    assert f"1: {'int8' if kind == 'kept' else kind}" in caught.value.evidence


def test_axis_that_a_bias_copied_from_its_weights_is_ignored() -> None:
    bias = builder().Tensor((4,), [0.1] * 4, data=np.arange(4), dtype="int32", axis=3)
    operands = [q((1, 5, 5, 4)), weights((1, 3, 3, 4), 3), bias]
    options = {"DepthwiseConv2DOptions": window(depthMultiplier=1)}
    quantization = (
        read_tflite(single("DEPTHWISE_CONV_2D", operands, q((1, 5, 5, 4)), options))
        .tensors[2]
        .quantization
    )
    assert quantization is not None
    assert (len(quantization.scales), quantization.axis) == (4, 0)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("npu", "before a compiler for an NPU"),
        ("FlexErf", "without SELECT_TF_OPS"),
        ("FlexTensorListReserve", "unroll=True"),
        ("SignalRfft", "whose input is the spectrogram"),
        ("TFLite_Detection_PostProcess", "end the model before this op"),
    ],
)
def test_custom_op_is_refused_by_its_code_though_it_lists_memory_of_its_own(
    code: str, said: str
) -> None:
    """As an NPU's compiler leaves it: a command stream, and scratch tensors that nothing writes."""

    def customize(model: Any, schema: Any) -> None:
        known = model.operatorCodes[0]
        known.builtinCode = schema.BuiltinOperator.CUSTOM
        known.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        known.customCode = code

    tensors = [q((1, 4)), q((1, 4)), q((1, 4))]
    made = builder().model([("ADD", [0, 1], [2], {"AddOptions": {}}, 1)], tensors)
    model = edited(rewired(made, inputs=[0]), customize)
    with pytest.raises(BadInput, match=f"op 0, CUSTOM:{code}: a custom op") as caught:
        plan_model(model)
    assert said in caught.value.next_step


def test_a_loop_over_time_is_refused_with_how_to_have_none() -> None:
    """What a converter makes of a GRU that is not unrolled."""

    def loop(model: Any, schema: Any) -> None:
        code = model.operatorCodes[0]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.WHILE

    made = edited(single("RELU", [q((1, 4))], q((1, 4))), loop)
    with pytest.raises(BadInput, match="op 0, WHILE: backend cm55 does not know") as caught:
        plan_model(made)
    assert "unroll=True" in caught.value.next_step


def test_weights_in_a_longer_buffer_are_refused_as_somebodys_own_order(model: bytes) -> None:
    """As a vendor's tool leaves them, rows filled up: TFLite takes the first bytes, other weights than were meant."""
    used = next(
        t.index for t in read_tflite(model).tensors if t.dtype == "int8" and t.value is not None
    )

    def pad(content: Any, _schema: Any) -> None:
        buffer = content.buffers[content.subgraphs[0].tensors[used].buffer]
        buffer.data = np.append(buffer.data, np.zeros(8, np.uint8))

    with pytest.raises(BadInput, match="order of somebody's own kernels") as caught:
        read_tflite(edited(model, pad))
    assert "as the converter wrote it" in caught.value.next_step


def with_second_function(signatures: dict[str, int]) -> bytes:
    def add(model: Any, schema: Any) -> None:
        model.subgraphs.append(model.subgraphs[0])
        model.signatureDefs = []
        for key, number in signatures.items():
            definition = schema.SignatureDefT()
            definition.signatureKey, definition.subgraphIndex = key, number
            model.signatureDefs.append(definition)

    return edited(single("RELU", [q((1, 4))], q((1, 4))), add)


def test_subgraph_that_nothing_reaches_is_not_looked_at() -> None:
    assert len(read_tflite(with_second_function({"serving_default": 0, "again": 0})).ops) == 1


def test_functions_to_choose_from_are_refused_by_name() -> None:
    with pytest.raises(BadInput, match="several subgraphs") as caught:
        read_tflite(with_second_function({"infer": 0, "train": 1}))
    assert caught.value.evidence == "Received: 'infer' of subgraph 0, 'train' of subgraph 1"


def test_op_that_calls_a_subgraph_is_refused_by_its_name() -> None:
    def call(model: Any, schema: Any) -> None:
        model.subgraphs.append(model.subgraphs[0])

    options = {"IfOptions": {"thenSubgraphIndex": 1, "elseSubgraphIndex": 1}}
    condition = builder().Tensor((1,), data=np.array([1]), dtype="int32")
    with pytest.raises(BadInput, match="op 0, IF: backend cm55 does not know this op"):
        plan_model(edited(single("IF", [condition, q((1, 4))], q((1, 4)), options), call))


def test_model_without_an_input_is_refused_as_such() -> None:
    known = builder().Tensor((1, 3), 0.05, 0, data=np.array([[1, 2, 3]], np.int8))
    with pytest.raises(BadInput, match="must have an input and an output"):
        read_tflite(single("RELU", [known], q((1, 3))))


@pytest.mark.parametrize("of", ["deprecatedBuiltinCode", "builtinCode"])
def test_an_op_is_known_by_either_field_of_its_code(of: str) -> None:
    """As files are that another tool than the converter packed: one field is left at its default, 0."""
    options = {"Pool2DOptions": window(filterHeight=2, filterWidth=2)}
    model = single("MAX_POOL_2D", [q((1, 4, 4, 2))], q((1, 3, 3, 2)), options)
    one = edited(model, lambda content, _: setattr(content.operatorCodes[0], of, 0))
    assert one != model
    assert [op.name for op in read_tflite(one).ops] == ["MAX_POOL_2D"]
    assert [layer.op for layer in read_structure(one).layers] == ["MAX_POOL_2D"]
    assert ReferenceModel(one).ops == ReferenceModel(model).ops
