"""For tests: small .tflite files packed by hand, with any wiring. Needs TensorFlow's schema."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import pytest

from host.installed import FIRMWARE
from host.reference.micro import MicroModel
from host.reference.model import ReferenceModel


def builder() -> Any:
    """The kernels' own test helper: Tensor, model(), single_op(), run_tflm()."""
    folder = str(FIRMWARE / "kernels")
    if folder not in sys.path:
        sys.path.insert(0, folder)  # firmware/ is no package
    return importlib.import_module("testing_models")


_NO_MICRO = importlib.util.find_spec("tflite_micro") is None
# Whose rounding rules, for parametrize.
RULES = (
    "tflite",
    pytest.param("tflm", marks=pytest.mark.skipif(_NO_MICRO, reason="needs tflite-micro")),
)


def judge(model: bytes, rounding: str) -> ReferenceModel | MicroModel:
    """The reference of these rounding rules."""
    return MicroModel(model) if rounding == "tflm" else ReferenceModel(model)


def rewired(
    content: bytes, *, inputs: list[int] | None = None, outputs: list[int] | None = None
) -> bytes:
    """The model with other tensors as its inputs or outputs."""
    import numpy as np

    def wire(model: Any, _: Any) -> None:
        graph = model.subgraphs[0]
        if inputs is not None:
            graph.inputs = np.array(inputs, np.int32)
        if outputs is not None:
            graph.outputs = np.array(outputs, np.int32)

    return edited(content, wire)


def changed(content: bytes, tensor: int, change: Callable[[Any, Any], None]) -> bytes:
    """The model after `change` of one of its tensors; gets the TensorT and the schema's module."""
    return edited(content, lambda model, schema: change(model.subgraphs[0].tensors[tensor], schema))


def edited(content: bytes, edit: Callable[[Any, Any], None]) -> bytes:
    """The model after `edit`, which gets the ModelT and the schema's module."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    edit(model, schema)
    packed = flatbuffers.Builder(1024)
    packed.Finish(model.Pack(packed), b"TFL3")
    return bytes(packed.Output())


def single(
    op: str,
    operands: list[Any],
    output: Any,
    options: dict[str, dict[str, Any]] | None = None,
    *,
    version: int = 1,
) -> bytes:
    """A model of one op: `operands` in order (None for one left out), then its output."""
    tensors = [t for t in operands if t is not None]
    places = iter(range(len(tensors)))
    inputs = [-1 if t is None else next(places) for t in operands]
    return bytes(
        builder().single_op(op, [*tensors, output], inputs, [len(tensors)], options, version)
    )
