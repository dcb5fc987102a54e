"""What an op computes in float64, from real inputs: who of two integer kernels is right, apart from both.

Written from the ops' mathematics, not from either's code. Dimensions as in TFLite: images NHWC, weights of a
convolution [out, height, width, in].
"""

from collections.abc import Callable, Sequence
from math import erf
from typing import Any

import numpy as np

from host.compare.second.call import Call, Real
from host.compare.second.real_images import resize_bilinear, resize_nearest, transpose_conv
from host.compare.second.real_moves import MOVES
from host.compare.second.real_state import STATEFUL
from host.compare.second.steps import real_of
from model_gen.codegen.tflite.graph import Array, Op, Tensor
from model_gen.codegen.tflite.options import (
    BatchMatmulOptions,
    LeakyReluOptions,
    ReducerOptions,
    ResizeOptions,
    SoftmaxOptions,
    WindowOptions,
)

_BOUNDS = {"RELU": (0.0, np.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
# Op -> which of its inputs are source, weights and bias.
_BIASED = {
    "CONV_2D": (0, 1, 2),
    "DEPTHWISE_CONV_2D": (0, 1, 2),
    "FULLY_CONNECTED": (0, 1, 2),
    "TRANSPOSE_CONV": (2, 1, 3),
}
_erf = np.frompyfunc(erf, 1, 1)


def known(name: str) -> bool:
    """Whether `evaluate`, or `evaluate_state` of an op with a memory, can say what this op computes."""
    return name in _WHOLE or name in _SPARSE or name in STATEFUL


def evaluate(call: Call) -> Real:
    """float64 [places]: the op's output there, its fused activation included."""
    name = call.op.name
    if name in _SPARSE:
        values = _SPARSE[name](call)
    else:
        whole = np.broadcast_to(_WHOLE[name](call), call.shape)
        values = np.asarray(whole, np.float64).ravel()[call.places]
    low, high = _BOUNDS.get(getattr(call.op.options, "activation", "NONE"), (-np.inf, np.inf))
    return np.clip(values, low, high)


def _unary(function: Callable[[Real], Real]) -> Callable[[Call], Real]:
    return lambda call: function(call.inputs[0])


def _binary(function: Callable[[Real, Real], Real]) -> Callable[[Call], Real]:
    return lambda call: function(call.inputs[0], call.inputs[1])


def _reduced(function: Callable[..., Real]) -> Callable[[Call], Real]:
    def whole(call: Call) -> Real:
        axes = tuple({int(axis) % call.inputs[0].ndim for axis in call.inputs[1].ravel()})
        keep = isinstance(call.op.options, ReducerOptions) and call.op.options.keep_dims
        return np.asarray(function(call.inputs[0], axis=axes, keepdims=keep))

    return whole


def _extreme_at(function: Callable[..., Any]) -> Callable[[Call], Real]:
    return lambda call: np.asarray(function(call.inputs[0], axis=int(call.inputs[1].ravel()[0])))


def _softmax(call: Call) -> Real:
    options = call.op.options
    scaled = call.inputs[0] * (options.beta if isinstance(options, SoftmaxOptions) else 1.0)
    powers = np.exp(scaled - scaled.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def _log_softmax(call: Call) -> Real:
    shifted = call.inputs[0] - call.inputs[0].max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))


def _l2(call: Call) -> Real:
    norm = np.sqrt((call.inputs[0] ** 2).sum(-1, keepdims=True))
    return np.asarray(call.inputs[0] / np.maximum(norm, 1e-6))


def _leaky_relu(call: Call) -> Real:
    options = call.op.options
    alpha = options.alpha if isinstance(options, LeakyReluOptions) else 0.0
    return np.where(call.inputs[0] > 0, call.inputs[0], alpha * call.inputs[0])


def _batch_matmul(call: Call) -> Real:
    options = call.op.options
    assert isinstance(options, BatchMatmulOptions)
    one, two = call.inputs[:2]
    one = one.swapaxes(-1, -2) if options.turned_1 else one
    two = two.swapaxes(-1, -2) if options.turned_2 else two
    return np.asarray(one @ two)


def _fully_connected(call: Call) -> Real:
    """Only the rows and columns that are asked."""
    source, weights = call.inputs[0], call.inputs[1]
    rows, columns = np.divmod(call.places, weights.shape[0])
    flat = source.reshape(-1, weights.shape[1])
    sums = (flat[rows] * weights[columns]).sum(-1)
    return np.asarray(sums + (call.inputs[2].ravel()[columns] if len(call.inputs) > 2 else 0.0))


def _windows(call: Call, window: tuple[int, int]) -> list[tuple[Real, int, Any]]:
    """For each place: the window of the input [rows, columns, channels], its channel, and which of the weights meet it.

    What lies outside of the image is left out.
    """
    options = call.op.options
    assert isinstance(options, WindowOptions)
    source = call.inputs[0]
    found = []
    begin = [
        max(0, (out - 1) * stride + (k - 1) * dilation + 1 - size) // 2
        if options.padding == "SAME"
        else 0
        for out, stride, k, dilation, size in zip(
            *(call.shape[1:3], options.stride, window, options.dilation),
            source.shape[1:3],
            strict=True,
        )
    ]
    for n, y, x, c in zip(*np.unravel_index(call.places, call.shape), strict=True):
        kept = []
        for d, at in enumerate((y, x)):
            reach = np.arange(window[d]) * options.dilation[d] + at * options.stride[d] - begin[d]
            inside = (reach >= 0) & (reach < source.shape[1 + d])
            kept.append((reach[inside], np.flatnonzero(inside)))
        rows, columns = kept
        found.append((source[n][np.ix_(rows[0], columns[0])], int(c), np.ix_(rows[1], columns[1])))
    return found


def _convolution(call: Call) -> Real:
    weights = call.inputs[1]
    bias = call.inputs[2].ravel() if len(call.inputs) > 2 else np.zeros(call.shape[-1])
    depth = weights.shape[3]
    each = call.shape[-1] // (call.inputs[0].shape[-1] // depth)  # outputs of a group
    sums = []
    for window, c, meets in _windows(call, (weights.shape[1], weights.shape[2])):
        first = c // each * depth
        sums.append((window[..., first : first + depth] * weights[c][meets]).sum() + bias[c])
    return np.array(sums)


def _depthwise(call: Call) -> Real:
    weights = call.inputs[1]
    bias = call.inputs[2].ravel() if len(call.inputs) > 2 else np.zeros(call.shape[-1])
    times = call.shape[-1] // call.inputs[0].shape[-1]
    sums = []
    for window, c, meets in _windows(call, (weights.shape[1], weights.shape[2])):
        sums.append((window[..., c // times] * weights[0, ..., c][meets]).sum() + bias[c])
    return np.array(sums)


def _transpose_conv(call: Call) -> Real:
    options = call.op.options
    assert isinstance(options, WindowOptions)
    _, weights, source, *bias = call.inputs
    return transpose_conv(
        source, weights, bias[0] if bias else None, options, call.shape, call.places
    )


def _resize_bilinear(call: Call) -> Real:
    options = call.op.options
    assert isinstance(options, ResizeOptions)
    return resize_bilinear(call.inputs[0], options, call.shape, call.places)


def _resize_nearest(call: Call) -> Real:
    options = call.options(ResizeOptions)
    return resize_nearest(call.inputs[0], options, call.shape, call.places)


def _pool(function: Callable[[Real], Any]) -> Callable[[Call], Real]:
    def sparse(call: Call) -> Real:
        options = call.op.options
        assert isinstance(options, WindowOptions)
        return np.array([function(w[..., c]) for w, c, _ in _windows(call, options.filter)])

    return sparse


def _hard_swish(x: Real) -> Real:
    return x * np.clip(x + 3.0, 0.0, 6.0) / 6.0


def _gelu(x: Real) -> Real:
    return np.asarray(x * 0.5 * (1.0 + _erf(x / np.sqrt(2.0)).astype(np.float64)))


_WHOLE: dict[str, Callable[[Call], Real]] = {
    **MOVES,
    "ABS": _unary(np.abs),
    "ELU": _unary(lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))),
    "EXP": _unary(np.exp),
    "GELU": _unary(_gelu),
    "HARD_SWISH": _unary(_hard_swish),
    "LOG": _unary(lambda x: np.log(np.maximum(x, 0.0))),
    "LOGISTIC": _unary(lambda x: 1.0 / (1.0 + np.exp(-x))),
    "NEG": _unary(np.negative),
    "QUANTIZE": _unary(lambda x: x),
    "RELU": _unary(lambda x: np.maximum(x, 0.0)),
    "RELU6": _unary(lambda x: np.clip(x, 0.0, 6.0)),
    "RELU_0_TO_1": _unary(lambda x: np.clip(x, 0.0, 1.0)),
    "RELU_N1_TO_1": _unary(lambda x: np.clip(x, -1.0, 1.0)),
    "RSQRT": _unary(lambda x: 1.0 / np.sqrt(x)),
    "SQRT": _unary(np.sqrt),
    "TANH": _unary(np.tanh),
    "ADD": _binary(np.add),
    "SUB": _binary(np.subtract),
    "MUL": _binary(np.multiply),
    "DIV": _binary(np.divide),
    "MAXIMUM": _binary(np.maximum),
    "MINIMUM": _binary(np.minimum),
    "SQUARED_DIFFERENCE": _binary(lambda x, y: (x - y) ** 2),
    "PRELU": _binary(lambda x, alpha: np.where(x > 0, x, x * alpha)),
    "SUM": _reduced(np.sum),
    "MEAN": _reduced(np.mean),
    "REDUCE_MAX": _reduced(np.max),
    "REDUCE_MIN": _reduced(np.min),
    "ARG_MAX": _extreme_at(np.argmax),
    "ARG_MIN": _extreme_at(np.argmin),
    "SOFTMAX": _softmax,
    "LOG_SOFTMAX": _log_softmax,
    "L2_NORMALIZATION": _l2,
    "LEAKY_RELU": _leaky_relu,
    "BATCH_MATMUL": _batch_matmul,
}
# Dear ones, computed only where they are asked.
_SPARSE: dict[str, Callable[[Call], Real]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "AVERAGE_POOL_2D": _pool(np.mean),
    "MAX_POOL_2D": _pool(np.max),
    "RESIZE_BILINEAR": _resize_bilinear,
    "RESIZE_NEAREST_NEIGHBOR": _resize_nearest,
    "TRANSPOSE_CONV": _transpose_conv,
}


# Why nobody in float64 is asked about these; every other op that is taken is known.
UNASKED = {
    "ASSIGN_VARIABLE": "has no output",
    "READ_VARIABLE": "passes on what an earlier inference left",
    "DEQUANTIZE": "gives float32, which has no steps",
    "SQUARE": "is of float32, which has no steps",
    **dict.fromkeys(
        ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"),
        "gives bools, which have no steps",
    ),
}


def inputs_of(
    op: Op, tensors: Sequence[Tensor], values: Callable[[int], Array | None]
) -> tuple[Array, ...] | None:
    """An op's inputs as real numbers; None where one of them is not known."""
    found = []
    for position, index in enumerate(op.inputs):
        if index == -1:
            continue
        value = tensors[index].value
        value = values(index) if value is None else value
        if value is None:
            return None
        source, weights, bias = _BIASED.get(op.name, (0, 0, -1))
        if position == bias:
            found.append(_bias(value, tensors[op.inputs[source]], tensors[op.inputs[weights]]))
        else:
            found.append(real_of(tensors[index], value))
    return tuple(found)


def _bias(steps: Array, source: Tensor, weights: Tensor) -> Array:
    """Its scale is the product of the others', whatever the file says of it, if it says anything."""
    if source.quantization is None or weights.quantization is None:
        return steps
    scales = np.array(weights.quantization.scales, np.float64) * source.quantization.scales[0]
    return np.asarray(steps.ravel() * scales)
