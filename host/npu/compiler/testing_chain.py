"""For tests: an op of any kind between two convolutions."""

from typing import Any

import numpy as np

from model_gen.codegen.testing.models import builder
from model_gen.codegen.testing.single_ops import q, window

_POINT = window(padding=1, dilationHFactor=1, dilationWFactor=1)


def chain(first: str, options: dict[str, Any] | None) -> bytes:
    """An op of one input and one output between a convolution and another one."""
    tensor = builder().Tensor
    weights = np.array([[3, -5], [90, 7]], np.int8).reshape(2, 1, 1, 2)
    bias = np.zeros(2, np.int32)
    shape = (1, 4, 4, 2)
    tensors = [
        q(shape),
        tensor((2, 1, 1, 2), 0.01, 0, weights),
        tensor((2,), 0.0005, 0, bias, "int32"),
        q(shape, 0.02, -128),
        q(shape, 1 / 256, -128),
        q(shape, 0.004, 0),
    ]
    point = {"Conv2DOptions": _POINT}
    return bytes(
        builder().model(
            [
                ("CONV_2D", [0, 1, 2], [3], point, 3),
                (first, [3], [4], options, 2),
                ("CONV_2D", [4, 1, 2], [5], point, 3),
            ],
            tensors,
        )
    )
