"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED against both references. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
import testing_kernels as k
import testing_layers as layers
import testing_ops as ops
from hypothesis import given, settings
from hypothesis import strategies as st
from testing_data import FULLY_CONNECTED_ROUNDING, JUDGES, Values
from testing_models import Tensor, single_op

SEEDS = st.integers(0, 2**32 - 1)
PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))


def options(geometry: k.Geometry) -> dict[str, int]:
    return {
        "padding": 0 if geometry.same else 1,
        "strideH": geometry.stride[0],
        "strideW": geometry.stride[1],
        "dilationHFactor": geometry.dilation[0],
        "dilationWFactor": geometry.dilation[1],
        "fusedActivationFunction": geometry.activation,
    }


@st.composite
def geometries(draw: st.DrawFn) -> tuple[k.Geometry, tuple[int, int], tuple[int, int]]:
    """A geometry with an image and a window that fit it."""
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (1, 3), (2, 2)]))
    # Stride and dilation together are not allowed by TFLite's converter, but its kernels take them.
    geometry = k.Geometry(draw(PAIR), dilation, draw(st.booleans()), draw(st.integers(0, 3)))
    window = draw(PAIR)
    extent = [(w - 1) * d + 1 for w, d in zip(window, dilation, strict=True)]
    return geometry, (draw(st.integers(extent[0], 10)), draw(st.integers(extent[1], 10))), window


def same_packed(
    kernels: ctypes.CDLL,
    name: str,
    x: ops.Int8,
    weights: ops.Int8,
    bias: np.ndarray,
    quantization: tuple[ops.Q, list[float], ops.Q],
    geometry: k.Geometry,
    got: ops.Int8,
) -> None:
    """The kernel with packed weights agrees, where it takes the convolution."""
    packed = layers.packed_convolution(kernels, name, x, weights, bias, quantization, geometry)
    if packed is not None:
        np.testing.assert_array_equal(packed, got)


@pytest.mark.parametrize("judge", JUDGES)
@given(place=geometries(), ic=st.integers(1, 9), oc=st.integers(1, 9), seed=SEEDS)
@settings(max_examples=150, deadline=None)
def test_conv_2d(
    kernels: ctypes.CDLL,
    judge: str,
    place: tuple[k.Geometry, tuple[int, int], tuple[int, int]],
    ic: int,
    oc: int,
    seed: int,
) -> None:
    geometry, image, size = place
    values = Values(seed)
    x, weights = values.steps(1, *image, ic), values.steps(oc, *size, ic)
    source, target = values.quantization(), values.quantization(0.1, 8.0)
    scales = [values.scale() for _ in range(oc)]
    bias = values.rng.integers(-(2**18), 2**18, oc).astype(np.int32)
    quantization = (source, scales, target)
    got = layers.convolution(kernels, "conv_2d", x, weights, bias, quantization, geometry)
    same_packed(kernels, "conv_2d", x, weights, bias, quantization, geometry, got)
    tensors = [
        Tensor(x.shape, source.scale, source.zero_point),
        Tensor(weights.shape, scales, 0, weights),
        Tensor((oc,), [source.scale * s for s in scales], 0, bias, "int32"),
        Tensor(got.shape, target.scale, target.zero_point),
    ]
    model = single_op("CONV_2D", tensors, [0, 1, 2], [3], {"Conv2DOptions": options(geometry)}, 3)
    np.testing.assert_array_equal(got, JUDGES[judge](model, [x]))


@pytest.mark.parametrize("judge", JUDGES)
@given(place=geometries(), ic=st.integers(1, 6), multiplier=st.integers(1, 3), seed=SEEDS)
@settings(max_examples=150, deadline=None)
def test_depthwise_conv_2d(
    kernels: ctypes.CDLL,
    judge: str,
    place: tuple[k.Geometry, tuple[int, int], tuple[int, int]],
    ic: int,
    multiplier: int,
    seed: int,
) -> None:
    geometry, image, size = place
    values = Values(seed)
    oc = ic * multiplier
    x, weights = values.steps(1, *image, ic), values.steps(1, *size, oc)
    source, target = values.quantization(), values.quantization(0.1, 4.0)
    scales = [values.scale() for _ in range(oc)]
    bias = values.rng.integers(-(2**16), 2**16, oc).astype(np.int32)
    quantization = (source, scales, target)
    got = layers.convolution(kernels, "depthwise_conv_2d", x, weights, bias, quantization, geometry)
    same_packed(kernels, "depthwise_conv_2d", x, weights, bias, quantization, geometry, got)
    tensors = [
        Tensor(x.shape, source.scale, source.zero_point),
        Tensor(weights.shape, scales, 0, weights, axis=3),
        Tensor((oc,), [source.scale * s for s in scales], 0, bias, "int32"),
        Tensor(got.shape, target.scale, target.zero_point),
    ]
    fields = options(geometry) | {"depthMultiplier": multiplier}
    model = single_op(
        "DEPTHWISE_CONV_2D", tensors, [0, 1, 2], [3], {"DepthwiseConv2DOptions": fields}, 3
    )
    np.testing.assert_array_equal(got, JUDGES[judge](model, [x]))


def judged_fully_connected(
    kernels: ctypes.CDLL,
    judge: str,
    x: ops.Int8,
    weights: ops.Int8,
    bias: np.ndarray,
    quantization: tuple[ops.Q, list[float], ops.Q],
    activation: int = 0,
) -> tuple[ops.Int8, ops.Int8]:
    """What the kernel and the judge compute."""
    source, scales, target = quantization
    rounding = FULLY_CONNECTED_ROUNDING[judge]
    got = layers.fully_connected(kernels, x, weights, bias, quantization, activation, rounding)
    single = len(set(scales)) == 1
    tensors = [
        Tensor(x.shape, source.scale, source.zero_point),
        Tensor(weights.shape, scales[0] if single else scales, 0, weights),
        Tensor(
            (len(bias),),
            source.scale * scales[0] if single else [source.scale * s for s in scales],
            0,
            bias,
            "int32",
        ),
        Tensor(got.shape, target.scale, target.zero_point),
    ]
    fields = {"fusedActivationFunction": activation}
    model = single_op(
        "FULLY_CONNECTED", tensors, [0, 1, 2], [3], {"FullyConnectedOptions": fields}, 4
    )
    return got, JUDGES[judge](model, [x])


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("per_channel", [False, True])
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 70), st.integers(1, 12)),
    activation=st.integers(0, 3),
    seed=SEEDS,
)
@settings(max_examples=100, deadline=None)
def test_fully_connected(
    kernels: ctypes.CDLL,
    judge: str,
    per_channel: bool,
    shape: tuple[int, int, int],
    activation: int,
    seed: int,
) -> None:
    batches, inputs, outputs = shape
    values = Values(seed)
    x, weights = values.steps(batches, inputs), values.steps(outputs, inputs)
    source, target = values.quantization(), values.quantization(0.1, 8.0)
    scales = [values.scale()] * outputs
    if per_channel:
        scales = [values.scale() for _ in range(outputs)]
    bias = values.rng.integers(-(2**18), 2**18, outputs).astype(np.int32)
    got, want = judged_fully_connected(
        kernels, judge, x, weights, bias, (source, scales, target), activation
    )
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("seed", range(8))
def test_accumulators_near_ties(kernels: ctypes.CDLL, judge: str, seed: int) -> None:
    """Where the rounding rules differ: the bias alone makes the accumulators."""
    values = Values(seed)
    source, target = values.quantization(), values.quantization()
    scale, count = values.scale(), 1500
    bias = values.near_ties(k.convolution_scale(source.scale, scale, target.scale), count)
    x = np.full((1, 4), source.zero_point, np.int8)
    weights = np.zeros((count, 4), np.int8)
    quantization = (source, [scale] * count, target)
    got, want = judged_fully_connected(kernels, judge, x, weights, bias, quantization)
    np.testing.assert_array_equal(got, want)


def test_real_rounding_is_not_an_integer_rule(kernels: ctypes.CDLL) -> None:
    """A scale of 1/10 has no 31-bit multiplier that rounds the ties 5, 15, 25 ... as a double does."""
    bias = (np.arange(-60, 60) * 10 + 5).astype(np.int32)
    weights = np.zeros((len(bias), 4), np.int8)
    x = np.zeros((1, 4), np.int8)
    quantization = (ops.Q(1.0), [1.0] * len(bias), ops.Q(10.0))
    got, want = judged_fully_connected(kernels, "tflite", x, weights, bias, quantization)
    np.testing.assert_array_equal(got, want)
    other = layers.fully_connected(kernels, x, weights, bias, quantization, 0, k.SINGLE)
    assert (other != want).any()


@pytest.mark.parametrize("rounding", [k.SINGLE, k.DOUBLE])
@given(
    accs=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=50),
    multiplier=st.integers(2**29, 2**31 - 1),
    shift=st.integers(-31, 0),
)
def test_requantization_over_all_accumulators(
    kernels: ctypes.CDLL, rounding: int, accs: list[int], multiplier: int, shift: int
) -> None:
    """Both integer rules, from their formulas in whole numbers."""

    def expected(acc: int) -> int:
        if rounding == k.SINGLE:
            total = 31 - shift
            return (acc * multiplier + (1 << (total - 1))) >> total
        high = (acc * multiplier + (1 << 30)) >> 31
        half = (1 << -shift) >> 1
        return (high + half) >> -shift if high >= 0 else -((-high + half) >> -shift)

    scale = ops.requants([(multiplier, shift)] * len(accs))
    got = ops.requantize(kernels, np.array(accs, np.int32), scale, rounding)
    assert got.tolist() == [max(-128, min(127, expected(acc))) for acc in accs]
