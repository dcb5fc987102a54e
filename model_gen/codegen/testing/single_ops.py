"""For tests: models of one op, each with what makes it hard: broadcast, dilation, rescaling, negative steps."""

from collections.abc import Callable
from typing import Any

import numpy as np

from model_gen.codegen.testing.models import builder, single


def q(shape: tuple[int, ...], scale: float = 0.05, zero_point: int = 3) -> Any:
    return builder().Tensor(shape, scale, zero_point)


def constant(values: Any, dtype: str = "int32") -> Any:
    data = np.array(values, dtype)
    return builder().Tensor(data.shape, data=data, dtype=dtype)


def weights(shape: tuple[int, ...], axis: int | None, seed: int = 5) -> Any:
    generator = np.random.default_rng(seed)
    data = generator.integers(-127, 128, shape).astype(np.int8)
    scale = 0.004 if axis is None else generator.uniform(0.001, 0.01, shape[axis])
    return builder().Tensor(shape, scale, data=data, axis=axis or 0)


def int8_constant(shape: tuple[int, ...], scale: float, zero_point: int) -> Any:
    data = np.random.default_rng(9).integers(-128, 128, shape).astype(np.int8)
    return builder().Tensor(shape, scale, zero_point, data=data)


def window(**fields: int) -> dict[str, int]:
    return {"padding": 0, "strideH": 1, "strideW": 1, **fields}


def _conv(activation: int) -> bytes:
    options = window(dilationHFactor=2, dilationWFactor=3, fusedActivationFunction=activation)
    return single(
        "CONV_2D",
        [q((1, 9, 11, 3)), weights((4, 3, 2, 3), 0), constant([900, -800, 0, 55])],
        q((1, 9, 11, 4), 0.02, -7),
        {"Conv2DOptions": options},
    )


def _depthwise(padding: int) -> bytes:
    options = window(dilationHFactor=2, dilationWFactor=1, padding=padding, depthMultiplier=2)
    bias = constant([-300, 200, 100, 0, 5, 7])
    shape = (1, 9, 8, 6) if padding == 0 else (1, 5, 6, 6)
    return single(
        "DEPTHWISE_CONV_2D",
        [q((1, 9, 8, 3)), weights((1, 3, 3, 6), 3), bias],
        q(shape, 0.03),
        {"DepthwiseConv2DOptions": options},
    )


def _fully_connected(keep: bool, axis: int | None) -> bytes:
    values = np.array([9, -900, 0, 77, 1000], np.int32)
    bias = builder().Tensor((5,), 0.05 * 0.004, data=values, dtype="int32")
    return single(
        "FULLY_CONNECTED",
        [q((2, 3, 10)), weights((5, 10), axis), None if keep else bias],
        q((2, 3, 5) if keep else (6, 5), 0.01, -4),
        {"FullyConnectedOptions": {"keepNumDims": keep, "fusedActivationFunction": 1}},
        version=9,
    )


def _elementwise(op: str, a: tuple[int, ...], b: tuple[int, ...]) -> bytes:
    out = tuple(np.broadcast_shapes(a, b))
    return single(
        op,
        [q(a, 0.05, 3), q(b, 0.11, -9)],
        q(out, 0.09, 12),
        {f"{op.capitalize()}Options": {"fusedActivationFunction": 2 if op == "SUB" else 0}},
    )


def _with_constant() -> bytes:
    return single("MUL", [q((1, 4, 4, 3)), int8_constant((3,), 0.02, 5)], q((1, 4, 4, 3), 0.01))


def lookup(op: str, scale: float, out_scale: float, zero: int, **options: Any) -> bytes:
    table = {"LeakyReluOptions": options} if options else None
    return single(op, [q((1, 256), scale, 11)], q((1, 256), out_scale, zero), table)


def _mean(axes: list[int], keep: bool) -> bytes:
    shape = (1, 5, 6, 7)
    kept = tuple(1 if d in axes else n for d, n in enumerate(shape) if keep or d not in axes)
    return single(
        "MEAN",
        [q(shape, 0.05, -20), constant(axes)],
        q(kept, 0.021, 9),
        {"ReducerOptions": {"keepDims": keep}},
    )


def _extreme(op: str, axes: list[int], keep: bool) -> bytes:
    shape = (1, 5, 6, 7)
    reduced = {axis % 4 for axis in axes}
    kept = tuple(1 if d in reduced else n for d, n in enumerate(shape) if keep or d not in reduced)
    return single(
        op, [q(shape), constant(axes)], q(kept), {"ReducerOptions": {"keepDims": keep}}, version=2
    )


def _slice() -> bytes:
    return single(
        "SLICE", [q((1, 5, 6, 2)), constant([0, 1, 2, 0]), constant([1, 3, -1, 1])], q((1, 3, 4, 1))
    )


def _strided_slice() -> bytes:
    operands = [q((1, 7, 6, 2)), constant([0, 6, 1, 0])]
    operands += [constant([1, 0, 6, 2]), constant([1, -2, 2, 1])]
    options = {"beginMask": 1, "endMask": 8, "shrinkAxisMask": 1}
    return single("STRIDED_SLICE", operands, q((3, 3, 2)), {"StridedSliceOptions": options})


def _idle_slice() -> bytes:
    operands = [q((1, 7, 6)), constant([0, 0, 0]), constant([1, 7, 6]), constant([1, 1, 1])]
    return single("STRIDED_SLICE", operands, q((1, 7, 6)), {"StridedSliceOptions": {}})


def _pad(value: bool) -> bytes:
    operands = [q((1, 3, 4, 2)), constant([[0, 0], [1, 2], [0, 3], [0, 1]])]
    if value:
        operands.append(builder().Tensor((1,), 0.05, 3, data=np.array([-77], np.int8)))
    return single("PADV2" if value else "PAD", operands, q((1, 6, 7, 3)))


def _resize(size: tuple[int, int], **options: bool) -> bytes:
    return single(
        "RESIZE_NEAREST_NEIGHBOR",
        [q((1, 4, 5, 3)), constant(list(size))],
        q((1, *size, 3)),
        {"ResizeNearestNeighborOptions": options},
    )


SINGLE_OPS: dict[str, Callable[[], bytes]] = {
    "conv_dilated_relu6": lambda: _conv(3),
    "conv_relu_n1_to_1": lambda: _conv(2),
    "depthwise_multiplier_same": lambda: _depthwise(0),
    "depthwise_dilated_valid": lambda: _depthwise(1),
    "fc_per_tensor": lambda: _fully_connected(False, None),
    "fc_per_channel_keep_dims_no_bias": lambda: _fully_connected(True, 0),
    "add_same": lambda: _elementwise("ADD", (1, 4, 5, 3), (1, 4, 5, 3)),
    "add_broadcast": lambda: _elementwise("ADD", (1, 4, 5, 3), (1, 1, 3)),
    "sub_two_ways": lambda: _elementwise("SUB", (1, 4, 1, 3), (5, 1)),
    "mul_gate": lambda: _elementwise("MUL", (1, 4, 5, 3), (1, 1, 1, 3)),
    "mul_constant": _with_constant,
    "mean_spatial": lambda: _mean([1, 2], True),
    "mean_rows": lambda: _mean([1], False),
    "mean_channels": lambda: _mean([3], True),
    "reduce_max": lambda: _extreme("REDUCE_MAX", [1, 2], False),
    "reduce_min": lambda: _extreme("REDUCE_MIN", [-1], True),
    "slice": _slice,
    "strided_slice": _strided_slice,
    "strided_slice_idle": _idle_slice,
    "pad": lambda: _pad(False),
    "padv2": lambda: _pad(True),
    "quantize_int8": lambda: lookup("QUANTIZE", 0.05, 0.03, -9),
    "relu": lambda: lookup("RELU", 0.05, 0.03, -20),
    "relu6": lambda: lookup("RELU6", 0.07, 0.0235, -128),
    "relu_n1_to_1": lambda: lookup("RELU_N1_TO_1", 0.02, 0.01, 0),
    "leaky_relu": lambda: lookup("LEAKY_RELU", 0.05, 0.04, 7, alpha=0.3),
    "hard_swish": lambda: lookup("HARD_SWISH", 0.05, 0.04, -80),
    "log": lambda: lookup("LOG", 0.05, 0.04, -80),
    "abs": lambda: lookup("ABS", 0.05, 0.05, -20),
    "abs_rescaled": lambda: lookup("ABS", 0.05, 0.03, -90),
    "broadcast_to": lambda: single(
        "BROADCAST_TO", [q((1, 4, 1, 3)), constant([2, 4, 5, 3])], q((2, 4, 5, 3)), version=2
    ),
    "maximum": lambda: single(
        "MAXIMUM", [q((1, 4, 5, 3)), q((1, 1, 3))], q((1, 4, 5, 3)), {"MaximumMinimumOptions": {}}
    ),
    "minimum": lambda: single(
        "MINIMUM", [q((2, 40)), q((2, 40))], q((2, 40)), {"MaximumMinimumOptions": {}}
    ),
    "gather": lambda: single(
        "GATHER",
        [q((1, 4, 5, 3)), constant([2, 0, 4, 2])],
        q((1, 4, 4, 3)),
        {"GatherOptions": {"axis": 2}},
    ),
    "pack": lambda: single(
        "PACK",
        [q((4, 3)), q((4, 3))],
        q((4, 2, 3)),
        {"PackOptions": {"valuesCount": 2, "axis": 1}},
    ),
    "mirror_pad_reflect": lambda: single(
        "MIRROR_PAD",
        [q((1, 4, 5, 3)), constant([[0, 0], [1, 3], [2, 0], [0, 0]])],
        q((1, 8, 7, 3)),
        {"MirrorPadOptions": {"mode": 0}},
    ),
    "mirror_pad_symmetric": lambda: single(
        "MIRROR_PAD",
        [q((1, 4, 5, 3)), constant([[0, 0], [0, 0], [5, 1], [0, 2]])],
        q((1, 4, 11, 5)),
        {"MirrorPadOptions": {"mode": 1}},
    ),
    "resize": lambda: _resize((7, 3)),
    "resize_align": lambda: _resize((9, 4), alignCorners=True),
    "resize_half": lambda: _resize((11, 2), halfPixelCenters=True),
    "squeeze": lambda: single("SQUEEZE", [q((1, 1, 5, 1))], q((5,)), {"SqueezeOptions": {}}),
    "expand_dims": lambda: single("EXPAND_DIMS", [q((4, 5)), constant(-1)], q((4, 5, 1))),
    "transpose": lambda: single("TRANSPOSE", [q((2, 3, 4)), constant([2, 0, 1])], q((4, 2, 3))),
    "softmax": lambda: single(
        "SOFTMAX", [q((3, 11), 0.1)], q((3, 11), 1 / 256, -128), {"SoftmaxOptions": {"beta": 1.0}}
    ),
}
