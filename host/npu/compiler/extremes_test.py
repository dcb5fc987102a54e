"""Scales, biases and sizes beyond what a register holds: said so, and never a crash."""

import warnings
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.npu.compiler.constant import UNKNOWN
from host.npu.compiler.layer import UNKNOWN_OP
from host.npu.compiler.model import compile_model, predict
from model_gen.codegen.testing.models import builder, single
from model_gen.codegen.testing.single_ops import q, window

DIALECTS = ("2.1", "2.2", "3.0", "4.0")
SHAPE = (1, 2, 2, 2)


def convolution(output: float = 0.1, weight: float = 0.01, bias: int = 0) -> bytes:
    tensor = builder().Tensor
    data = np.array([[3, -5], [90, 7]], np.int8).reshape(2, 1, 1, 2)
    held = np.array([bias, -5], np.int32)
    return single(
        "CONV_2D",
        [
            q(SHAPE, 0.05, 3),
            tensor((2, 1, 1, 2), weight, 0, data),
            tensor((2,), 0.05 * weight, 0, held, "int32"),
        ],
        q(SHAPE, output, 0),
        {"Conv2DOptions": window(dilationHFactor=1, dilationWFactor=1)},
    )


def addition(left: float, right: float, output: float) -> bytes:
    options: dict[str, Any] = {"AddOptions": {}}
    return single("ADD", [q(SHAPE, left), q(SHAPE, right)], q(SHAPE, output), options)


def mean(before: float, after: float, rows: int = 2) -> bytes:
    axes = builder().Tensor((2,), data=np.array([1, 2], np.int32), dtype="int32")
    ends = q((1, rows, 2, 2), before), q((1, 2), after)
    return single("MEAN", [ends[0], axes], ends[1], {"ReducerOptions": {}})


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "content",
    [
        convolution(output=1e-9),
        convolution(output=1e-38),
        convolution(weight=1e20),
        addition(1.0, 20000.0, 0.05),
        mean(1e9, 1e-3),
        mean(0.1, 0.2, rows=0),
    ],
)
def test_what_no_constant_can_say_is_not_modelled(content: bytes, dialect: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = compile_model(content, dialect)
    assert model.layers[0].how == UNKNOWN_OP
    inputs = [
        np.ones(model.graph.tensors[i].shape, np.int8)
        for i in model.graph.inputs
        if model.graph.tensors[i].elements
    ]
    if len(inputs) == len(model.graph.inputs):
        predict(model, dialect, inputs)


@pytest.mark.parametrize("scales", [(1.0, 1e6, 0.05), (1e9, 1e9, 0.05), (0.1, 0.1, 1e-12)])
def test_a_sum_with_which_tflite_would_end_the_process_is_refused(
    scales: tuple[float, float, float],
) -> None:
    with pytest.raises(BadInput, match="ADD"):
        compile_model(addition(*scales), "4.0")


@pytest.mark.parametrize("dialect", ["3.0", "4.0"])
def test_an_offset_beyond_32_bits_is_unknown(dialect: str) -> None:
    model = compile_model(convolution(output=1.0, weight=1e-4, bias=2**31 - 1), dialect)
    (constant,) = (c for c in model.layers[0].constants if c.kind == "C_k")
    assert np.abs(constant.value).max() > 2**31
    assert constant.grade == UNKNOWN


@pytest.mark.parametrize("dialect", ["2.1", "2.2"])
def test_a_bias_that_takes_more_bits_than_was_seen_is_unknown(dialect: str) -> None:
    model = compile_model(convolution(bias=60_000_000), dialect)
    (constant,) = (c for c in model.layers[0].constants if c.kind == "s2")
    assert constant.value < 18
    assert constant.grade == UNKNOWN
