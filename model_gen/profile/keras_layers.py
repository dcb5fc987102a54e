"""What each layer of Keras becomes: one function a kind, in one table."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from model_gen.profile.keras_graph import Node
from model_gen.profile.keras_walk import PRODUCTS, Walk
from model_gen.profile.step import Kernels, Shape
from model_gen.profile.work import (
    AVERAGE_POOL,
    CHANNELS,
    CONCATENATION,
    CONV,
    DENSE,
    DEPTHWISE,
    LOOKUP,
    MAX_POOL,
    MEAN,
    MUL,
    SOFTMAX,
    SUM,
    Image,
    Pair,
    Work,
    broadcast,
    cropped,
    padded,
    permuted,
    rows_of,
)

Handler = Callable[[Walk, Node], None]
# Activations under Keras's names -> as TensorFlow Lite calls the op.
_LOOKUPS = {
    "absolute": "ABS", "elu": "ELU", "exp": "EXP", "exponential": "EXP", "gelu": "GELU", "hard_silu": "HARD_SWISH",
    "leaky_relu": "LEAKY_RELU", "log": "LOG", "rsqrt": "RSQRT", "sigmoid": "LOGISTIC", "sqrt": "SQRT",
    "square": "SQUARE", "tanh": "TANH",
}  # fmt: skip
_MAX_SPREAD = (
    16  # input channels of a depthwise convolution that the engine computes as a dense one
)


def unknown(walk: Walk, node: Node) -> None:
    """A layer that nothing is known of: it has a shape, and no cost."""
    walk.add(node, node.kind, None, known=False)


def _padding(size: Pair, out: Pair, window: Pair, stride: Pair, dilation: Pair) -> Pair:
    """Rows above and columns to the left: TensorFlow Lite's SAME; VALID gives 0."""
    top, left = (
        max(0, (o - 1) * s + (k - 1) * d + 1 - n) // 2
        for n, o, k, s, d in zip(size, out, window, stride, dilation, strict=True)
    )
    return top, left


def _image(shape: Shape) -> Image:
    height, width, channels = shape
    return height, width, channels


def _windowed(
    walk: Walk,
    node: Node,
    op: str,
    kernel: str,
    window: Pair,
    strides: Pair,
    dilation: Pair = (1, 1),
    **more: Any,
) -> None:
    source, target = _image(node.shapes[0]), _image(node.shape)
    pad = _padding(source[:2], target[:2], window, strides, dilation)
    walk.add(node, op, Work(kernel, source, target, window, strides, pad), **more)


def _convolution(walk: Walk, node: Node) -> None:
    layer = node.operation
    if len(node.shape) != 3 or layer.data_format != "channels_last":
        unknown(walk, node)
        return
    depthwise = node.kind == "DepthwiseConv2D"
    inputs, outputs = node.shapes[0][-1], node.shape[-1]
    window, strides, dilation = (
        tuple(x) for x in (layer.kernel_size, layer.strides, layer.dilation_rate)
    )
    kernels = np.asarray(layer.kernel, np.float64)
    if depthwise:
        kernels = kernels.reshape(*window, 1, outputs)
    each = 1 if depthwise else inputs // layer.groups
    spread = depthwise and (outputs > inputs or inputs == 1) and inputs <= _MAX_SPREAD
    if depthwise and window == strides == (1, 1) and outputs == inputs:
        work: str = CHANNELS
    else:
        work = DEPTHWISE if depthwise and not spread else CONV
    given = {
        "macs": prod(node.shape) * prod(window) * each,
        "kernels": np.moveaxis(kernels, -1, 0),
    }
    op = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    if work == CHANNELS:
        walk.add(node, op, rows_of(CHANNELS, prod(node.shape[:2]), outputs), **given)
    else:
        _windowed(walk, node, op, work, window, strides, dilation, **given)
    _own_activation(walk, node)


def _dense(walk: Walk, node: Node) -> None:
    inputs, outputs = node.shapes[0][-1], node.shape[-1]
    batches = prod(node.shape[:-1])
    kernels: Kernels = np.asarray(node.operation.kernel, np.float64).T[:, None, None, :]
    work = Work(DENSE, source=(1, batches, inputs), target=(1, batches, outputs))
    macs = batches * inputs * outputs
    walk.add(node, "FULLY_CONNECTED", work, macs=macs, kernels=kernels)
    _own_activation(walk, node)


def _own_activation(walk: Walk, node: Node) -> None:
    name = node.operation.activation.__name__
    if name != "linear":
        _activation(walk, node, name)


def _activation(walk: Walk, node: Node, name: str) -> None:
    """As a layer, or as an activation that a layer has besides; `node.output` is written already then."""
    if name in ("silu", "swish"):
        source = walk.at(node)
        walk.add(node, "LOGISTIC", rows_of(LOOKUP, 1, prod(node.shape)))
        reads = (source, walk.at(node))
        walk.add(node, "MUL", broadcast(MUL, *[node.shape] * 3), reads=reads)
    elif name == "softmax":
        walk.add(
            node, "SOFTMAX", rows_of(SOFTMAX, prod(node.shape[:-1]), node.shape[-1]), positive=True
        )
    elif name in ("relu", "relu6"):
        walk.activate(node, name)
    elif name in _LOOKUPS:
        walk.activate(node, _LOOKUPS[name])
    else:
        unknown(walk, node)


def _relu(walk: Walk, node: Node) -> None:
    layer = node.operation
    if layer.negative_slope:
        _activation(walk, node, "leaky_relu")
        return
    if layer.threshold or layer.max_value not in (None, 6, 6.0):
        unknown(walk, node)
        return
    _activation(walk, node, "relu" if layer.max_value is None else "relu6")


def _batch_normalization(walk: Walk, node: Node) -> None:
    into = walk.before(node, PRODUCTS)
    if into is not None:
        walk.fuse(node, into)
        return
    _affine(walk, node)


def _affine(walk: Walk, node: Node, *, offset: bool = True) -> None:
    """A factor and an offset a channel."""
    work = rows_of(CHANNELS, prod(node.shape[:-1]), node.shape[-1])
    walk.add(node, "MUL", work)
    if offset:
        walk.add(node, "ADD", work)


def _rescaling(walk: Walk, node: Node) -> None:
    _affine(walk, node, offset=bool(np.any(node.operation.offset)))


def _elementwise(op: str) -> Handler:
    def handle(walk: Walk, node: Node) -> None:
        places, channels = prod(node.shape[:-1]), node.shape[-1]
        positive = op in ("ADD", "MUL") and walk.positive(node)
        if len(node.shapes) > 2:
            unknown(walk, node)
            return
        if op in ("MAXIMUM", "MINIMUM") and len(node.shapes) == 1:
            work = rows_of(f"nj_{op.lower()}_s8", 1, prod(node.shape))
        elif len(node.shapes) == 1:  # the other is constant
            work = rows_of(CHANNELS, places, channels)
        elif op in ("ADD", "SUB") and node.shapes[0] == node.shapes[-1]:
            work = rows_of(SUM, 1, prod(node.shape))
        else:
            work = broadcast(f"nj_{op.lower()}_s8", node.shapes[0], node.shapes[-1], node.shape)
            work = replace(work, relu=op == "MUL" and positive)
        walk.add(node, op, work, positive=positive)

    return handle


def _pool(op: str, kernel: str) -> Handler:
    def handle(walk: Walk, node: Node) -> None:
        layer = node.operation
        if len(node.shape) != 3:
            unknown(walk, node)
            return
        window, strides = tuple(layer.pool_size), tuple(layer.strides)
        _windowed(walk, node, op, kernel, window, strides, positive=walk.positive(node))

    return handle


def _mean(walk: Walk, node: Node) -> None:
    work = Work(MEAN, source=_image(node.shapes[0]), rows=1)
    walk.add(node, "MEAN", work, positive=walk.positive(node))


def _mean_of(walk: Walk, node: Node) -> None:
    axes = node.operation.axis
    rank = len(node.shapes[0]) + 1
    wanted = sorted(a % rank for a in axes) if isinstance(axes, list | tuple) else None
    (_mean if wanted == [1, 2] and rank == 4 else unknown)(walk, node)


def _reshape(walk: Walk, node: Node) -> None:
    walk.add(node, "RESHAPE", None, idle=True, positive=walk.positive(node))


def _permute(walk: Walk, node: Node) -> None:
    axes = tuple(d - 1 for d in node.operation.dims)
    work = permuted(node.shapes[0], axes)
    op = "RESHAPE" if work is None else "TRANSPOSE"
    walk.add(node, op, work, idle=work is None, positive=walk.positive(node))


def _cropping(walk: Walk, node: Node) -> None:
    work = cropped(node.shapes[0], node.shape)
    op = "RESHAPE" if work is None else "STRIDED_SLICE"
    walk.add(node, op, work, idle=work is None, positive=walk.positive(node))


def _zero_padding(walk: Walk, node: Node) -> None:
    (top, bottom), (left, right) = node.operation.padding
    _pad(walk, node, (top, left, 0), (bottom, right, 0))


def _pad_of(walk: Walk, node: Node) -> None:
    pairs = tuple(node.operation.pad_width)[1:]
    if node.operation.mode != "constant" or len(pairs) != len(node.shape):
        unknown(walk, node)
        return
    _pad(walk, node, tuple(a for a, _ in pairs), tuple(b for _, b in pairs))


def _pad(walk: Walk, node: Node, before: Shape, after: Shape) -> None:
    walk.add(node, "PAD", padded(node.shapes[0], before, after), positive=walk.positive(node))


def _concatenate(walk: Walk, node: Node) -> None:
    axis = node.operation.axis
    at = axis if axis < 0 else axis - 1 - len(node.shape)
    outer = prod(node.shape[:at])
    work = Work(
        CONCATENATION, source=(1, 1, len(node.inputs)), rows=outer, length=prod(node.shape[at:])
    )
    walk.add(node, "CONCATENATION", work, positive=walk.positive(node))


# By the class of a layer or an operation.
HANDLERS: dict[str, Handler] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _convolution,
    "Dense": _dense,
    "BatchNormalization": _batch_normalization,
    "ReLU": _relu,
    "LeakyReLU": lambda walk, node: _activation(walk, node, "leaky_relu"),
    "Activation": lambda walk, node: _activation(walk, node, node.operation.activation.__name__),
    "Add": _elementwise("ADD"),
    "Subtract": _elementwise("SUB"),
    "Multiply": _elementwise("MUL"),
    "Maximum": _elementwise("MAXIMUM"),
    "Minimum": _elementwise("MINIMUM"),
    "Rescaling": _rescaling,
    "AveragePooling2D": _pool("AVERAGE_POOL_2D", AVERAGE_POOL),
    "MaxPooling2D": _pool("MAX_POOL_2D", MAX_POOL),
    "GlobalAveragePooling2D": _mean,
    "Mean": _mean_of,
    "Reshape": _reshape,
    "Flatten": _reshape,
    "Permute": _permute,
    "Cropping2D": _cropping,
    "ZeroPadding2D": _zero_padding,
    "Pad": _pad_of,
    "Concatenate": _concatenate,
    **{
        name: partial(_activation, name=name.lower())
        for name in (
            "Absolute", "Elu", "Exp", "Gelu", "Log", "Relu", "Relu6", "Rsqrt", "Sigmoid", "Silu", "Softmax", "Sqrt",
            "Square", "Tanh",
        )
    },
}  # fmt: skip
