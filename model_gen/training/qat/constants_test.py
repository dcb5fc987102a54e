"""Ops of layers with kernels of equal bits, which their values cannot tell apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from model_gen.codegen.tflite.graph import Graph, Op, Tensor
from model_gen.codegen.tflite.options import FullyConnectedOptions
from model_gen.runtime import tensorflow
from model_gen.training.qat.constants import constants_of


def _model(biases: Sequence[float]) -> Any:
    """Dense layers d0, d1 and so on in a row, each with the kernel of all the others."""
    tensorflow()
    import keras

    x = sound = keras.Input((4,))
    for number in range(len(biases)):
        x = keras.layers.Dense(4, name=f"d{number}")(x)
    model = keras.Model(sound, x)
    for layer, bias in zip(model.layers[1:], biases, strict=True):
        layer.set_weights([np.eye(4, dtype=np.float32), np.full(4, bias, np.float32)])
    return model


def _graph(biases: Sequence[float]) -> Graph:
    """What the converter makes of it: one constant of the kernel, and none of a bias of 0."""
    kernel = Tensor(0, "kernel", (4, 4), "float32", None, np.eye(4, dtype=np.float32))
    tensors, ops = [kernel], []
    for number, bias in enumerate(biases):
        value = np.full(4, bias, np.float32)
        tensors.append(Tensor(len(tensors), f"b{number}", (4,), "float32", None, value))
        ops.append(
            Op(
                number,
                "FULLY_CONNECTED",
                (-1, 0, len(tensors) - 1 if bias else -1),
                (),
                FullyConnectedOptions(),
            )
        )
    return Graph(tuple(tensors), tuple(ops), (), ())


@pytest.mark.parametrize(
    ("layers", "ops"),
    [
        ((1.0, 2.0, 3.0), (1.0, 2.0, 3.0)),
        ((0.0, 0.0, 5.0), (0.0, 0.0, 5.0)),
        ((5.0, 0.0, 5.0), (5.0, 0.0, 5.0)),
    ],
)
def test_each_op_is_of_a_layer_of_its_own(layers: Sequence[float], ops: Sequence[float]) -> None:
    found = constants_of(_graph(ops), _model(layers))
    assert [found.kernels[op].layer for op in range(3)] == ["d0", "d1", "d2"]
    assert [found.biases[op].layer for op in range(3)] == ["d0", "d1", "d2"]


def test_a_layer_is_told_by_its_bias_and_used_again_where_no_other_is_left() -> None:
    found = constants_of(_graph((2.0, 2.0, 1.0, 7.0)), _model((1.0, 2.0)))
    assert [found.kernels[op].layer for op in range(4)] == ["d1", "d1", "d0", "d0"]
    assert {op: layer.layer for op, layer in found.biases.items()} == {0: "d1", 1: "d1", 2: "d0"}
