"""A float input sees what an input of its QUANTIZE's type would see."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.bundle import Subject
from host.compare.float_steps import FloatSteps, float_steps
from host.compare.vectors import make_vectors, random_inputs
from host.compare.vectors_test import Input
from model_gen.codegen.testing.models import builder
from model_gen.codegen.testing.single_ops import constant, q


def quantized(scale: float, zero_point: int) -> bytes:
    """float32 [4, 256], under another shape, then steps."""
    tensor = builder().Tensor
    tensors = [
        tensor((4, 256), dtype="float32"),
        constant([1024]),
        tensor((1024,), dtype="float32"),
        tensor((1024,), scale, zero_point),
    ]
    ops: list[Any] = [
        ("RESHAPE", [0, 1], [2], {"ReshapeOptions": {}}, 1),
        ("QUANTIZE", [2], [3], {"QuantizeOptions": {}}, 1),
    ]
    return bytes(builder().model(ops, tensors))


PORT = Input("image", (4, 256), np.dtype(np.float32))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(("scale", "zero"), [(1.0, 0), (0.0034, 100), (1e-30, 3), (3e20, 17)])
def test_float_inputs_become_the_steps_of_a_twin(scale: float, zero: int, dtype: str) -> None:
    steps = FloatSteps(float(np.float32(scale)), zero, dtype)
    floats = random_inputs([PORT], 3, 7, [steps])
    twins = random_inputs([Input("twin", PORT.shape, np.dtype(dtype))], 3, 7)
    limits = np.iinfo(dtype)
    for (values,), (twin,) in zip(floats, twins, strict=True):
        assert values.dtype == np.float32
        # As reference/quantize.h: in float32, half away from zero, then the zero point, then the clamp.
        real = values / np.float32(scale)
        whole = np.copysign(np.floor(np.abs(real) + np.float32(0.5)), real)
        naive = np.clip(whole.astype(np.int64) + zero, limits.min, limits.max)
        np.testing.assert_array_equal(naive, twin)
        np.testing.assert_array_equal(steps.of(values), twin)
        assert np.any(np.abs(real + zero - twin) > 0.5)  # some saturate


def test_vectors_are_drawn_by_the_models_own_quantize() -> None:
    assert float_steps(quantized(1.0, -128)) == (FloatSteps(1.0, -128, "int8"),)
    (vector,) = make_vectors(Subject(Path("m"), quantized(1.0, -128)), [PORT], 1, 0)
    assert np.unique(np.clip(np.rint(vector.inputs[0]), 0, 255)).size > 240


def test_what_is_never_quantized_has_no_steps() -> None:
    model = builder().model([("TANH", [0], [1], None, 1)], [q((1, 4), 0.1), q((1, 4), 1 / 128)])
    assert float_steps(bytes(model)) == (None,)
