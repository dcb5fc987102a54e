"""Pools, MEAN and SOFTMAX against both references. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
import testing_kernels as k
import testing_ops as ops
from hypothesis import given, settings
from hypothesis import strategies as st
from testing_data import JUDGES, Values
from testing_models import Tensor, single_op

SEEDS = st.integers(0, 2**32 - 1)
SIZE = st.integers(1, 9)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("name", ["average_pool_2d", "max_pool_2d"])
@given(
    image=st.tuples(SIZE, SIZE, SIZE),
    window=st.tuples(SIZE, SIZE),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    same=st.booleans(),
    activation=st.integers(0, 3),
    seed=SEEDS,
)
@settings(max_examples=40, deadline=None)
def test_pool(
    kernels: ctypes.CDLL,
    judge: str,
    name: str,
    image: tuple[int, int, int],
    window: tuple[int, int],
    stride: tuple[int, int],
    same: bool,
    activation: int,
    seed: int,
) -> None:
    values = Values(seed)
    x, q = values.steps(1, *image), values.quantization()
    size = (min(window[0], image[0]), min(window[1], image[1]))
    geometry = k.Geometry(stride, (1, 1), same, activation)
    got = ops.pool(kernels, name, x, size, geometry, q)
    tensors = [Tensor(shape, q.scale, q.zero_point) for shape in (x.shape, got.shape)]
    fields = {
        "padding": 0 if same else 1,
        "strideH": stride[0],
        "strideW": stride[1],
        "filterHeight": size[0],
        "filterWidth": size[1],
        "fusedActivationFunction": activation,
    }
    model = single_op(name.upper(), tensors, [0], [1], {"Pool2DOptions": fields}, 2)
    np.testing.assert_array_equal(got, JUDGES[judge](model, [x]))


@pytest.mark.parametrize("judge", JUDGES)
@given(
    shape=st.tuples(st.just(1), SIZE, st.integers(1, 40), SIZE),
    axes=st.sampled_from([(1, 2), (2,), (1,), (3,), (1, 2, 3), (2, 3)]),
    keep=st.booleans(),
    seed=SEEDS,
)
@settings(max_examples=200, deadline=None)
def test_mean(
    kernels: ctypes.CDLL,
    judge: str,
    shape: tuple[int, int, int, int],
    axes: tuple[int, ...],
    keep: bool,
    seed: int,
) -> None:
    values = Values(seed)
    x, source = values.steps(*shape), values.quantization()
    target = source if seed % 3 == 0 else values.quantization()
    got = ops.mean(kernels, x, axes, source, target, k.DOUBLE)
    if not keep:
        got = got.reshape([shape[d] for d in range(4) if d not in axes])
    tensors = [
        Tensor(shape, source.scale, source.zero_point),
        Tensor((len(axes),), data=np.array(axes), dtype="int32"),
        Tensor(got.shape, target.scale, target.zero_point),
    ]
    model = single_op("MEAN", tensors, [0, 1], [2], {"ReducerOptions": {"keepDims": keep}}, 2)
    np.testing.assert_array_equal(got, JUDGES[judge](model, [x]))


@pytest.mark.parametrize("judge", JUDGES)
@given(
    rows=st.integers(1, 4),
    depth=st.integers(1, 300),
    scale=st.floats(1e-5, 4.0),
    beta=st.sampled_from([1.0, 0.5, 2.5]),
    seed=SEEDS,
)
@settings(max_examples=200, deadline=None)
def test_softmax(
    kernels: ctypes.CDLL, judge: str, rows: int, depth: int, scale: float, beta: float, seed: int
) -> None:
    values = Values(seed)
    x = values.steps(rows, depth)
    got = ops.softmax(kernels, x, scale, beta)
    tensors = [Tensor(x.shape, scale, values.zero_point()), Tensor(x.shape, 1 / 256, -128)]
    model = single_op("SOFTMAX", tensors, [0], [1], {"SoftmaxOptions": {"beta": beta}}, 2)
    np.testing.assert_array_equal(got, JUDGES[judge](model, [x]))
