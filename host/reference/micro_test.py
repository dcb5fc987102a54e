"""The judge of the rules of tflite-micro: what it gives, and how it refuses."""

import sys
from pathlib import Path

import numpy as np
import pytest

from host.errors import BadInput, HostFailure
from host.reference import micro as judge
from host.reference.micro import MicroModel, open_micro
from host.reference.model import ReferenceModel
from model_gen.codegen.testing import keras_models
from model_gen.codegen.testing.models import builder, single

EVERY = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)


def relu_n1_to_1() -> bytes:
    tensor = builder().Tensor((1, 4), 0.01)
    return single("RELU_N1_TO_1", [tensor], tensor)


@pytest.fixture(autouse=True)
def micro(request: pytest.FixtureRequest) -> None:
    if "missing" not in request.node.name:
        pytest.importorskip("tflite_micro")


def test_ports_and_tensors_are_the_models() -> None:
    model = keras_models.quantized("res")
    ours, theirs = MicroModel(model), ReferenceModel(model)
    assert ours.inputs == theirs.inputs
    assert ours.outputs == theirs.outputs
    inputs = [np.full(port.shape, 5, np.int8) for port in ours.inputs]
    got, want = ours.run(inputs), theirs.run(inputs)
    assert {k: (v.shape, v.dtype) for k, v in got.items()} == {
        k: (v.shape, v.dtype) for k, v in want.items()
    }


def test_every_tensor_is_of_the_last_run_and_stays() -> None:
    """An earlier layer's tensor is not what a later layer left in its place, and no view of the interpreter's."""
    model = keras_models.quantized("res")
    judge, fresh = MicroModel(model), MicroModel(model)
    one, two = ([np.full(port.shape, value, np.int8) for port in judge.inputs] for value in (5, 99))
    first = judge.run(one)
    kept = {index: value.copy() for index, value in first.items()}
    second = judge.run(two)
    for index, value in fresh.run(two).items():
        np.testing.assert_array_equal(second[index], value)
        np.testing.assert_array_equal(first[index], kept[index])
    assert any((first[index] != second[index]).any() for index in first)


def test_it_is_not_tflite() -> None:
    """Where one step is 9, tflite-micro takes 0 for far below 0."""
    model = single(
        "LOGISTIC",
        [builder().Tensor((1, 256), 9.0, 11)],
        builder().Tensor((1, 256), 1 / 256, -128),
    )
    assert (open_micro(model).run([EVERY])[1] != ReferenceModel(model).run([EVERY])[1]).any()


def test_an_op_that_it_lacks_is_named() -> None:
    with pytest.raises(BadInput, match="cannot run this model") as refused:
        open_micro(relu_n1_to_1())
    assert "Didn't find op for builtin opcode 'RELU_N1_TO_1'" in refused.value.evidence
    assert "--rounding tflite" in refused.value.next_step


def test_a_model_that_ends_its_process_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -ABRT $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(judge, "_survived", set())  # another test may have tried it
    with pytest.raises(BadInput, match="cannot run this model") as refused:
        open_micro(keras_models.quantized("res"))
    assert "SIGABRT" in refused.value.evidence


def test_damaged_bytes_are_refused() -> None:
    with pytest.raises(BadInput, match="cannot run this model"):
        open_micro(relu_n1_to_1()[:40])


def test_wrong_inputs_are_refused() -> None:
    judge = MicroModel(keras_models.quantized("res"))
    with pytest.raises(BadInput, match="the model takes int8"):
        judge.run([np.zeros(3, np.int8)])


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    with pytest.raises(HostFailure, match="tflite-micro, which is not installed") as refused:
        open_micro(relu_n1_to_1())
    assert "pip install" in refused.value.next_step
