"""Generated C against the judge of its rounding rules, every tensor of every op, byte for byte."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.compare.layers import read_structure
from host.errors import BadInput
from host.installed import FIRMWARE
from host.reference.micro import MicroModel
from host.reference.model import ReferenceModel
from model_gen.codegen.testing import keras_models
from model_gen.codegen.testing.host_model import HostModel
from model_gen.codegen.testing.models import RULES, builder, judge, rewired, single
from model_gen.codegen.testing.single_ops import SINGLE_OPS, constant, q, weights, window
from model_gen.codegen.tflite.graph import Array

POOL = {"Pool2DOptions": window(filterHeight=2, filterWidth=2)}
SHARED = FIRMWARE.parent / "../shared/data/models"
KWS = SHARED / "mlperf_tiny_kws_int8.tflite"
EVERY = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
# Of SINGLE_OPS, those that tflite-micro does not have -> what it says.
MICRO_LACKS = {"relu_n1_to_1": "'RELU_N1_TO_1'", "log": "Node LOG"}


def random_inputs(reference: ReferenceModel | MicroModel, seed: int) -> list[Array]:
    generator = np.random.default_rng(seed)
    return [
        generator.integers(-128, 128, t.shape, dtype=np.int8)
        if t.dtype == np.int8
        else generator.standard_normal(t.shape, dtype=np.float32)
        for t in reference.inputs
    ]


def check(model: bytes, folder: Path, *, runs: int = 2, rounding: str = "tflite") -> HostModel:
    """Every observed tensor equals the judge's, after its step and after its last step, and so does what was folded to
    a constant; the rest says why not."""
    reference = judge(model, rounding)
    host = HostModel(model, folder, rounding=rounding)
    for seed in range(runs):
        inputs = random_inputs(reference, seed)
        want = reference.run(inputs)
        got = host.run(inputs)
        for layer in read_structure(model).layers:
            tensor = layer.tensor
            if tensor not in got.taps:
                known = host.generated.program.tensors[tensor].value
                assert known is not None or tensor in host.generated.program.folded, layer
                if known is not None:
                    assert known.shape == want[tensor].shape, layer
                    np.testing.assert_array_equal(known, want[tensor], err_msg=str(layer))
                continue
            for values in (got.taps[tensor], got.late[tensor]):
                assert values.shape == want[tensor].shape, layer
                np.testing.assert_array_equal(values, want[tensor], err_msg=str(layer))
        for value, port in zip(got.outputs, reference.outputs, strict=True):
            np.testing.assert_array_equal(value, want[port.tensor])
    return host


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize("name", keras_models.NAMES)
def test_keras_model_is_exact(name: str, rounding: str, tmp_path: Path) -> None:
    check(keras_models.quantized(name), tmp_path, rounding=rounding)


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.skipif(not KWS.exists(), reason="needs ../shared")
def test_mlperf_kws_is_exact(rounding: str, tmp_path: Path) -> None:
    check(KWS.read_bytes(), tmp_path, rounding=rounding)


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize("name", SINGLE_OPS)
def test_single_op_is_exact(name: str, rounding: str, tmp_path: Path) -> None:
    model = SINGLE_OPS[name]()
    if rounding == "tflm" and name in MICRO_LACKS:
        with pytest.raises(BadInput, match="cannot run this model") as refused:
            judge(model, rounding)
        assert MICRO_LACKS[name] in refused.value.evidence
        with pytest.raises(BadInput, match="tflite-micro does not have this op"):
            HostModel(model, tmp_path, rounding=rounding)
        return
    host = check(model, tmp_path, rounding=rounding)
    if name == "strided_slice_idle":
        assert not host.generated.program.steps


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize("scale", [1e-6, 0.02, 0.047, 0.1, 0.31, 2.0, 9.0, 70.0])
@pytest.mark.parametrize("op", ["LOGISTIC", "TANH"])
def test_table_of_all_steps_is_exact(op: str, scale: float, rounding: str, tmp_path: Path) -> None:
    out = (1 / 256, -128) if op == "LOGISTIC" else (1 / 128, 0)
    model = single(op, [q((1, 256), scale, 11)], q((1, 256), *out))
    want = judge(model, rounding).run([EVERY])[1]
    got = HostModel(model, tmp_path, rounding=rounding).run([EVERY]).outputs[0]
    np.testing.assert_array_equal(got, want)


def divided(
    op: str, operands: list[Any], outputs: list[Any], options: dict[str, Any] | None, source: int
) -> bytes:
    """A model of one op of several outputs, of which only the last is read, by a RELU."""
    tensors = [*operands, *outputs, outputs[-1]]
    places = list(range(len(operands), len(operands) + len(outputs)))
    ops: list[Any] = [
        (op, list(range(len(operands))), places, options, 2),
        ("RELU", [places[-1]], [places[-1] + 1], None, 1),
    ]
    assert operands[source].data is None
    return bytes(builder().model(ops, tensors))


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("count", [1, 2])
def test_split_is_exact(axis: int, count: int, rounding: str, tmp_path: Path) -> None:
    shape = [2, 6, 4, 10]
    given = q(tuple(shape))
    shape[axis] //= count
    options = {"SplitOptions": {"numSplits": count}}
    outputs = [q(tuple(shape))] * count
    host = check(
        divided("SPLIT", [constant(axis), given], outputs, options, 1), tmp_path, rounding=rounding
    )
    assert len(host.generated.program.steps) == (count + 1 if count > 1 else 1)


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize("sizes", [[1, 3, 2], [2, -1, 1], [6]])
def test_split_v_is_exact(sizes: list[int], rounding: str, tmp_path: Path) -> None:
    whole = [6 - sum(s for s in sizes if s != -1) if size == -1 else size for size in sizes]
    outputs = [q((2, size, 3)) for size in whole]
    options = {"SplitVOptions": {"numSplits": len(sizes)}}
    operands = [q((2, 6, 3)), constant(sizes), constant(1)]
    check(divided("SPLIT_V", operands, outputs, options, 0), tmp_path, rounding=rounding)


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_unpack_is_exact(axis: int, rounding: str, tmp_path: Path) -> None:
    shape = [2, 3, 5]
    given = q(tuple(shape))
    count = shape.pop(axis)
    options = {"UnpackOptions": {"num": count, "axis": axis}}
    check(
        divided("UNPACK", [given], [q(tuple(shape))] * count, options, 0),
        tmp_path,
        rounding=rounding,
    )


def test_split_that_would_rescale_is_refused(tmp_path: Path) -> None:
    options = {"SplitOptions": {"numSplits": 2}}
    outputs = [q((2, 2)), q((2, 2), 0.07)]
    with pytest.raises(BadInput, match="share scale"):
        HostModel(divided("SPLIT", [constant(1), q((2, 4))], outputs, options, 1), tmp_path)


@pytest.mark.parametrize("rounding", RULES)
def test_every_wiring_of_outputs(rounding: str, tmp_path: Path) -> None:
    """An output that is an input, one used by another op, an alias, a tensor listed twice."""
    tensors = [q((1, 8)), q((2, 4)), constant([2, 4]), q((2, 4), 0.06), q((2, 4), 0.07)]
    ops: list[Any] = [
        ("RESHAPE", [0, 2], [1], None, 1),
        ("RELU", [1], [3], None, 1),
        ("ADD", [3, 1], [4], {"AddOptions": {}}, 1),
    ]
    model = rewired(builder().model(ops, tensors), outputs=[0, 1, 3, 4, 4])
    host = check(model, tmp_path, rounding=rounding)
    alias = host.model.tap[0]
    assert (alias.step, alias.last_step) == (0, 1)


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("value", [3, -77])
def test_pad_of_zero_points_is_folded(
    depthwise: bool, padding: int, value: int, rounding: str, tmp_path: Path
) -> None:
    """PADV2 before a convolution; only a pad of zero points (3) may be folded."""
    kind = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
    fields = window(padding=padding, dilationHFactor=1, dilationWFactor=1)
    fields |= {"depthMultiplier": 1} if depthwise else {}
    image = q((1, 5, 4, 3), 0.05, 3)
    pad = builder().Tensor((1,), 0.05, 3, data=np.array([value], np.int8))
    shape = weights((1, 3, 3, 3), 3) if depthwise else weights((6, 3, 3, 3), 0)
    channels = 3 if depthwise else 6
    out = (1, 8, 7, channels) if padding == 0 else (1, 6, 5, channels)
    tensors = [
        image,
        constant([[0, 0], [1, 2], [2, 1], [0, 0]]),
        pad,
        q((1, 8, 7, 3), 0.05, 3),
        shape,
        constant([100 * i for i in range(channels)]),
        q(out, 0.09, -11),
    ]
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    ops = [
        ("PADV2", [0, 1, 2], [3], {"PadV2Options": {}}, 1),
        (name, [3, 4, 5], [6], {kind: fields}, 3),
    ]
    host = check(builder().model(ops, tensors), tmp_path, rounding=rounding)
    assert bool(host.generated.program.folded) == (value == 3)


def test_pad_before_a_window_of_one_place_is_a_step_of_its_own(tmp_path: Path) -> None:
    """The Helium kernels read such a window without asking whether it lies in the image."""
    tensors = [
        q((1, 5, 4, 16)),
        constant([[0, 0], [0, 1], [0, 2], [0, 0]]),
        q((1, 6, 6, 16)),
        weights((8, 1, 1, 16), 0),
        constant([0] * 8),
        q((1, 6, 6, 8), 0.09, -11),
    ]
    ops: list[Any] = [
        ("PAD", [0, 1], [2], {"PadOptions": {}}, 1),
        ("CONV_2D", [2, 3, 4], [5], {"Conv2DOptions": window(padding=1)}, 3),
    ]
    host = check(builder().model(ops, tensors), tmp_path)
    assert [s.view.op.name for s in host.generated.program.steps] == ["PAD", "CONV_2D"]


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


@pytest.mark.parametrize("rounding", RULES)
def test_two_inputs_and_dequantized_output(rounding: str, tmp_path: Path) -> None:
    tensors = [q((1, 5)), q((1, 5), 0.1), q((1, 5), 0.2), builder().Tensor((1, 5), dtype="float32")]
    ops: list[Any] = [
        ("ADD", [0, 1], [2], {"AddOptions": {}}, 1),
        ("DEQUANTIZE", [2], [3], None, 1),
    ]
    host = check(builder().model(ops, tensors), tmp_path, rounding=rounding)
    assert host.model.inputs == 2


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
        (
            lambda: single("EXPAND_DIMS", [q((4,)), constant(0)], q((1, 4), 0.07)),
            "share scale and zero point",
        ),
        (
            lambda: single("AVERAGE_POOL_2D", [q((5, 4, 4, 2))], q((5, 4, 4, 2)), POOL),
            "a batch of 5, where backend cm55 takes at most 4 images",
        ),
        (
            lambda: single(
                "CONV_2D",
                [q((1, 4, 4, 4)), weights((4, 1, 1, 3), 0), constant([0] * 4)],
                q((1, 4, 4, 4)),
                {"Conv2DOptions": window()},
            ),
            "4 of 3 channels, are no groups of 4 channels",
        ),
        (
            lambda: single(
                "MIRROR_PAD",
                [q((2, 2, 2)), constant([[1, 0], [0, 0], [0, 1]])],
                q((3, 2, 3)),
                {"MirrorPadOptions": {"mode": 1}},
            ),
            "more than two neighbouring axes",
        ),
        (
            lambda: single(
                "ADD",
                [q((1, 4)), q((1, 4))],
                q((1, 4)),
                {"AddOptions": {"fusedActivationFunction": 4}},
            ),
            "fused activation TANH has no kernel",
        ),
    ],
    ids=["unknown", "float", "reshape", "axis", "scales", "batch", "groups", "mirror", "fused"],
)
def test_refused_by_name_index_and_tensors(build: Callable[[], bytes], reason: str) -> None:
    from model_gen.codegen.cm55.compile import plan_model

    with pytest.raises(BadInput, match=reason) as caught:
        plan_model(build())
    assert "op 0, " in caught.value.what
    assert "'t0'" in caught.value.evidence


def test_constant_image_has_room_for_what_is_read_behind_it(tmp_path: Path) -> None:
    """Of vectors that begin inside it."""
    image = np.arange(36, dtype=np.int8).reshape(1, 3, 3, 4)
    tensors = [
        builder().Tensor(image.shape, 0.05, 9, data=image),
        weights((4, 2, 2, 4), 0),
        constant([9, -8, 0, 5]),
        q((1, 2, 2, 4), 0.07, -3),
        q((1, 2, 2, 4), 0.03, 4),
        q((1, 2, 2, 4), 0.09, 1),
    ]
    ops: list[Any] = [
        ("CONV_2D", [0, 1, 2], [3], {"Conv2DOptions": window(padding=1)}, 3),
        ("ADD", [3, 4], [5], {"AddOptions": {}}, 2),
    ]
    host = check(bytes(builder().model(ops, tensors)), tmp_path)
    (kernel,) = (step.kernel for step in host.generated.program.steps if step.number == 0)
    assert kernel.reads_behind > 0
    length = image.size + kernel.reads_behind
    assert f"nj_tensor0_and_behind[{length}]" in host.generated.sources["nj_weights.c"]
