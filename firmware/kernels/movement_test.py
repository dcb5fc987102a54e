"""What moves or converts bytes: against NumPy, and the conversions against both references.

SPDX-License-Identifier: MIT
"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
import testing_kernels as k
import testing_ops as ops
import testing_structures as cs
from hypothesis import given, settings
from hypothesis import strategies as st
from testing_data import JUDGES, Values
from testing_models import Tensor, single_op

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(*[st.integers(1, 5)] * 4)
FOUR = cs.I32 * 4


@given(shape=st.tuples(*[st.integers(1, 4)] * 6), order=st.permutations(range(6)), seed=SEEDS)
def test_transpose(
    kernels: ctypes.CDLL, shape: tuple[int, ...], order: list[int], seed: int
) -> None:
    x = Values(seed).steps(*shape)
    want = np.transpose(x, order)
    np.testing.assert_array_equal(ops.transpose(kernels, x, order), want)


@given(
    shape=SHAPES,
    around=st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 4),
    value=st.integers(-128, 127),
    seed=SEEDS,
)
def test_pad(
    kernels: ctypes.CDLL,
    shape: tuple[int, ...],
    around: tuple[tuple[int, int], ...],
    value: int,
    seed: int,
) -> None:
    x = Values(seed).steps(*shape)
    want = np.pad(x, around, constant_values=value)
    op = cs.Pad(FOUR(*shape), FOUR(*(a for a, _ in around)), FOUR(*(b for _, b in around)), value)
    got = np.empty(want.shape, np.int8)
    kernels.nj_pad_s8(ctypes.byref(op), k.pointer(x), k.pointer(got))
    np.testing.assert_array_equal(got, want)


@given(
    shape=SHAPES, axis=st.integers(0, 3), sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4)
)
def test_concatenation(
    kernels: ctypes.CDLL, shape: tuple[int, ...], axis: int, sizes: list[int]
) -> None:
    values = Values(len(sizes))
    parts = [values.steps(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
    want = np.concatenate(parts, axis)
    outer = int(np.prod(shape[:axis]))
    lengths = np.array([part.size // outer for part in parts], np.int32)
    pointers = (ctypes.c_void_p * len(parts))(*(part.ctypes.data for part in parts))
    op = cs.Concatenation(len(parts), outer, k.pointer(lengths))
    got = np.empty(want.shape, np.int8)
    kernels.nj_concatenation_s8(ctypes.byref(op), pointers, k.pointer(got))
    np.testing.assert_array_equal(got, want)


@given(count=st.integers(0, 70), seed=SEEDS)
def test_lookup_and_copy(kernels: ctypes.CDLL, count: int, seed: int) -> None:
    values = Values(seed)
    table, x = values.steps(256), values.steps(count)
    np.testing.assert_array_equal(ops.lookup(kernels, table, x), table[x.astype(int) + 128])
    got = np.zeros(count + 1, np.int8)
    kernels.nj_copy_s8(k.pointer(x), k.pointer(got), ctypes.c_size_t(count))
    np.testing.assert_array_equal(got, [*x, 0])


@pytest.mark.parametrize("judge", JUDGES)
@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_quantize(kernels: ctypes.CDLL, judge: str, seed: int) -> None:
    values, count = Values(seed), 400
    q = values.quantization()
    x = (values.rng.standard_normal(count) * 60 * q.scale).astype(np.float32)
    x[:200] = ((values.rng.integers(-300, 300, 200) + 0.5) * q.scale).astype(np.float32)
    x[:3] = 1e6, -1e6, 0.0
    got = ops.quantize(kernels, x, q)
    tensors = [Tensor((count,), dtype="float32"), Tensor((count,), q.scale, q.zero_point)]
    model = single_op("QUANTIZE", tensors, [0], [1], {"QuantizeOptions": {}})
    np.testing.assert_array_equal(got, JUDGES[judge](model, [x]))


def test_quantize_saturates_where_the_reference_is_undefined(kernels: ctypes.CDLL) -> None:
    x = np.array([np.inf, -np.inf, 3e38, -3e38, np.nan], np.float32)
    got = ops.quantize(kernels, x, ops.Q(1e-3, 5))
    assert got.tolist() == [127, -128, 127, -128, -128]
    unsigned = ops.quantize_u8(kernels, x, ops.Q(1e-3, 5))
    assert unsigned.view(np.uint8).tolist() == [255, 0, 255, 0, 0]


@pytest.mark.parametrize("judge", JUDGES)
@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_dequantize(kernels: ctypes.CDLL, judge: str, seed: int) -> None:
    q = Values(seed).quantization()
    x = np.arange(-128, 128).astype(np.int8)
    got = ops.dequantize(kernels, x, q)
    tensors = [Tensor((256,), q.scale, q.zero_point), Tensor((256,), dtype="float32")]
    model = single_op("DEQUANTIZE", tensors, [0], [1], {"DequantizeOptions": {}}, 2)
    np.testing.assert_array_equal(got, JUDGES[judge](model, [x]))
