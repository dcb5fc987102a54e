"""Whole models: constants by hand, every op accounted for, doubts handed on, layers alone."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.npu.arithmetic import TIE_RULES
from host.npu.compiler.constant import FITTED, FORMULA, UNKNOWN
from host.npu.compiler.layer import MOVED, NPU, SOFTWARE, UNKNOWN_OP
from host.npu.compiler.model import CompiledModel, compile_model, predict
from host.npu.compiler.single_op import computed_inputs, single_op
from host.npu.compiler.testing_chain import chain
from host.reference.model import ReferenceModel
from model_gen.codegen.testing.models import builder, single
from model_gen.codegen.testing.net import make_net
from model_gen.codegen.testing.single_ops import q, weights, window

_POINT = window(padding=1, dilationHFactor=1, dilationWFactor=1)


def _constants(model: CompiledModel, op: int = 0) -> dict[str, Any]:
    return {constant.kind: constant.value for constant in model.layers[op].constants}


@cache
def _probe() -> bytes:
    """One 1x1 convolution whose constants are all powers of two, so that only ties round."""
    tensor = builder().Tensor
    weights = np.array([[127, 127, 127], [1, 0, 0], [4, 0, 0], [-1, 0, 0]], np.int8)
    return single(
        "CONV_2D",
        [
            tensor((1, 16, 16, 3), 2.0**-7),
            tensor((4, 1, 1, 3), [2.0**-8, 1.0, 0.5, 1.0], 0, weights.reshape(4, 1, 1, 3), axis=0),
            tensor((4,), [2.0**-15, 2.0**-7, 2.0**-8, 2.0**-7], 0, np.zeros(4, np.int32), "int32"),
        ],
        tensor((1, 16, 16, 4), 2.0**-5),
        {"Conv2DOptions": _POINT},
    )


def _every_code() -> np.ndarray[Any, np.dtype[np.int8]]:
    values = np.zeros((1, 16, 16, 3), np.int8)
    values[..., 0] = np.arange(-128, 128).reshape(1, 16, 16)
    return values


def test_the_constants_of_the_probe_are_those_worked_out_by_hand() -> None:
    constants = _constants(compile_model(_probe(), "2.2"))
    assert (constants["cs"], constants["A"], constants["s1"], constants["s2"]) == (2, 16384, 8, 20)
    assert constants["A_k"].tolist() == [64, 16384, 8192, 16384]
    assert constants["C_k"].tolist() == [0] * 4
    fused = _constants(compile_model(_probe(), "4.0"))
    assert (fused["cs"], fused["s"]) == (2, 14)
    assert fused["A_k"].tolist() == [64, 16384, 8192, 16384]


_TIES = {
    "half-away": (1, -1, 2, -2),
    "half-up": (1, 0, 2, -1),
    "half-even": (0, 0, 2, -2),
    "half-odd": (1, -1, 1, -1),
    "half-toward-zero": (0, 0, 1, -1),
    "half-down": (0, -1, 1, -2),
    "floor": (0, -1, 1, -2),
}


@pytest.mark.parametrize("rule", TIE_RULES)
def test_the_probe_shows_every_tie_of_both_units(rule: str) -> None:
    out = predict(_probe(), "2.2", [_every_code()], rule).outputs[0].reshape(256, 4)
    at = {code: out[code + 128] for code in range(-128, 128)}
    assert tuple(int(at[code][1]) for code in (2, -2, 6, -6)) == _TIES[rule]  # CONVACC, x / 4
    assert tuple(int(at[code][2]) for code in (1, -1, 3, -3)) == _TIES[rule]  # ARITH, x / 2


@cache
def _net() -> bytes:
    return make_net(3).tflite()


def _input(shape: tuple[int, ...], seed: int = 4) -> np.ndarray[Any, np.dtype[np.int8]]:
    return np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)


@pytest.mark.parametrize("dialect", ["2.1", "2.2", "3.0", "4.0"])
def test_a_net_is_within_a_step_of_the_reference_layer_by_layer(dialect: str) -> None:
    source = _input((1, 10, 8, 3))
    model = compile_model(_net(), dialect)
    reference = ReferenceModel(_net()).run([source])
    tensors = reference | {model.graph.inputs[0]: source}
    for layer in model.layers:
        assert layer.how == NPU
        for index, value in model.compute(layer, tensors).items():
            away = np.abs(value.astype(int) - reference[index].astype(int))
            assert away.max() <= 1
            assert (away == 0).mean() > 0.8


def test_end_to_end_is_layer_after_layer() -> None:
    source = _input((1, 10, 8, 3))
    model = compile_model(_net(), "2.2")
    prediction = predict(model, "2.2", [source])
    tensors = {model.graph.inputs[0]: source}
    for layer in model.layers:
        tensors |= model.compute(layer, tensors)
    assert tensors.keys() == prediction.tensors.keys()
    for index, value in tensors.items():
        assert np.array_equal(value, prediction.tensors[index])
    assert [layer.doubts for layer in prediction.layers] == [()] * 5
    assert {c.grade for layer in model.layers for c in layer.constants} == {FORMULA}


def test_the_dialects_differ() -> None:
    net, source = make_net(3, (1, 32, 32, 3)).tflite(), _input((1, 32, 32, 3))
    old, new = (predict(net, name, [source]) for name in ("2.2", "4.0"))
    assert any(not np.array_equal(old.tensors[i], new.tensors[i]) for i in old.tensors)


def test_an_op_that_nobody_knows_is_named_and_its_doubt_handed_on() -> None:
    model = compile_model(chain("LOGISTIC", None), "2.2")
    source = _input((1, 4, 4, 2))
    prediction = predict(model, "2.2", [source])
    assert [layer.layer.how for layer in prediction.layers] == [NPU, UNKNOWN_OP, NPU]
    first, second, third = (layer.doubts for layer in prediction.layers)
    assert first == ()
    assert second == third
    assert "op 1, LOGISTIC" in second[0]


def test_a_softmax_runs_in_software_and_says_so() -> None:
    options = {"SoftmaxOptions": {"beta": 1.0}}
    model = compile_model(chain("SOFTMAX", options), "4.0")
    prediction = predict(model, "4.0", [_input((1, 4, 4, 2))])
    assert prediction.layers[1].layer.how == SOFTWARE
    assert "may differ by a step" in prediction.layers[2].doubts[0]


def test_a_softmax_that_would_abort_the_reference_is_refused() -> None:
    tiny = single(
        "SOFTMAX", [q((1, 8), 1e-9)], q((1, 8), 1 / 256, -128), {"SoftmaxOptions": {"beta": 1.0}}
    )
    with pytest.raises(BadInput, match="SOFTMAX"):
        compile_model(tiny, "2.2")


def test_an_activation_that_int8_does_not_give_is_unknown() -> None:
    tensor = builder().Tensor
    weights = np.array([3, -5], np.int8).reshape(1, 1, 1, 2)
    model = single(
        "CONV_2D",
        [q((1, 4, 4, 2)), tensor((1, 1, 1, 2), 0.01, 0, weights), None],
        q((1, 4, 4, 1), 0.02, -20),
        {"Conv2DOptions": {**_POINT, "fusedActivationFunction": 1}},
        version=3,
    )
    prediction = predict(model, "2.2", [_input((1, 4, 4, 2))])
    assert prediction.outputs[0].min() >= -20
    assert any(c.grade == UNKNOWN for c in prediction.layers[0].layer.constants)
    assert "RELU ends at -20" in prediction.layers[0].doubts[0]


def test_the_upper_end_of_relu6_is_a_clip() -> None:
    tensor = builder().Tensor
    weights = np.array([100, -50], np.int8).reshape(1, 1, 1, 2)
    model = single(
        "CONV_2D",
        [q((1, 4, 4, 2)), tensor((1, 1, 1, 2), 0.02, 0, weights), None],
        q((1, 4, 4, 1), 0.1252027153968811, -128),
        {"Conv2DOptions": {**_POINT, "fusedActivationFunction": 3}},
        version=3,
    )
    prediction = predict(model, "2.2", [_input((1, 4, 4, 2))])
    assert prediction.outputs[0].max() == -80
    assert prediction.layers[0].doubts == ()


def test_wide_layers_say_that_their_passes_are_fitted() -> None:
    tensor = builder().Tensor
    weights = _input((16, 1, 1, 512), 8)
    model = single(
        "CONV_2D",
        [q((1, 2, 2, 512), 0.05, -128), tensor((16, 1, 1, 512), 0.01, 0, weights), None],
        q((1, 2, 2, 16), 0.5, 0),
        {"Conv2DOptions": _POINT},
        version=3,
    )
    layer = compile_model(model, "2.2").layers[0]
    passes = next(c for c in layer.constants if c.kind == "passes")
    assert (passes.value, passes.grade) == (4, FITTED)
    assert layer.doubts


def test_channels_that_cannot_be_divided_are_left_to_the_processor() -> None:
    tensor = builder().Tensor
    weights, values = _input((5, 1, 1, 257), 8), _input((1, 1, 4, 257), 9)
    scales, bias = [0.001 * (k + 1) for k in range(5)], np.arange(5, dtype=np.int32) * 100
    model = single(
        "CONV_2D",
        [
            q((1, 1, 4, 257), 0.05, 7),
            tensor((5, 1, 1, 257), scales, 0, weights, axis=0),
            tensor((5,), 0.05, 0, bias, "int32"),
        ],
        q((1, 1, 4, 5), 1.5, -3),
        {"Conv2DOptions": _POINT},
        version=3,
    )
    prediction = predict(model, "2.2", [values])
    sums = (values.astype(int) - 7).reshape(4, 257) @ weights.reshape(5, 257).astype(int).T + bias
    exact = np.float32(0.05).item() * np.array(scales, np.float32).astype(float) / 1.5 * sums - 3
    assert prediction.outputs[0].reshape(4, 5).tolist() == np.rint(exact).clip(-128, 127).tolist()
    assert prediction.layers[0].layer.how == SOFTWARE
    assert "processor" in prediction.layers[0].doubts[0]


def test_maxima_and_pads_are_moves() -> None:
    pool = window(padding=1, strideH=2, strideW=2, filterHeight=2, filterWidth=2)
    model = single("MAX_POOL_2D", [q((1, 4, 4, 2))], q((1, 2, 2, 2)), {"Pool2DOptions": pool})
    source = _input((1, 4, 4, 2))
    prediction = predict(model, "2.2", [source])
    assert prediction.layers[0].layer.how == MOVED
    blocks = source.reshape(1, 2, 2, 2, 2, 2)
    assert np.array_equal(prediction.outputs[0], blocks.max(axis=(2, 4)))


def test_each_op_alone_is_computed_as_in_the_whole_model() -> None:
    source = _input((1, 10, 8, 3))
    model = compile_model(_net(), "2.2")
    tensors = ReferenceModel(_net()).run([source]) | {model.graph.inputs[0]: source}
    for op in model.graph.ops:
        alone = ReferenceModel(single_op(_net(), model.graph, op))
        made = alone.run([tensors[i] for i in computed_inputs(model.graph, op)])
        for index in op.outputs:
            assert np.array_equal(made[index], tensors[index])


def test_bad_input_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="dialect"):
        compile_model(_net(), "2.3")
    with pytest.raises(BadInput, match="tie rule"):
        predict(_net(), "2.2", [_input((1, 10, 8, 3))], "half-way")
    with pytest.raises(BadInput, match=r"compiled for dialect 2\.2"):
        predict(compile_model(_net(), "2.2"), "4.0", [_input((1, 10, 8, 3))])
    with pytest.raises(BadInput, match="1 inputs"):
        predict(_net(), "2.2", [])
    with pytest.raises(BadInput, match="tensor 0 must be int8"):
        predict(_net(), "2.2", [_input((1, 10, 8, 4))])
    with pytest.raises(BadInput):
        compile_model(_net()[:-4000], "2.2")


def _depthwise(shape: tuple[int, ...], out: tuple[int, ...], **options: int) -> bytes:
    """A depthwise convolution of 3 x 3."""
    kernels = out[3]
    data = np.random.default_rng(2).integers(-127, 128, (1, 3, 3, kernels)).astype(np.int8)
    tensor = builder().Tensor
    bias = tensor((kernels,), 0.0005, 0, np.zeros(kernels, np.int32), "int32")
    given = window(depthMultiplier=1, dilationHFactor=1, dilationWFactor=1, **options)
    return single(
        "DEPTHWISE_CONV_2D",
        [q(shape), tensor((1, 3, 3, kernels), 0.01, 0, data), bias],
        q(out, 0.2),
        {"DepthwiseConv2DOptions": given},
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_depthwise((1, 9, 9, 2), (1, 9, 9, 2)), ""),
        (_depthwise((1, 9, 9, 2), (1, 9, 9, 4)), "2 kernels a channel"),
        (_depthwise((1, 9, 9, 2), (1, 3, 9, 2), strideH=3), "strides of 3 x 1"),
        (_depthwise((2, 9, 9, 2), (2, 9, 9, 2)), "2 images at once"),
    ],
)
def test_a_geometry_that_no_compiled_network_had_is_unknown(content: bytes, said: str) -> None:
    model = compile_model(content, "2.2")
    grades = {constant.grade for constant in model.layers[0].constants}
    doubts = " ".join(model.layers[0].doubts)
    assert (grades == {FORMULA}) == (said == "")
    assert said in doubts
    source = _input(model.graph.tensors[model.graph.inputs[0]].shape)
    predict(model, "2.2", [source])


def _dilated() -> bytes:
    bias = builder().Tensor((4,), 0.0002, 0, np.zeros(4, np.int32), "int32")
    return single(
        "CONV_2D",
        [q((1, 9, 11, 3)), weights((4, 3, 2, 3), None), bias],
        q((1, 9, 11, 4), 0.2, -7),
        {"Conv2DOptions": window(dilationHFactor=2, dilationWFactor=3)},
    )


def test_a_dilation_is_unknown() -> None:
    layer = compile_model(_dilated(), "4.0").layers[0]
    assert "dilated by 2 x 3" in " ".join(layer.doubts)


def test_scalars_are_computed() -> None:
    content = single("ABS", [q(())], q(()))
    made = predict(content, "2.2", [np.array(-5, np.int8)]).outputs[0]
    assert made.shape == ()


def test_what_is_computed_in_floats_is_a_doubt_of_the_library() -> None:
    ends = [builder().Tensor((1, 4), dtype="float32") for _ in range(2)]
    model = compile_model(single("TANH", ends[:1], ends[1]), "2.2")
    assert model.layers[0].how == SOFTWARE
    assert "TANH" in " ".join(model.layers[0].doubts)


def test_an_op_with_which_tflite_would_end_the_process_is_refused() -> None:
    shape = (1, 2, 2, 2, 2)
    content = single("PRELU", [q(shape), weights((2,), None)], q(shape))
    with pytest.raises(BadInput, match="PRELU"):
        compile_model(content, "2.2")
