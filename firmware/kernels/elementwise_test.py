"""ADD, SUB and MUL with broadcast against both references. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
import testing_ops as ops
from hypothesis import given, settings
from hypothesis import strategies as st
from testing_data import JUDGES, Values
from testing_models import Tensor, single_op

SHAPES = [
    ((1, 3, 5, 7), (1, 3, 5, 7)),
    ((1, 3, 5, 18), (1, 1, 1, 18)),
    ((1, 1, 5, 1), (1, 3, 1, 7)),
    ((4, 21), (21,)),
    ((1,), (2, 9)),
]


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("name", ["add", "sub", "mul"])
@given(
    shapes=st.sampled_from(SHAPES),
    activation=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=100, deadline=None)
def test_elementwise(
    kernels: ctypes.CDLL,
    judge: str,
    name: str,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    activation: int,
    seed: int,
) -> None:
    values = Values(seed)
    first, second = values.steps(*shapes[0]), values.steps(*shapes[1])
    a, b, target = values.quantization(), values.quantization(), values.quantization(0.003, 0.3)
    got = ops.elementwise(
        kernels, name, (first, second), (a, b, target), activation, tflm=judge == "tflm"
    )
    tensors = [
        Tensor(first.shape, a.scale, a.zero_point),
        Tensor(second.shape, b.scale, b.zero_point),
        Tensor(got.shape, target.scale, target.zero_point),
    ]
    table = {f"{name.capitalize()}Options": {"fusedActivationFunction": activation}}
    model = single_op(name.upper(), tensors, [0, 1], [2], table, 2)
    np.testing.assert_array_equal(got, JUDGES[judge](model, [first, second]))


@pytest.mark.parametrize("judge", JUDGES)
def test_mul_scales_in_the_precision_of_the_reference(kernels: ctypes.CDLL, judge: str) -> None:
    """Scales with exact ties, where float32 and double arithmetic on them part ways."""
    steps = np.arange(-128, 128).astype(np.int8)
    first, second = (np.ascontiguousarray(m) for m in np.meshgrid(steps, steps))
    differing = 0
    rng = np.random.default_rng(2)
    for _ in range(60):
        b, c, e = rng.integers(3, 500), 2 * rng.integers(1, 40), rng.integers(3, 50)
        scales = [float(np.float32(v)) for v in (rng.integers(1, 30) / b, 1 / e, c / b / e * 8)]
        q = tuple(ops.Q(scale) for scale in scales)
        wants = [
            ops.elementwise(kernels, "mul", (first, second), q, 0, 1, t) for t in (False, True)
        ]
        if (wants[0] == wants[1]).all():
            continue
        differing += 1
        tensors = [Tensor((256, 256), scale) for scale in scales]
        model = single_op("MUL", tensors, [0, 1], [2], {"MulOptions": {}}, 2)
        want = JUDGES[judge](model, [first, second])
        np.testing.assert_array_equal(wants[judge == "tflm"], want)
    assert differing
