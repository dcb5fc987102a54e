"""uint8 at a model's ends against both judges; uint8 inside of a network is refused, with what to do."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.compare.layers import read_structure
from host.compare.vectors import random_inputs
from host.errors import BadInput
from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.testing.host_model import HostModel
from model_gen.codegen.testing.models import RULES, builder, edited, judge
from model_gen.codegen.testing.single_ops import SINGLE_OPS, constant, q
from model_gen.codegen.tflite.advice import UINT8

# Of SINGLE_OPS, those that are the same memory under another shape.
MOVES_NOTHING = {"squeeze", "expand_dims", "strided_slice_idle"}


def ends() -> bytes:
    """int8 between two ports of uint8, the first under another shape; all steps of both fit."""
    unsigned = partial(builder().Tensor, dtype="uint8")
    tensors = [
        unsigned((4, 256), 0.05, 130),
        constant([1024]),
        unsigned((1024,), 0.05, 130),
        q((1024,), 0.05, 2),
        q((1024,), 1 / 128, 0),
        unsigned((1024,), 1 / 100, 7),
    ]
    ops: list[Any] = [
        ("RESHAPE", [0, 1], [2], {"ReshapeOptions": {}}, 1),
        ("QUANTIZE", [2], [3], {"QuantizeOptions": {}}, 1),
        ("TANH", [3], [4], None, 1),
        ("QUANTIZE", [4], [5], {"QuantizeOptions": {}}, 1),
    ]
    return bytes(builder().model(ops, tensors))


@pytest.mark.parametrize("rounding", RULES)
def test_uint8_ends_are_exact(rounding: str, tmp_path: Path) -> None:
    model = ends()
    reference, host = judge(model, rounding), HostModel(model, tmp_path, rounding=rounding)
    (drawn,) = random_inputs(reference.inputs, 1, 3)
    assert np.unique(drawn[0]).size > 240
    want, got = reference.run(list(drawn)), host.run(list(drawn))
    assert got.outputs[0].dtype == np.uint8
    for layer in read_structure(model).layers[1:]:
        np.testing.assert_array_equal(got.taps[layer.tensor], want[layer.tensor])
    np.testing.assert_array_equal(got.outputs[0], want[5])


@pytest.mark.parametrize("name", SINGLE_OPS)
def test_uint8_throughout_is_refused_with_what_to_do(name: str) -> None:
    def unsigned(model: Any, schema: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            if tensor.type == schema.TensorType.INT8:
                tensor.type = schema.TensorType.UINT8
                tensor.quantization.zeroPoint = tensor.quantization.zeroPoint + 128

    model = edited(SINGLE_OPS[name](), unsigned)
    if name in MOVES_NOTHING:
        plan_model(model)
        return
    with pytest.raises(BadInput, match="uint8") as caught:
        plan_model(model)
    assert caught.value.next_step == UINT8
