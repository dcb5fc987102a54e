"""For tests: the ops that compute, with every attribute that TFLite's int8 kernels read."""

from dataclasses import replace
from typing import Any

import numpy as np

from model_gen.codegen.testing.drawn import Case, Drawn, Shape
from model_gen.codegen.testing.models import builder


def _window(d: Drawn, *, dilated: bool) -> tuple[dict[str, int], list[tuple[int, int, int]]]:
    """Options, and (input, window, output) of height and of width."""
    options = {"padding": d.one(0, 1), "fusedActivationFunction": d.activation()}
    sizes = []
    for axis in "HW":
        k, stride = d.between(1, 4), d.between(1, 3)
        dilation = d.one(1, 2, 3) if dilated else 1
        reach = (k - 1) * dilation + 1
        n = reach + d.between(0, 8) if options["padding"] else d.between(1, 9)
        out = (n - reach) // stride + 1 if options["padding"] else -(-n // stride)
        options[f"stride{axis}"] = stride
        if dilated:
            options[f"dilation{axis}Factor"] = dilation
        sizes.append((n, k, out))
    return options, sizes


def convolution(op: str, d: Drawn) -> Case:
    options, ((h, kh, oh), (w, kw, ow)) = _window(d, dilated=True)
    channels = d.one(1, 2, 3, 5, 8, 16, 17, 33)
    if op == "CONV_2D":
        groups = d.one(*(n for n in (1, 2, 4, 8, 17) if channels % n == 0))
        outputs = groups * d.one(1, 2, 3, 4, 7, 16, 19)
        weights, name = d.weights((outputs, kh, kw, channels // groups), 0), "Conv2DOptions"
    else:
        options["depthMultiplier"] = d.one(1, 2, 3)
        outputs = channels * options["depthMultiplier"]
        weights, name = d.weights((1, kh, kw, outputs), 3), "DepthwiseConv2DOptions"
    bias = d.one(d.bias(outputs), None)
    source, target = d.tensor((1, h, w, channels)), d.tensor((1, oh, ow, outputs))
    return Case(op, (source, weights, bias), (target,), {name: options}, 3)


def transpose_conv(op: str, d: Drawn) -> Case:
    options = {"padding": d.one(0, 1), "fusedActivationFunction": d.activation()}
    inputs, outputs = d.one(1, 3, 4, 16, 17), d.one(1, 2, 4, 5)
    sizes, windows, shape = [], [], []
    for axis in "HW":
        n, k, stride = d.between(1, 5), d.between(1, 5), d.between(1, 3)
        options[f"stride{axis}"] = stride
        sizes.append(n)
        windows.append(k)
        shape.append(n * stride if options["padding"] == 0 else (n - 1) * stride + k)
    weights = d.weights((outputs, *windows, inputs), 0)
    source, target = d.tensor((1, *sizes, inputs)), d.tensor((1, *shape, outputs))
    operands = [d.constant([1, *shape, outputs]), weights, source]
    if d.one(True, False):
        operands.append(d.bias(outputs))
    return Case(op, tuple(operands), (target,), {"TransposeConvOptions": options}, 4)


def batch(_: str, d: Drawn) -> Case:
    """Ops that move a window, over two to four images."""
    drawn = {"CONV_2D": convolution, "DEPTHWISE_CONV_2D": convolution, "MAX_POOL_2D": pool}
    drawn |= {"AVERAGE_POOL_2D": pool, "TRANSPOSE_CONV": transpose_conv}
    op, images = d.one(*drawn), d.between(2, 4)
    case = drawn[op](op, d)
    at = 2 if op == "TRANSPOSE_CONV" else 0

    def several(one: Any) -> Any:
        return replace(one, shape=(images, *one.shape[1:]))

    operands = list(case.operands)
    operands[at] = several(operands[at])
    if at:
        operands[0] = d.constant([images, *case.outputs[0].shape[1:]])
    return replace(case, operands=tuple(operands), outputs=(several(case.outputs[0]),))


def batch_matmul(op: str, d: Drawn) -> Case:
    first, second = _broadcast(d, 3)
    out = tuple(np.broadcast_shapes(first, second))
    rows, columns, depth = d.between(1, 6), d.between(1, 6), d.one(1, 3, 16, 17, 40)
    turned = d.one(False, True), d.one(False, True)
    one = (*first, depth, rows) if turned[0] else (*first, rows, depth)
    two = (*second, columns, depth) if turned[1] else (*second, depth, columns)
    operands = d.tensor(one), d.one(d.tensor, d.known)(two)
    scale = float(np.float32(operands[0].scale * operands[1].scale * 10 ** d.rng.uniform(1, 3)))
    target = builder().Tensor((*out, rows, columns), scale, d.one(0, -128, 5))
    options = {"BatchMatMulOptions": {"adjX": turned[0], "adjY": turned[1]}}
    return Case(op, operands, (target,), options, 3)


def fully_connected(op: str, d: Drawn) -> Case:
    inputs, outputs = d.one(1, 3, 8, 31, 64, 100), d.one(1, 2, 3, 5, 17)
    outer = d.shape(0, 3)
    keep = d.one(False, True)
    rows = int(np.prod(outer, dtype=int))
    flat = not keep and d.one(False, True)  # the last dimension is not that of the weights
    source = d.tensor((*outer[:-1], outer[-1] * inputs) if flat and outer else (*outer, inputs))
    target = builder().Tensor(
        (*outer, outputs) if keep else (rows, outputs), float(np.float32(inputs * source.scale)), -5
    )
    bias = d.one(d.bias(outputs), None)
    fields = {"fusedActivationFunction": d.activation(), "keepNumDims": keep}
    operands = (source, d.weights((outputs, inputs), 0), bias)
    return Case(op, operands, (target,), {"FullyConnectedOptions": fields}, 9)


def shifted_weights(op: str, d: Drawn) -> Case:
    """FULLY_CONNECTED of weights with a zero point, as old converters write them."""
    case = fully_connected(op, d)
    source, weights, _ = case.operands
    scale = float(np.atleast_1d(weights.scale)[0])
    moved = builder().Tensor(weights.shape, scale, d.one(7, -128, 127, -3), weights.data)
    bias = d.one(d.bias(weights.shape[0]), None)
    if bias is not None:
        bias = replace(bias, scale=float(np.float32(source.scale) * np.float32(scale)))
    return replace(case, operands=(source, moved, bias))


def _broadcast(d: Drawn, high: int) -> tuple[Shape, Shape]:
    """Two shapes that broadcast, either of which may be shorter."""
    shape = d.shape(0, high)
    a, b = (tuple(d.one(n, 1) for n in shape) for _ in range(2))
    b = b[d.between(0, len(b)) :]
    return d.one((a, b), (b, a))


def elementwise(op: str, d: Drawn) -> Case:
    shapes = _broadcast(d, 6)
    known = d.one(None, 0, 1)
    operands = tuple(d.known(s) if i == known else d.tensor(s) for i, s in enumerate(shapes))
    name = "MaximumMinimumOptions" if op in ("MAXIMUM", "MINIMUM") else f"{op.title()}Options"
    fields = {} if op in ("MAXIMUM", "MINIMUM") else {"fusedActivationFunction": d.activation()}
    out = tuple(np.broadcast_shapes(*shapes))
    if not fields and d.one(True, False):  # as converters write it; else scales that differ
        like = operands[0]
        operands = (
            like,
            builder().Tensor(shapes[1], like.scale, like.zero_point, operands[1].data),
        )
        return Case(op, operands, (d.tensor(out, like),), {name: fields}, 2)
    return Case(op, operands, (d.tensor(out),), {name: fields}, 2)


def squared_difference(op: str, d: Drawn) -> Case:
    first, second = _broadcast(d, 5)
    operands = (d.tensor(first), d.one(d.tensor, d.known)(second))
    out = tuple(np.broadcast_shapes(first, second))
    return Case(op, operands, (d.tensor(out),), None, 2)


def div(op: str, d: Drawn) -> Case:
    """By constants without the steps that references fail at, or by 1 + a value that is not negative."""
    first, second = _broadcast(d, 6)
    one, two = d.tensor(first), d.known(second)
    zero = two.zero_point
    steps = np.where(
        np.isin(two.data, (0, zero)), zero + (1 if zero < 1 and zero != -1 else -1), two.data
    )
    two = replace(two, data=np.where(steps == 0, 9, steps).astype(np.int8))
    most = int(np.abs(two.data.astype(int) - zero).max(initial=1))
    out = replace(
        d.tensor(tuple(np.broadcast_shapes(first, second))),
        scale=float(np.float32(one.scale / two.scale / d.one(most, 2 * most, 200, 3000))),
    )
    options = {"DivOptions": {"fusedActivationFunction": d.activation()}}
    return Case(op, (one, two), (out,), options, 2)


def comparison(_: str, d: Drawn) -> Case:
    op = d.one("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "EQUAL", "NOT_EQUAL")
    first, second = _broadcast(d, 4)
    like = d.tensor(first)
    operands = (like, d.one(d.tensor, d.known)(second, d.one(None, like)))
    target = builder().Tensor(tuple(np.broadcast_shapes(first, second)), dtype="bool")
    name = "".join(part.title() for part in op.split("_"))
    return Case(op, operands, (target,), {f"{name}Options": {}}, 2)


def select(_: str, d: Drawn) -> Case:
    op, shape = d.one("SELECT_V2", "SELECT"), d.shape(1, 4)
    whole = op == "SELECT"
    shapes = [shape if whole else tuple(d.one(n, 1) for n in shape) for _ in range(2)]
    given = shape if whole else tuple(d.one(n, 1) for n in shape)[d.between(0, len(shape)) :]
    if whole and d.one(False, True):
        given = shape[: d.between(0, 1)]
    out = tuple(np.broadcast_shapes(given, *shapes)) if not whole else shape
    data = d.rng.integers(0, 2, given).astype(bool)
    condition = builder().Tensor(given, data=data, dtype="bool")
    like = d.tensor(shapes[0])
    operands = (condition, like, d.one(d.tensor, d.known)(shapes[1], like))
    name = "SelectV2Options" if op == "SELECT_V2" else "SelectOptions"
    return Case(op, operands, (d.tensor(out, like),), {name: {}})


def twice(op: str, d: Drawn) -> Case:
    """The same tensor as both operands."""
    source = d.tensor(d.shape(1, 4))
    options = {f"{op.title()}Options": {"fusedActivationFunction": d.activation()}}
    return Case(op, (source, source), (d.tensor(source.shape),), options, 2)


def reduction(op: str, d: Drawn) -> Case:
    shape = d.shape(1, 5)
    rank = len(shape)
    axes = d.some(rank)
    keep = d.one(False, True)
    out = tuple(1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes)
    values: Any = [d.signed(a, rank) for a in axes]
    if len(values) == 1 and d.one(False, True):
        values = values[0]
    elif d.one(False, True):
        values.append(values[0])  # an axis twice is that axis
    source = d.tensor(shape)
    target = d.tensor(out, source if op.startswith("REDUCE") else d.one(None, source))
    return Case(
        op, (source, d.constant(values)), (target,), {"ReducerOptions": {"keepDims": keep}}, 2
    )


def extreme(_: str, d: Drawn) -> Case:
    """REDUCE_MAX and REDUCE_MIN."""
    return reduction(d.one("REDUCE_MAX", "REDUCE_MIN"), d)


def arg_extreme(_: str, d: Drawn) -> Case:
    """ARG_MAX and ARG_MIN."""
    op, dtype = d.one("ARG_MAX", "ARG_MIN"), d.one("int32", "int64")
    shape = d.shape(1, 5)
    axis = d.between(0, len(shape) - 1)
    target = builder().Tensor(shape[:axis] + shape[axis + 1 :], dtype=dtype)
    operands = (d.tensor(shape), d.constant(d.signed(axis, len(shape))))
    name = "ArgMaxOptions" if op == "ARG_MAX" else "ArgMinOptions"
    return Case(op, operands, (target,), {name: {"outputType": {"int32": 2, "int64": 4}[dtype]}}, 2)


def prelu(op: str, d: Drawn) -> Case:
    shape = d.shape(1, 5)
    alpha = tuple(d.one(n, 1) for n in shape)[d.between(0, len(shape)) :]
    return Case(op, (d.tensor(shape), d.known(alpha)), (d.tensor(shape),))


def pool(op: str, d: Drawn) -> Case:
    options, ((h, kh, oh), (w, kw, ow)) = _window(d, dilated=False)
    channels = d.one(1, 3, 4, 7, 16, 17)
    source = d.tensor((1, h, w, channels))
    options |= {"filterHeight": kh, "filterWidth": kw}
    target = d.tensor((1, oh, ow, channels), source)
    return Case(op, (source,), (target,), {"Pool2DOptions": options}, 2)


def lookup(op: str, d: Drawn) -> Case:
    shape = d.shape(0, 5)
    fixed = {"LOGISTIC": (1 / 256, -128), "SOFTMAX": (1 / 256, -128), "TANH": (1 / 128, 0)}
    target = builder().Tensor(shape, *fixed[op]) if op in fixed else d.tensor(shape)
    options: dict[str, dict[str, dict[str, Any]]] = {
        "LEAKY_RELU": {"LeakyReluOptions": {"alpha": d.one(0.3, 0.0, 1.0, 1.5)}},
        "SOFTMAX": {"SoftmaxOptions": {"beta": d.one(1.0, 0.5, 2.5)}},
    }
    source = d.tensor(shape)
    if op == "QUANTIZE" and d.one(False, True):
        source = builder().Tensor(shape, dtype="float32")
    return Case(op, (source,), (target,), options.get(op))


def table(_: str, d: Drawn) -> Case:
    """The ops of one input that only one reference has in int8, and RSQRT."""
    op = d.one("GELU", "EXP", "SQRT", "RSQRT", "NEG", "RELU_0_TO_1", "ELU")
    shape = (4, 64)
    zero = -128 if op.endswith("SQRT") else d.one(0, -128, 127, 5, -77)
    source = builder().Tensor(shape, d.scale() if op != "EXP" else d.one(0.01, 0.04, 0.1), zero)
    target = d.tensor(shape)
    if op == "NEG" and zero != -128:
        target = builder().Tensor(shape, source.scale, -zero)
    return Case(op, (source,), (target,), _GELU[d.one(0, 1)] if op == "GELU" else None)


_GELU = [{"GeluOptions": {"approximate": flag}} for flag in (False, True)]


def requantize(_: str, d: Drawn) -> Case:
    """QUANTIZE between int8 and uint8, as models with uint8 ends have it: often of one scale."""
    shape = d.shape(0, 4)
    source = d.tensor(shape)
    target = d.tensor(shape, source) if d.one(True, False) else d.tensor(shape)
    ends = [
        replace(one, dtype="uint8", zero_point=one.zero_point + 128) for one in (source, target)
    ]
    if d.one(True, False):
        return Case("QUANTIZE", (ends[0],), (target,))
    return Case("QUANTIZE", (source,), (ends[1],))


def row(_: str, d: Drawn) -> Case:
    """LOG_SOFTMAX and L2_NORMALIZATION."""
    op = d.one("LOG_SOFTMAX", "L2_NORMALIZATION")
    shape = (*d.shape(0, 3), d.one(1, 2, 5, 10, 40, 300))
    log = op == "LOG_SOFTMAX"
    target = builder().Tensor(shape, 1 / 16 if log else 1 / 128, 127 if log else 0)
    return Case(op, (d.tensor(shape),), (target,), None if log else {"L2NormOptions": {}}, 2 - log)


def of_floats(_: str, d: Drawn) -> Case:
    """NEG and SQUARE, as a converter leaves them in float."""
    shape = d.shape(0, 4)
    op = d.one("SQUARE", "NEG")
    tensors = (builder().Tensor(shape, dtype="float32") for _ in range(2))
    return Case(op, (next(tensors),), (next(tensors),))


def unsigned_floats(_: str, d: Drawn) -> Case:
    """QUANTIZE of floats to uint8, and DEQUANTIZE of uint8."""
    floats = builder().Tensor(d.shape(0, 5), dtype="float32")
    steps = d.tensor(floats.shape)
    steps = replace(steps, dtype="uint8", zero_point=steps.zero_point + 128)
    if d.one(True, False):
        return Case("QUANTIZE", (floats,), (steps,))
    return Case("DEQUANTIZE", (steps,), (floats,), None, 2)


def dequantize(op: str, d: Drawn) -> Case:
    source = d.tensor(d.shape(0, 5))
    return Case(op, (source,), (builder().Tensor(source.shape, dtype="float32"),), None, 2)
