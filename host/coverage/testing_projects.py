"""For tests: a small model whose tables are read where its inputs say, and its firmware."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.bundle import Subject
from host.compare.prepare import prepare
from host.project import Project
from model_gen.codegen.testing.models import builder

_TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch", "gcc")
needs_board = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in _TOOLS), reason=f"needs {', '.join(_TOOLS)}"
)


def model() -> bytes:
    """float32 [1, 6, 5, 3] through convolution, sigmoid and dense layer; int8 [1, 4] through tanh.

    Ops: 0 QUANTIZE, 1 CONV_2D, 2 LOGISTIC, 3 RESHAPE (folded away), 4 FULLY_CONNECTED, 5 TANH.
    """
    rng = np.random.default_rng(3)
    tensor = builder().Tensor

    def weights(shape: tuple[int, ...]) -> Any:
        data = rng.integers(-127, 128, shape).astype(np.int8)
        return tensor(shape, rng.uniform(0.002, 0.02, shape[0]), data=data, axis=0)

    def biases(count: int) -> Any:
        return tensor((count,), data=rng.integers(-500, 500, count, np.int32), dtype="int32")

    tensors = [
        tensor((1, 6, 5, 3), dtype="float32"),  # 0: input
        tensor((1, 4), 0.05, 2),  # 1: input
        tensor((1, 6, 5, 3), 0.03, 5),  # 2
        weights((8, 3, 2, 3)),
        biases(8),
        tensor((1, 4, 4, 8), 0.05, -4),  # 5
        tensor((1, 4, 4, 8), 1 / 256, -128),  # 6
        tensor((1, 128), 1 / 256, -128),  # 7
        tensor((2,), data=np.array([1, 128], np.int32), dtype="int32"),
        weights((6, 128)),
        biases(6),
        tensor((1, 6), 0.06, 3),  # 11: output
        tensor((1, 4), 1 / 128, 0),  # 12: output
    ]
    window = {"padding": 1, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    ops = [
        ("QUANTIZE", [0], [2], {"QuantizeOptions": {}}, 1),
        ("CONV_2D", [2, 3, 4], [5], {"Conv2DOptions": window}, 3),
        ("LOGISTIC", [5], [6], None, 2),
        ("RESHAPE", [6, 8], [7], {"ReshapeOptions": {"newShape": [1, 128]}}, 1),
        ("FULLY_CONNECTED", [7, 9, 10], [11], {"FullyConnectedOptions": {}}, 4),
        ("TANH", [1], [12], None, 2),
    ]
    made: bytes = builder().model(ops, tensors)
    return made


def build(folder: Path, board: str = "virtual") -> tuple[Subject, Project]:
    """The model and its firmware, made in `folder`."""
    path = folder / "tables.tflite"
    path.write_bytes(model())
    return prepare(path, board, out=folder / board)
