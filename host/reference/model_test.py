import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.installed import ROOT
from host.reference.frontend import quantize
from host.reference.model import ReferenceModel

KWS = ROOT / "../shared/data/models/mlperf_tiny_kws_int8.tflite"


def _models() -> Any:
    """The kernels' own maker of small .tflite files; firmware is no package."""
    path = ROOT / "firmware/kernels/testing_models.py"
    spec = importlib.util.spec_from_file_location("testing_models", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["testing_models"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def two_ops() -> bytes:
    """float32 [400] -> QUANTIZE -> RELU."""
    models = _models()
    tensors = [
        models.Tensor((400,), dtype="float32"),
        models.Tensor((400,), scale=0.5, zero_point=-7),
        models.Tensor((400,), scale=0.5, zero_point=-7),
    ]
    operators = [("QUANTIZE", [0], [1], None, 1), ("RELU", [1], [2], None, 2)]
    content = models.model(operators, tensors)
    assert isinstance(content, bytes)
    return content


def test_every_op_output_is_kept_and_quantize_is_tflites(two_ops: bytes) -> None:
    model = ReferenceModel(two_ops)
    values = np.arange(-200, 200, dtype=np.float32) / np.float32(
        4
    )  # all halves of a step among them
    values[:3] = (1e9, -1e9, np.nextafter(np.float32(0.25), np.float32(0)))
    got = model.run([values])
    assert [tuple(op) for op in model.ops] == [(0, "QUANTIZE", (0,), (1,)), (1, "RELU", (1,), (2,))]
    np.testing.assert_array_equal(got[1], quantize(values, 0.5, -7))
    np.testing.assert_array_equal(got[2], np.maximum(got[1], -7))
    assert sorted(got) == [1, 2]
    assert (model.inputs[0].shape, model.inputs[0].dtype) == ((400,), np.dtype(np.float32))
    assert (model.outputs[0].scale, model.outputs[0].zero_point) == (0.5, -7)
    assert model.description.startswith("tensorflow ")
    assert model.description.endswith(" BUILTIN_REF")


def test_wrong_inputs_and_bytes_are_refused(two_ops: bytes) -> None:
    model = ReferenceModel(two_ops)
    for wrong in ([], [np.zeros(400)], [np.zeros(399, np.float32)]):
        with pytest.raises(BadInput, match=r"float32 \[400\]"):
            model.run(wrong)
    with pytest.raises(BadInput, match="does not accept"):
        ReferenceModel(b"not a model")


def test_importing_it_imports_no_tensorflow() -> None:
    code = "import sys, host.reference.model, host.reference.frontend; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_axis_that_a_bias_copied_from_its_weights_is_read_as_0() -> None:
    """TFLite's loader refuses the file; its kernels, and every deployed runtime, do not look at the axis."""
    models = _models()
    values = np.arange(-30, 30, dtype=np.int8).reshape(3, 1, 1, 20)
    tensors = [
        models.Tensor((1, 1, 1, 20), 0.5),
        models.Tensor(values.shape, [0.1, 0.2, 0.3], data=values),
        models.Tensor((3,), [0.05, 0.1, 0.15], data=np.array([5, -6, 7]), dtype="int32", axis=3),
        models.Tensor((1, 1, 1, 3), 9.0),
    ]
    options = {"Conv2DOptions": {"padding": 1, "strideH": 1, "strideW": 1}}
    given = ReferenceModel(models.single_op("CONV_2D", tensors, [0, 1, 2], [3], options, 3))
    tensors[2] = models.Tensor((3,), data=np.array([5, -6, 7]), dtype="int32")
    plain = ReferenceModel(models.single_op("CONV_2D", tensors, [0, 1, 2], [3], options, 3))
    assert (
        given.description
        == f"{plain.description} (the quantized axis of 1 one-dimensional tensors read as 0)"
    )
    image = np.arange(-100, 100, 10, dtype=np.int8).reshape(1, 1, 1, 20)
    np.testing.assert_array_equal(given.run([image])[3], plain.run([image])[3])


@pytest.mark.skipif(not KWS.is_file(), reason="../shared is absent")
def test_a_public_model_gives_a_tensor_an_op() -> None:
    model = ReferenceModel(Path(KWS).read_bytes())
    rng = np.random.default_rng(0)
    given = [rng.integers(-128, 128, tensor.shape, dtype=np.int8) for tensor in model.inputs]
    first, second = model.run(given), model.run(given)
    assert sorted(first) == sorted(output for op in model.ops for output in op.outputs)
    for tensor in first:
        np.testing.assert_array_equal(first[tensor], second[tensor])
