"""For tests: small models packed by hand whose bytes are mostly structure, for the fuzzer to damage."""

from typing import Any

import numpy as np

from model_gen.codegen.testing.models import builder, single
from model_gen.codegen.testing.single_ops import constant, q, weights, window


def convolutions() -> bytes:
    """PAD, a dilated convolution, a strided depthwise one, a residual, pooling, dense, softmax, float at the end."""
    tensor = builder().Tensor
    tensors = [
        q((1, 7, 6, 2), 0.05, 3),  # 0
        constant([[0, 0], [1, 1], [1, 1], [0, 0]]),
        q((1, 9, 8, 2), 0.05, 3),  # 2
        weights((3, 3, 3, 2), 0),
        constant([10, -20, 30]),
        q((1, 7, 6, 3), 0.05, -4),  # 5
        weights((1, 3, 3, 3), 3),
        constant([0, 0, 0]),
        q((1, 7, 6, 3), 0.06, 5),  # 8
        q((1, 7, 6, 3), 0.08, 1),  # 9
        q((1, 4, 3, 3), 0.08, 1),  # 10
        constant([1, 2]),
        q((1, 3), 0.04, 0),  # 12
        weights((4, 3), 0),
        q((1, 4), 0.1, 0),  # 14
        q((1, 4), 1 / 256, -128),  # 15
        tensor((1, 4), dtype="float32"),  # 16
    ]
    pool = {"Pool2DOptions": window(padding=0, filterHeight=2, filterWidth=2, strideH=2, strideW=2)}
    depthwise = {"DepthwiseConv2DOptions": window(depthMultiplier=1)}
    ops: list[Any] = [
        ("PAD", [0, 1], [2], {"PadOptions": {}}, 1),
        ("CONV_2D", [2, 3, 4], [5], {"Conv2DOptions": window(padding=1)}, 3),
        ("DEPTHWISE_CONV_2D", [5, 6, 7], [8], depthwise, 3),
        ("ADD", [8, 5], [9], {"AddOptions": {"fusedActivationFunction": 1}}, 1),
        ("MAX_POOL_2D", [9], [10], pool, 1),
        ("MEAN", [10, 11], [12], {"ReducerOptions": {}}, 1),
        ("FULLY_CONNECTED", [12, 13, -1], [14], {"FullyConnectedOptions": {}}, 4),
        ("SOFTMAX", [14], [15], {"SoftmaxOptions": {"beta": 1.0}}, 1),
        ("DEQUANTIZE", [15], [16], None, 1),
    ]
    return bytes(builder().model(ops, tensors))


def shapes() -> bytes:
    """SHAPE, STRIDED_SLICE, PACK and FILL that fold away, a concatenation, a transpose, a table."""
    tensor = builder().Tensor
    tensors = [
        q((1, 4, 6)),  # 0
        tensor((3,), dtype="int32"),
        constant([1]),
        constant([2]),
        constant([1]),
        tensor((), dtype="int32"),  # 5
        constant(1),
        constant(2),
        tensor((3,), dtype="int32"),  # 8
        tensor((), 0.05, 3, data=np.array(3, np.int8)),
        q((1, 4, 2)),  # 10
        q((1, 4, 8)),
        constant([2, 0, 1]),
        q((8, 1, 4)),  # 13
        q((8, 1, 4), 1 / 256, -128),
    ]
    ops: list[Any] = [
        ("SHAPE", [0], [1], {"ShapeOptions": {"outType": 2}}, 1),
        ("STRIDED_SLICE", [1, 2, 3, 4], [5], {"StridedSliceOptions": {"shrinkAxisMask": 1}}, 1),
        ("PACK", [6, 5, 7], [8], {"PackOptions": {"valuesCount": 3, "axis": 0}}, 1),
        ("FILL", [8, 9], [10], {"FillOptions": {}}, 3),
        ("CONCATENATION", [0, 10], [11], {"ConcatenationOptions": {"axis": -1}}, 1),
        ("TRANSPOSE", [11, 12], [13], {"TransposeOptions": {}}, 1),
        ("LOGISTIC", [13], [14], None, 1),
    ]
    return bytes(builder().model(ops, tensors))


def broadcast() -> bytes:
    """One multiplication with broadcasting: the smallest file, where every byte counts."""
    return single("MUL", [q((1, 3, 1, 5)), q((2, 1))], q((1, 3, 2, 5), 0.1), {"MulOptions": {}})


def unsigned() -> bytes:
    """uint8 at both ends of a table."""
    ends = [builder().Tensor((1, 6), 0.05, zero, dtype="uint8") for zero in (131, 7)]
    tensors = [ends[0], q((1, 6), 0.05, 3), q((1, 6), 1 / 128, 0), ends[1]]
    ops: list[Any] = [
        ("QUANTIZE", [0], [1], {"QuantizeOptions": {}}, 1),
        ("TANH", [1], [2], None, 1),
        ("QUANTIZE", [2], [3], {"QuantizeOptions": {}}, 1),
    ]
    return bytes(builder().model(ops, tensors))


MODELS = (convolutions, shapes, broadcast, unsigned)
