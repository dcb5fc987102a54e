"""DIV by what is computed, against tflite-micro, and what is refused of it; random_ops_test.py draws constants."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.cm55.exactness_test import check
from model_gen.codegen.cm55.ops.division import reciprocal
from model_gen.codegen.testing.models import builder, single
from model_gen.codegen.testing.single_ops import q


def softsign(constant: int = 127) -> bytes:
    """x / (1 + |x|), as a converter quantizes it; `constant` is the step of the 1."""
    one = builder().Tensor((1,), 1 / 255, -128, data=np.array([constant], np.int8))
    tensors = [q((4, 64), 0.05, 3), q((4, 64), 0.05, -128), one, q((4, 64), 0.06, -128)]
    ops: list[Any] = [
        ("ABS", [0], [1], None, 1),
        ("ADD", [1, 2], [3], {"AddOptions": {}}, 1),
        ("DIV", [0, 3], [4], {"DivOptions": {}}, 2),
    ]
    return bytes(builder().model(ops, [*tensors, q((4, 64), 1 / 128, 0)]))


def by(steps: list[int], scale: float = 0.02) -> bytes:
    divisor = builder().Tensor((len(steps),), scale, 5, data=np.array(steps, np.int8))
    return single("DIV", [q((4, len(steps))), divisor], q((4, len(steps)), 0.1), {"DivOptions": {}})


def test_softsign_is_exact(tmp_path: Path) -> None:
    check(softsign(), tmp_path, rounding="tflm")


@pytest.mark.parametrize(
    ("model", "rounding", "why", "step"),
    [
        (softsign(), "tflite", "ends the run where a divisor's step is 0", "--rounding tflm"),
        (softsign(-120), "tflm", "its divisor may be zero", "a sum with a constant"),
        (by([1, 5]), "tflm", "its divisor may be zero", "a constant"),
        (by([1, 0]), "tflite", "a divisor's step is 0", "--rounding tflm"),
        (by([1, 2], 1e6), "tflite", "the ratio of its scales", ""),
    ],
    ids=["step 0", "near zero", "zero", "constant step 0", "ratio"],
)
def test_what_is_refused(model: bytes, rounding: str, why: str, step: str) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        plan_model(model, rounding=rounding)
    assert step in (caught.value.next_step or "")


@pytest.mark.parametrize("divisor", [1, 2, 3, 77, 128, 255])
def test_reciprocal(divisor: int) -> None:
    multiplier, exponent = reciprocal(divisor)
    assert multiplier * 2.0 ** -(31 + exponent) == pytest.approx(1 / divisor, rel=1e-8)
