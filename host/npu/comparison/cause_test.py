"""Why a layer is more than a step off: each cause by a layer made for it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from host.npu.comparison.cause import (
    FUSED_STEP,
    LAYOUT,
    NOT_MODELLED,
    SOFTWARE_EPOCH,
    UNEXPLAINED,
    Case,
    Inner,
    cause_of,
)
from host.npu.comparison.compare import compare
from host.npu.comparison.judge import Judge
from host.npu.comparison.predicted import Predicted
from host.npu.comparison.without import COARSE, PARTIAL, SATURATION, SHIFT
from host.npu.compiler.convolution_layer import ConvolutionLayer
from host.npu.compiler.model import CompiledModel, compile_model
from host.npu.compiler.requantization import TwoSteps
from model_gen.codegen.testing.models import builder, single
from model_gen.codegen.testing.single_ops import q, window

_POINT = {"Conv2DOptions": window(padding=1, dilationHFactor=1, dilationWFactor=1)}


def _pointwise(
    weights: Any, scales: list[float], output: float, *, zero: int = 0, size: int = 8
) -> bytes:
    kernels, channels = weights.shape
    tensor = builder().Tensor
    bias = np.zeros(kernels, np.int32)
    return single(
        "CONV_2D",
        [
            tensor((1, size, size, channels), 0.05, zero),
            tensor(
                (kernels, 1, 1, channels), scales, 0, weights.reshape(kernels, 1, 1, -1), axis=0
            ),
            tensor((kernels,), [0.05 * s for s in scales], 0, bias, "int32"),
        ],
        tensor((1, size, size, kernels), output),
        _POINT,
    )


def _found(content: bytes, dialect: str = "2.2") -> Any:
    side = Predicted(compile_model(content, dialect))
    shape = side.model.graph.tensors[side.model.graph.inputs[0]].shape
    value = np.random.default_rng(2).integers(-128, 128, shape, dtype=np.int8)
    return compare(side, content, [(value,)]).layers[0]


def test_a_channel_of_a_far_larger_scale_makes_the_others_coarse() -> None:
    numbers = np.random.default_rng(1)
    weights = numbers.integers(-127, 128, (8, 8)).astype(np.int8)
    scales = [0.01 / 7.0 ** (k % 4) for k in range(8)]
    scales[0] *= 3000
    row = _found(_pointwise(weights, scales, 0.01))
    assert row.forced.more > 0
    assert row.cause.names[0] == COARSE
    assert "channels; channel" in row.cause.evidence
    assert not row.cause.is_fault


def test_kernels_of_mean_zero_saturate() -> None:
    weights = np.tile(np.array([127, -127], np.int8), (4, 12))
    row = _found(_pointwise(weights, [0.01] * 4, 2.0))
    assert row.forced.more > 0
    assert row.cause.names == (SATURATION,)
    assert "sums beyond 16 bits" in row.cause.evidence


@pytest.mark.parametrize("dialect", ["2.2", "4.0"])
def test_many_passes_through_16_bits_and_their_coarse_sums(dialect: str) -> None:
    numbers = np.random.default_rng(3)
    weights = numbers.integers(-3, 4, (32, 1024)).astype(np.int8)
    weights[0] = 100  # gives every kernel a large shift
    row = _found(_pointwise(weights, [0.01] * 32, 0.2, zero=-128, size=2), dialect)
    assert row.forced.more > 0
    assert set(row.cause.names) <= {PARTIAL, SHIFT}
    assert "cs 1" in row.cause.evidence


def _pair() -> tuple[bytes, CompiledModel]:
    """A convolution of large steps, and one that magnifies its channels."""
    tensor = builder().Tensor
    numbers = np.random.default_rng(8)
    one = numbers.integers(-20, 21, (4, 1, 1, 4)).astype(np.int8)
    two = (np.eye(4) * 100).astype(np.int8).reshape(4, 1, 1, 4)
    zeros = np.zeros(4, np.int32)
    content: bytes = builder().model(
        [("CONV_2D", [0, 1, 2], [5], _POINT, 3), ("CONV_2D", [5, 3, 4], [6], _POINT, 3)],
        [
            tensor((1, 32, 32, 4), 0.05),
            tensor((4, 1, 1, 4), [0.013] * 4, 0, one, axis=0),
            tensor((4,), [0.05 * 0.013] * 4, 0, zeros, "int32"),
            tensor((4, 1, 1, 4), [0.011] * 4, 0, two, axis=0),
            tensor((4,), [0.9 * 0.011] * 4, 0, zeros, "int32"),
            tensor((1, 32, 32, 4), 0.9),
            tensor((1, 32, 32, 4), 0.1),
        ],
    )
    return content, compile_model(content, "4.0")


def test_a_step_of_a_fused_layer_is_magnified_behind_it() -> None:
    content, model = _pair()
    judge = Judge(content, model)
    source = np.random.default_rng(9).integers(-128, 128, (1, 32, 32, 4), dtype=np.int8)
    first, second = model.layers
    (middle,) = first.compute([source], "half-away")
    (got,) = second.compute([middle], "half-away")
    want = judge.whole([source])[second.op.outputs[0]]
    apart = np.abs(got.astype(int) - want.astype(int))
    assert apart.max() > 1
    case = Case(second, [middle], got, want, got, [Inner(first, [source], middle)], "half-away")
    cause = cause_of(case, judge)
    assert cause.names == (FUSED_STEP,)
    assert "op 0" in cause.evidence


@pytest.mark.parametrize(
    ("axes", "told"),
    [
        ((0, 3, 1, 2), "channels first"),
        ((0, 2, 1, 3), "rows and columns exchanged"),
        ((0, 2, 3, 1), "rows behind channels"),
    ],
)
def test_a_tensor_in_another_order_is_a_fault_of_layout(axes: tuple[int, ...], told: str) -> None:
    content, model = _pair()
    source = np.random.default_rng(9).integers(-128, 128, (1, 32, 32, 4), dtype=np.int8)
    (right,) = model.layers[0].compute([source], "half-away")
    got = np.ascontiguousarray(right.transpose(axes)).reshape(right.shape)
    case = Case(model.layers[0], [source], got, right, right, [], "half-away")
    cause = cause_of(case, Judge(content, model))
    assert (cause.names, cause.is_fault) == ((LAYOUT,), True)
    assert told in cause.evidence


def test_the_multipliers_that_2_1_drops_are_named() -> None:
    """Dead channels: their real scales lie below 2^-22, and the compiler wrote 0 for some."""
    numbers = np.random.default_rng(4)
    weights = numbers.integers(-127, 128, (8, 8)).astype(np.int8)
    scales = [0.01] * 6 + [2.0**-23] * 2
    content = _pointwise(weights, scales, 0.3)
    model = compile_model(content, "2.1")
    (layer,) = model.layers
    assert isinstance(layer, ConvolutionLayer)
    assert isinstance(layer.requantization, TwoSteps)
    assert layer.doubts
    source = numbers.integers(-128, 128, (1, 8, 8, 8), dtype=np.int8)
    big = replace(layer.requantization, multipliers=layer.requantization.multipliers + 900)
    strange = replace(layer, requantization=big)
    zeroed = np.where(np.arange(8) == 7, 0, big.multipliers)
    (told,) = strange.compute([source], "half-away")
    (got,) = replace(strange, requantization=replace(big, multipliers=zeroed)).compute(
        [source], "half-away"
    )
    assert not np.array_equal(got, told)
    case = Case(strange, [source], got, told, told, [], "half-away")
    cause = cause_of(case, Judge(content, model))
    assert cause.names == (COARSE,)
    assert "multiplier 0 for 1 channels" in cause.evidence


@pytest.mark.parametrize(
    ("apart", "name"), [(1, SOFTWARE_EPOCH), (2, UNEXPLAINED), (90, UNEXPLAINED)]
)
def test_the_processor_may_differ_by_a_step_and_more_is_a_fault(apart: int, name: str) -> None:
    options = {"SoftmaxOptions": {"beta": 1.0}}
    content = single("SOFTMAX", [q((1, 8), 0.1, 0)], q((1, 8), 1 / 256, -128), options)
    (layer,) = compile_model(content, "4.0").layers
    source = np.arange(8, dtype=np.int8)[None]
    (want,) = layer.compute([source], "half-away")
    got = (want.astype(np.int64) + apart).astype(np.int8)
    cause = cause_of(
        Case(layer, [source], got, want, want, [], "half-away"),
        Judge(content, compile_model(content, "4.0")),
    )
    assert cause.names == (name,)
    assert cause.gives_budget == (apart == 1)


def test_floats_are_counted_in_steps_of_the_bytes_behind_them() -> None:
    tensor = builder().Tensor
    content = single("DEQUANTIZE", [q((1, 8), 0.1, 0)], tensor((1, 8), None, 0, None, "float32"))
    model = compile_model(content, "4.0")
    (layer,) = model.layers
    source = np.arange(8, dtype=np.int8)[None]
    (want,) = layer.compute([source], "half-away")
    got = (want + np.float32(0.5)).astype(np.float32)
    case = Case(layer, [source], got, want, want, [], "half-away", 0.1)
    assert cause_of(case, Judge(content, model)).names == (UNEXPLAINED,)


def test_a_step_of_the_processor_that_others_are_fused_with_allows_nothing_and_accuses_nobody() -> (
    None
):
    options = {"SoftmaxOptions": {"beta": 1.0}}
    content = single("SOFTMAX", [q((1, 8), 0.1, 0)], q((1, 8), 1 / 256, -128), options)
    model = compile_model(content, "4.0")
    (layer,) = model.layers
    source = np.arange(8, dtype=np.int8)[None]
    (want,) = layer.compute([source], "half-away")
    inner = [Inner(layer, [source], want)]
    case = Case(layer, [source], (want + 9).astype(np.int8), want, want, inner, "half-away")
    cause = cause_of(case, Judge(content, model))
    assert (cause.names, cause.is_fault, cause.gives_budget) == ((NOT_MODELLED,), False, False)
