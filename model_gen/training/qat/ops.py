"""TFLite's ops in TensorFlow, on batches, in float32: what each computes before anything is rounded.

Each is given the op, its operands, and the shape of its result for one window; kernels are as TFLite has them.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from model_gen.codegen.tflite.graph import Op

Function = Callable[[Op, Sequence[Any], tuple[int, ...]], Any]
# Op -> the axis of its kernel that has a scale for each index.
KERNELS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
# Activation that is fused into an op -> where it cuts off.
_ENDS = {"NONE": (-math.inf, math.inf), "RELU": (0.0, math.inf), "RELU6": (0.0, 6.0)}


def ends(op: Op) -> tuple[float, float]:
    """Where the activation that is fused into an op cuts its result off."""
    return _ENDS[getattr(op.options, "activation", "NONE")]


def aligned(value: Any, rank: int, op: Op) -> Any:
    """A batch of vectors beside a batch of images: of one window each, their last axes are the same."""
    if op.name not in ("ADD", "SUB", "MUL") or len(value.shape) >= rank:
        return value
    return tf.reshape(value, (-1, *(1,) * (rank - len(value.shape)), *value.shape[1:]))


def _convolution(op: Op, given: Sequence[Any], shape: tuple[int, ...]) -> Any:
    options: Any = op.options
    kernel = tf.transpose(given[1], (1, 2, 3, 0))
    return tf.nn.conv2d(
        given[0], kernel, options.stride, options.padding, dilations=options.dilation
    )


def _depthwise(op: Op, given: Sequence[Any], shape: tuple[int, ...]) -> Any:
    options: Any = op.options
    height, width, channels = given[1].shape[1:]
    inner = given[0].shape[-1]
    kernel = tf.reshape(given[1], (height, width, inner, channels // inner))
    stride = (1, *options.stride, 1)
    return tf.nn.depthwise_conv2d(
        given[0], kernel, stride, options.padding, dilations=options.dilation
    )


def _dense(op: Op, given: Sequence[Any], shape: tuple[int, ...]) -> Any:
    flat = tf.reshape(given[0], (-1, given[1].shape[1]))
    return tf.reshape(tf.matmul(flat, given[1], transpose_b=True), (-1, *shape[1:]))


def _slice(op: Op, given: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """SLICE and STRIDED_SLICE, which leave the batch whole; begins that count from the end are not made here."""
    begin = [int(i) for i in np.asarray(given[1])]
    stride = [int(i) for i in np.asarray(given[3])] if len(given) > 3 else [1] * len(begin)
    within = [
        slice(first, first + step * (size - 1) + 1, step)
        for first, step, size in zip(begin[1:], stride[1:], shape[1:], strict=True)
    ]
    return given[0][(slice(None), *within)]


def _logarithm(op: Op, given: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """What has no logarithm becomes the lowest step, and has no gradient."""
    there = given[0] > 0
    return tf.where(there, tf.math.log(tf.where(there, given[0], 1.0)), -1e9)


def _pool(function: Callable[..., Any]) -> Function:
    def pooled(op: Op, given: Sequence[Any], shape: tuple[int, ...]) -> Any:
        options: Any = op.options
        return function(given[0], options.filter, options.stride, options.padding)

    return pooled


# Op -> what gives its result, without a bias and its fused activation.
OPS: dict[str, Function] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "ADD": lambda op, given, shape: given[0] + given[1],
    "SUB": lambda op, given, shape: given[0] - given[1],
    "MUL": lambda op, given, shape: given[0] * given[1],
    "MAXIMUM": lambda op, given, shape: tf.maximum(given[0], given[1]),
    "MINIMUM": lambda op, given, shape: tf.minimum(given[0], given[1]),
    "MEAN": lambda op, given, shape: tf.reshape(
        tf.reduce_mean(given[0], axis=[int(i) for i in np.asarray(given[1]).reshape(-1)]),
        (-1, *shape[1:]),
    ),
    "RESHAPE": lambda op, given, shape: tf.reshape(given[0], (-1, *shape[1:])),
    "TRANSPOSE": lambda op, given, shape: tf.transpose(given[0], np.asarray(given[1])),
    "PAD": lambda op, given, shape: tf.pad(given[0], np.asarray(given[1])),
    "SLICE": _slice,
    "STRIDED_SLICE": _slice,
    "CONCATENATION": lambda op, given, shape: tf.concat(given, getattr(op.options, "axis", -1)),
    "MAX_POOL_2D": _pool(tf.nn.max_pool2d),
    "AVERAGE_POOL_2D": _pool(tf.nn.avg_pool2d),
    "LOGISTIC": lambda op, given, shape: tf.sigmoid(given[0]),
    "SOFTMAX": lambda op, given, shape: tf.nn.softmax(given[0]),
    "TANH": lambda op, given, shape: tf.tanh(given[0]),
    "LOG": _logarithm,
    "RELU": lambda op, given, shape: tf.nn.relu(given[0]),
    "RELU6": lambda op, given, shape: tf.nn.relu6(given[0]),
}
