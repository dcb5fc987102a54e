"""A float op between a DEQUANTIZE and a QUANTIZE, against tflite-micro."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.cm55.ops.registry import Constants
from model_gen.codegen.testing.host_model import HostModel
from model_gen.codegen.testing.models import builder, judge, rewired
from model_gen.codegen.testing.single_ops import q

EVERY = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)


def _model(scale: float, out: float, zero: int) -> bytes:
    tensors = [
        q((1, 256), scale, 11),
        builder().Tensor((1, 256), dtype="float32"),
        builder().Tensor((1, 256), dtype="float32"),
        q((1, 256), out, zero),
    ]
    ops: list[Any] = [
        ("DEQUANTIZE", [0], [1], None, 2),
        ("ELU", [1], [2], None, 1),
        ("QUANTIZE", [2], [3], None, 1),
    ]
    return bytes(builder().model(ops, tensors))


def test_elu_between_is_a_table(tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    for number, (scale, out, zero) in enumerate(
        [(0.05, 0.04, -60), (0.0078125, 0.0078125, 0), (0.3, 0.02, -77)]
    ):
        model = _model(scale, out, zero)
        want = judge(model, "tflm").run([EVERY])[3]
        program, _ = plan_model(model, rounding="tflm")
        (step,) = program.steps
        (table,) = (a.values for a in step.kernel.arguments if isinstance(a, Constants))
        np.testing.assert_array_equal(table, want.ravel())
        assert set(program.folded) == {1, 2}
        if number == 0:
            got = HostModel(model, tmp_path, rounding="tflm").run([EVERY]).outputs[0]
            np.testing.assert_array_equal(got, want)


def test_elu_is_refused_where_its_judge_lacks_it_or_its_floats_are_wanted() -> None:
    with pytest.raises(BadInput, match="reference kernels do not have the ELU"):
        plan_model(_model(0.05, 0.04, 0))
    with pytest.raises(BadInput, match="ELU"):
        plan_model(rewired(_model(0.05, 0.04, 0), outputs=[2, 3]), rounding="tflm")
