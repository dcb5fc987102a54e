"""Generated C against TFLite's reference kernels, every tensor of every op, byte for byte."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.reference.model import ReferenceModel
from model_gen.codegen import testing_keras
from model_gen.codegen.graph import Array
from model_gen.codegen.testing import HostModel
from model_gen.codegen.testing_models import builder, rewired, single

SHARED = Path(__file__).parents[2] / "../shared/data/models"
KWS = SHARED / "mlperf_tiny_kws_int8.tflite"


def random_inputs(reference: ReferenceModel, seed: int) -> list[Array]:
    generator = np.random.default_rng(seed)
    return [
        generator.integers(-128, 128, t.shape, dtype=np.int8)
        if t.dtype == np.int8
        else generator.standard_normal(t.shape, dtype=np.float32)
        for t in reference.inputs
    ]


def check(model: bytes, folder: Path, *, runs: int = 2) -> HostModel:
    """Every observed tensor equals the reference, after its step and after its last step; the rest says why not."""
    reference = ReferenceModel(model)
    host = HostModel(model, folder)
    for seed in range(runs):
        inputs = random_inputs(reference, seed)
        want = reference.run(inputs)
        got = host.run(inputs)
        for op in reference.ops:
            tensor = op.outputs[0]
            if tensor not in got.taps:
                assert host.generated.program.tensors[tensor].value is not None, op
                continue
            for values in (got.taps[tensor], got.late[tensor]):
                assert values.shape == want[tensor].shape, op
                np.testing.assert_array_equal(values, want[tensor], err_msg=str(op))
        for value, port in zip(got.outputs, reference.outputs, strict=True):
            np.testing.assert_array_equal(value, want[port.tensor])
    return host


@pytest.mark.parametrize("name", testing_keras.NAMES)
def test_keras_model_is_exact(name: str, tmp_path: Path) -> None:
    check(testing_keras.quantized(name), tmp_path)


@pytest.mark.skipif(not KWS.exists(), reason="needs ../shared")
def test_mlperf_kws_is_exact(tmp_path: Path) -> None:
    check(KWS.read_bytes(), tmp_path)


def q(shape: tuple[int, ...], scale: float = 0.05, zero_point: int = 3) -> Any:
    return builder().Tensor(shape, scale, zero_point)


def constant(values: Any, dtype: str = "int32") -> Any:
    data = np.array(values, dtype)
    return builder().Tensor(data.shape, data=data, dtype=dtype)


def weights(shape: tuple[int, ...], axis: int | None, seed: int = 5) -> Any:
    generator = np.random.default_rng(seed)
    data = generator.integers(-127, 128, shape).astype(np.int8)
    scale = 0.004 if axis is None else generator.uniform(0.001, 0.01, shape[axis])
    return builder().Tensor(shape, scale, data=data, axis=axis or 0)


def int8_constant(shape: tuple[int, ...], scale: float, zero_point: int) -> Any:
    data = np.random.default_rng(9).integers(-128, 128, shape).astype(np.int8)
    return builder().Tensor(shape, scale, zero_point, data=data)


def _window(**fields: int) -> dict[str, int]:
    return {"padding": 0, "strideH": 1, "strideW": 1, **fields}


def _conv(activation: int) -> bytes:
    options = _window(dilationHFactor=2, dilationWFactor=3, fusedActivationFunction=activation)
    return single(
        "CONV_2D",
        [q((1, 9, 11, 3)), weights((4, 3, 2, 3), 0), constant([900, -800, 0, 55])],
        q((1, 9, 11, 4), 0.02, -7),
        {"Conv2DOptions": options},
    )


def _depthwise(padding: int) -> bytes:
    options = _window(dilationHFactor=2, dilationWFactor=1, padding=padding, depthMultiplier=2)
    bias = constant([-300, 200, 100, 0, 5, 7])
    shape = (1, 9, 8, 6) if padding == 0 else (1, 5, 6, 6)
    return single(
        "DEPTHWISE_CONV_2D",
        [q((1, 9, 8, 3)), weights((1, 3, 3, 6), 3), bias],
        q(shape, 0.03),
        {"DepthwiseConv2DOptions": options},
    )


def _fully_connected(keep: bool, axis: int | None) -> bytes:
    values = np.array([9, -900, 0, 77, 1000], np.int32)
    bias = builder().Tensor((5,), 0.05 * 0.004, data=values, dtype="int32")
    return single(
        "FULLY_CONNECTED",
        [q((2, 3, 10)), weights((5, 10), axis), None if keep else bias],
        q((2, 3, 5) if keep else (6, 5), 0.01, -4),
        {"FullyConnectedOptions": {"keepNumDims": keep, "fusedActivationFunction": 1}},
        version=9,
    )


def _elementwise(op: str, a: tuple[int, ...], b: tuple[int, ...]) -> bytes:
    out = tuple(np.broadcast_shapes(a, b))
    return single(
        op,
        [q(a, 0.05, 3), q(b, 0.11, -9)],
        q(out, 0.09, 12),
        {f"{op.capitalize()}Options": {"fusedActivationFunction": 2 if op == "SUB" else 0}},
    )


def _with_constant() -> bytes:
    return single("MUL", [q((1, 4, 4, 3)), int8_constant((3,), 0.02, 5)], q((1, 4, 4, 3), 0.01))


def _lookup(op: str, scale: float, out_scale: float, zero: int, **options: Any) -> bytes:
    table = {"LeakyReluOptions": options} if options else None
    return single(op, [q((1, 256), scale, 11)], q((1, 256), out_scale, zero), table)


def _mean(axes: list[int], keep: bool) -> bytes:
    shape = (1, 5, 6, 7)
    kept = tuple(1 if d in axes else n for d, n in enumerate(shape) if keep or d not in axes)
    return single(
        "MEAN",
        [q(shape, 0.05, -20), constant(axes)],
        q(kept, 0.021, 9),
        {"ReducerOptions": {"keepDims": keep}},
    )


def _slice() -> bytes:
    return single(
        "SLICE", [q((1, 5, 6, 2)), constant([0, 1, 2, 0]), constant([1, 3, -1, 1])], q((1, 3, 4, 1))
    )


def _strided_slice() -> bytes:
    operands = [q((1, 7, 6, 2)), constant([0, 6, 1, 0])]
    operands += [constant([1, 0, 6, 2]), constant([1, -2, 2, 1])]
    options = {"beginMask": 1, "endMask": 8, "shrinkAxisMask": 1}
    return single("STRIDED_SLICE", operands, q((3, 3, 2)), {"StridedSliceOptions": options})


def _idle_slice() -> bytes:
    operands = [q((1, 7, 6)), constant([0, 0, 0]), constant([1, 7, 6]), constant([1, 1, 1])]
    return single("STRIDED_SLICE", operands, q((1, 7, 6)), {"StridedSliceOptions": {}})


def _pad(value: bool) -> bytes:
    operands = [q((1, 3, 4, 2)), constant([[0, 0], [1, 2], [0, 3], [0, 1]])]
    if value:
        operands.append(builder().Tensor((1,), 0.05, 3, data=np.array([-77], np.int8)))
    return single("PADV2" if value else "PAD", operands, q((1, 6, 7, 3)))


SINGLE_OPS: dict[str, Callable[[], bytes]] = {
    "conv_dilated_relu6": lambda: _conv(3),
    "conv_relu_n1_to_1": lambda: _conv(2),
    "depthwise_multiplier_same": lambda: _depthwise(0),
    "depthwise_dilated_valid": lambda: _depthwise(1),
    "fc_per_tensor": lambda: _fully_connected(False, None),
    "fc_per_channel_keep_dims_no_bias": lambda: _fully_connected(True, 0),
    "add_same": lambda: _elementwise("ADD", (1, 4, 5, 3), (1, 4, 5, 3)),
    "add_broadcast": lambda: _elementwise("ADD", (1, 4, 5, 3), (1, 1, 3)),
    "sub_two_ways": lambda: _elementwise("SUB", (1, 4, 1, 3), (5, 1)),
    "mul_gate": lambda: _elementwise("MUL", (1, 4, 5, 3), (1, 1, 1, 3)),
    "mul_constant": _with_constant,
    "mean_spatial": lambda: _mean([1, 2], True),
    "mean_rows": lambda: _mean([1], False),
    "mean_channels": lambda: _mean([3], True),
    "slice": _slice,
    "strided_slice": _strided_slice,
    "strided_slice_idle": _idle_slice,
    "pad": lambda: _pad(False),
    "padv2": lambda: _pad(True),
    "quantize_int8": lambda: _lookup("QUANTIZE", 0.05, 0.03, -9),
    "relu": lambda: _lookup("RELU", 0.05, 0.03, -20),
    "relu6": lambda: _lookup("RELU6", 0.07, 0.0235, -128),
    "relu_n1_to_1": lambda: _lookup("RELU_N1_TO_1", 0.02, 0.01, 0),
    "leaky_relu": lambda: _lookup("LEAKY_RELU", 0.05, 0.04, 7, alpha=0.3),
    "hard_swish": lambda: _lookup("HARD_SWISH", 0.05, 0.04, -80),
    "squeeze": lambda: single("SQUEEZE", [q((1, 1, 5, 1))], q((5,)), {"SqueezeOptions": {}}),
    "expand_dims": lambda: single("EXPAND_DIMS", [q((4, 5)), constant(-1)], q((4, 5, 1))),
    "transpose": lambda: single("TRANSPOSE", [q((2, 3, 4)), constant([2, 0, 1])], q((4, 2, 3))),
    "softmax": lambda: single(
        "SOFTMAX", [q((3, 11), 0.1)], q((3, 11), 1 / 256, -128), {"SoftmaxOptions": {"beta": 1.0}}
    ),
}


@pytest.mark.parametrize("name", SINGLE_OPS)
def test_single_op_is_exact(name: str, tmp_path: Path) -> None:
    host = check(SINGLE_OPS[name](), tmp_path)
    if name == "strided_slice_idle":
        assert not host.generated.program.steps


@pytest.mark.parametrize("scale", [0.02, 0.047, 0.1, 0.31])
@pytest.mark.parametrize("op", ["LOGISTIC", "TANH"])
def test_table_of_all_steps_is_exact(op: str, scale: float, tmp_path: Path) -> None:
    out = (1 / 256, -128) if op == "LOGISTIC" else (1 / 128, 0)
    model = single(op, [q((1, 256), scale, 11)], q((1, 256), *out))
    steps = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    want = ReferenceModel(model).run([steps])[1]
    np.testing.assert_array_equal(HostModel(model, tmp_path).run([steps]).outputs[0], want)


def test_every_wiring_of_outputs(tmp_path: Path) -> None:
    """An output that is an input, one used by another op, an alias, a tensor listed twice."""
    tensors = [q((1, 8)), q((2, 4)), constant([2, 4]), q((2, 4), 0.06), q((2, 4), 0.07)]
    ops: list[Any] = [
        ("RESHAPE", [0, 2], [1], None, 1),
        ("RELU", [1], [3], None, 1),
        ("ADD", [3, 1], [4], {"AddOptions": {}}, 1),
    ]
    model = rewired(builder().model(ops, tensors), outputs=[0, 1, 3, 4, 4])
    host = check(model, tmp_path)
    alias = host.model.tap[0]
    assert (alias.step, alias.last_step) == (0, 1)


def test_model_that_computes_nothing(tmp_path: Path) -> None:
    model = single("RESHAPE", [q((1, 8)), constant([2, 4])], q((2, 4)))
    host = check(model, tmp_path)
    assert (host.model.steps, host.model.taps) == (1, 1)


def test_shape_chain_with_fill_is_folded(tmp_path: Path) -> None:
    """SHAPE -> STRIDED_SLICE -> PACK -> FILL, whose zeros are then concatenated: what tflite-micro cannot load."""
    scalar = constant(2)
    fill = builder().Tensor((), 0.05, 3, data=np.array(3, np.int8))
    tensors = [
        q((1, 4, 6)),  # 0
        builder().Tensor((3,), dtype="int32"),  # 1: SHAPE
        constant([1]),
        constant([2]),
        constant([1]),
        builder().Tensor((), dtype="int32"),  # 5: its middle
        constant(1),
        scalar,
        builder().Tensor((3,), dtype="int32"),  # 8: [1, 4, 2]
        fill,
        q((1, 4, 2)),  # 10: zeros
        q((1, 4, 8)),  # 11
    ]
    ops: list[Any] = [
        ("SHAPE", [0], [1], {"ShapeOptions": {"outType": 2}}, 1),
        ("STRIDED_SLICE", [1, 2, 3, 4], [5], {"StridedSliceOptions": {"shrinkAxisMask": 1}}, 1),
        ("PACK", [6, 5, 7], [8], {"PackOptions": {"valuesCount": 3, "axis": 0}}, 1),
        ("FILL", [8, 9], [10], {"FillOptions": {}}, 3),
        ("CONCATENATION", [0, 10], [11], {"ConcatenationOptions": {"axis": -1}}, 1),
    ]
    model = builder().model(ops, tensors)
    host = check(model, tmp_path / "a")
    assert [step.view.op.name for step in host.generated.program.steps] == ["CONCATENATION"]
    # A constant that is a model output is observed, where it lies in flash.
    assert check(rewired(model, outputs=[10, 11]), tmp_path / "b").model.taps == 2


def test_two_inputs_and_dequantized_output(tmp_path: Path) -> None:
    tensors = [q((1, 5)), q((1, 5), 0.1), q((1, 5), 0.2), builder().Tensor((1, 5), dtype="float32")]
    ops: list[Any] = [
        ("ADD", [0, 1], [2], {"AddOptions": {}}, 1),
        ("DEQUANTIZE", [2], [3], None, 1),
    ]
    host = check(builder().model(ops, tensors), tmp_path)
    assert host.model.inputs == 2


@pytest.mark.parametrize("name", ["fc_per_tensor", "conv_dilated_relu6", "mul_gate", "relu"])
def test_other_rounding_is_tflite_micro(name: str, tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    model = SINGLE_OPS[name]()
    host = HostModel(model, tmp_path, rounding="tflm")
    for seed in range(4):
        inputs = random_inputs(ReferenceModel(model), seed)
        want = builder().run_tflm(model, inputs)
        np.testing.assert_array_equal(host.run(inputs).outputs[0], want)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: single("FLOOR", [q((1, 4))], q((1, 4))), "does not know this op"),
        (
            lambda: single(
                "RELU",
                [builder().Tensor((1, 4), dtype="float32")],
                builder().Tensor((1, 4), dtype="float32"),
            ),
            "int8 only",
        ),
        (lambda: single("RESHAPE", [q((1, 8)), constant([3, 4])], q((3, 4))), "do not fit"),
        (lambda: single("MEAN", [q((1, 8)), constant([5])], q((1,))), "axis 5 does not exist"),
    ],
    ids=["unknown", "float", "reshape", "axis"],
)
def test_refused_by_name_index_and_tensors(build: Callable[[], bytes], reason: str) -> None:
    from model_gen.codegen.pipeline import plan_model

    with pytest.raises(BadInput, match=reason) as caught:
        plan_model(build())
    assert "op 0, " in caught.value.what
    assert "'t0'" in caught.value.evidence
