"""Written models against the reader of .tflite, and against the builder that kernels are tested with."""

import numpy as np
import pytest

from host.reference.model import ReferenceModel
from model_gen.codegen.testing.models import builder
from model_gen.codegen.tflite.reader import read_tflite
from model_gen.codegen.tflite.writer import OpSpec, TensorSpec, write_tflite

_WEIGHTS = np.arange(-12, 12, dtype=np.int8).reshape(3, 2, 1, 4)
_BIAS = np.array([7, -8, 900], np.int32)
_SCALES = (0.5, 0.25, 0.125)


def _ours() -> bytes:
    fields = {"Padding": 1, "StrideH": 1, "StrideW": 2, "FusedActivationFunction": 1}
    fields |= {"DilationHFactor": 1, "DilationWFactor": 1}
    tensors = [
        TensorSpec("x", (1, 5, 6, 4), (0.5,), 3),
        TensorSpec("w", _WEIGHTS.shape, _SCALES, 0, _WEIGHTS),
        TensorSpec("b", (3,), tuple(0.5 * s for s in _SCALES), 0, _BIAS, "int32"),
        TensorSpec("y", (1, 4, 3, 3), (2.0,), -4),
        TensorSpec("z", (1, 4, 3, 3), (4.0,), 5),
    ]
    conv = OpSpec("CONV_2D", (0, 1, 2), (3,), "Conv2DOptions", fields, 3)
    return write_tflite(tensors, [conv, OpSpec("QUANTIZE", (3,), (4,), version=2)])


def _theirs() -> bytes:
    """The same by TensorFlow's own schema."""
    tensor = builder().Tensor
    fields = {"padding": 1, "strideH": 1, "strideW": 2, "fusedActivationFunction": 1}
    fields |= {"dilationHFactor": 1, "dilationWFactor": 1}
    tensors = [
        tensor((1, 5, 6, 4), 0.5, 3),
        tensor(_WEIGHTS.shape, _SCALES, 0, _WEIGHTS),
        tensor((3,), [0.5 * s for s in _SCALES], 0, _BIAS, "int32"),
        tensor((1, 4, 3, 3), 2.0, -4),
        tensor((1, 4, 3, 3), 4.0, 5),
    ]
    conv = ("CONV_2D", [0, 1, 2], [3], {"Conv2DOptions": fields}, 3)
    return bytes(builder().model([conv, ("QUANTIZE", [3], [4], None, 2)], tensors))


def test_the_same_graph_as_by_tensorflows_schema() -> None:
    ours, theirs = read_tflite(_ours()), read_tflite(_theirs())
    assert (ours.ops, ours.inputs, ours.outputs) == (theirs.ops, theirs.inputs, theirs.outputs)
    for one, other in zip(ours.tensors, theirs.tensors, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        assert one.quantization == other.quantization
        np.testing.assert_array_equal(np.asarray(one.value), np.asarray(other.value))
    assert [one.name for one in ours.tensors] == ["x", "w", "b", "y", "z"]


def test_tflite_computes_the_same_from_both() -> None:
    given = np.random.default_rng(1).integers(-128, 128, (1, 5, 6, 4)).astype(np.int8)
    ours, theirs = (ReferenceModel(content).run([given])[4] for content in (_ours(), _theirs()))
    np.testing.assert_array_equal(ours, theirs)
    assert len(np.unique(ours)) > 5


def test_the_same_bytes_again() -> None:
    assert _ours() == _ours()


def test_what_the_schema_does_not_know_is_refused() -> None:
    with pytest.raises(AttributeError):
        write_tflite([TensorSpec("x", (1,), dtype="int7")], [])
