"""The kernels' parameters, field by field as nj_kernels.h and nj_layers.h have them. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes

I32 = ctypes.c_int32


class Requant(ctypes.Structure):
    _fields_ = (("multiplier", I32), ("shift", I32))


class Image(ctypes.Structure):
    _fields_ = (("height", I32), ("width", I32), ("channels", I32))


class Window(ctypes.Structure):
    _fields_ = tuple(
        (name, I32)
        for name in (
            "height",
            "width",
            "stride_height",
            "stride_width",
            "dilation_height",
            "dilation_width",
            "pad_top",
            "pad_left",
        )
    )


class Convolution(ctypes.Structure):
    """Of nj_convolution, and of nj_transpose_conv, which has the same fields."""

    _fields_ = (
        ("input", Image),
        ("output", Image),
        ("window", Window),
        ("input_zero_point", I32),
        ("output_zero_point", I32),
        ("activation_min", I32),
        ("activation_max", I32),
        ("rounding", ctypes.c_int),
        ("weights", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("requant", ctypes.c_void_p),
    )


class PackedConvolution(ctypes.Structure):
    _fields_ = (
        ("input", Image),
        ("output", Image),
        ("window", Window),
        ("input_zero_point", I32),
        ("output_zero_point", I32),
        ("activation_min", I32),
        ("activation_max", I32),
        ("relu", I32),
        ("patch", I32),
        ("batch", I32),
        ("turns", I32),
        ("weights", ctypes.c_void_p),
        ("requant", ctypes.c_void_p),
    )


class PackedDepthwise(ctypes.Structure):
    _fields_ = (
        ("input", Image),
        ("output", Image),
        ("window", Window),
        ("output_zero_point", I32),
        ("activation_min", I32),
        ("activation_max", I32),
        ("relu", I32),
        ("taps", I32),
        ("groups", ctypes.c_void_p),
        ("padding", ctypes.c_void_p),
    )


class Scale(ctypes.Structure):
    """The arguments of QUANTIZE and DEQUANTIZE, as the machine's runner takes them."""

    _fields_ = (("scale", ctypes.c_float), ("zero_point", I32))


class LinearSum(ctypes.Structure):
    _fields_ = tuple(
        (name, I32)
        for name in (
            "factor1",
            "factor2",
            "offset",
            "shift",
            "activation_min",
            "activation_max",
        )
    )


class LinearChannels(ctypes.Structure):
    _fields_ = (
        ("places", I32),
        ("channels", I32),
        ("shift", I32),
        ("activation_min", I32),
        ("activation_max", I32),
        ("factor", ctypes.c_void_p),
        ("offset", ctypes.c_void_p),
    )


class Svdf(ctypes.Structure):
    _fields_ = (
        *((name, I32) for name in ("batches", "inputs", "filters", "rank", "memory")),
        ("output_zero_point", I32),
        ("feature_requant", Requant),
        ("output_requant", Requant),
        ("feature_weights", ctypes.c_void_p),
        ("feature_bias", ctypes.c_void_p),
        ("time_weights", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
    )


class Lstm(ctypes.Structure):
    _fields_ = (
        *(
            (name, I32)
            for name in ("batches", "steps", "inputs", "units", "batch_rows", "step_rows")
        ),
        *((name, I32) for name in ("output_zero_point", "cell_bits", "cell_clip")),
        *((name, Requant) for name in ("keep_requant", "take_requant", "hidden_requant")),
        *((name, ctypes.c_void_p) for name in ("input_weights", "input_bias", "input_requant")),
        *((f"recurrent_{name}", ctypes.c_void_p) for name in ("weights", "bias", "requant")),
        ("table", ctypes.c_void_p),
    )


class Squash(ctypes.Structure):
    _fields_ = (
        *((name, I32) for name in ("count", "tanh", "bits")),
        ("table", ctypes.c_void_p),
    )


class FullyConnected(ctypes.Structure):
    _fields_ = (
        ("batches", I32),
        ("inputs", I32),
        ("outputs", I32),
        ("output_zero_point", I32),
        ("activation_min", I32),
        ("activation_max", I32),
        ("rounding", ctypes.c_int),
        ("weights", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("requant", ctypes.c_void_p),
        ("scale", ctypes.c_void_p),
        ("weights_zero_point", I32),
    )


class PackedFullyConnected(ctypes.Structure):
    _fields_ = (
        ("batches", I32),
        ("inputs", I32),
        ("outputs", I32),
        ("output_zero_point", I32),
        ("activation_min", I32),
        ("activation_max", I32),
        ("rounding", ctypes.c_int),
        ("weights", ctypes.c_void_p),
        ("requant", ctypes.c_void_p),
    )


class PackedTranspose(ctypes.Structure):
    _fields_ = (
        ("input", Image),
        *((name, I32) for name in ("input_zero_point", "output_zero_point")),
        *((name, I32) for name in ("activation_min", "activation_max", "relu")),
        *((name, I32) for name in ("window_width", "pitch", "count")),
        *((name, ctypes.c_void_p) for name in ("parts", "weights", "requant")),
    )


class Div(ctypes.Structure):
    _fields_ = (
        *((name, I32 * 4) for name in ("shape", "stride1", "stride2")),
        *((name, I32) for name in ("zero_point1", "zero_point2", "output_zero_point")),
        *((name, I32) for name in ("multiplier", "activation_min", "activation_max")),
        ("reciprocals", ctypes.c_void_p),
    )


class PackedWeights(ctypes.Structure):
    _fields_ = (
        ("rows", I32),
        ("group_rows", I32),
        ("bytes", I32),
        ("kinds", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
        ("tables", ctypes.c_void_p),
    )


class BatchMatmul(ctypes.Structure):
    _fields_ = (
        *((name, I32 * 3) for name in ("batches", "stride1", "stride2")),
        *((name, I32) for name in ("rows", "columns", "depth", "turn1", "turn2")),
        *((name, I32) for name in ("zero_point1", "zero_point2", "output_zero_point")),
        ("requant", Requant),
        ("rounding", ctypes.c_int),
    )


class Elementwise(ctypes.Structure):
    _fields_ = (
        ("shape", I32 * 4),
        ("stride1", I32 * 4),
        ("stride2", I32 * 4),
        ("zero_point1", I32),
        ("zero_point2", I32),
        ("output_zero_point", I32),
        ("left_shift", I32),
        ("requant1", Requant),
        ("requant2", Requant),
        ("output_requant", Requant),
        ("activation_min", I32),
        ("activation_max", I32),
        ("rounding", ctypes.c_int),
    )


class Select(ctypes.Structure):
    _fields_ = tuple(
        (name, I32 * 4) for name in ("shape", "stride_condition", "stride1", "stride2")
    )


class Pool(ctypes.Structure):
    _fields_ = (
        ("input", Image),
        ("output", Image),
        ("window", Window),
        ("activation_min", I32),
        ("activation_max", I32),
    )


class Mean(ctypes.Structure):
    _fields_ = (
        ("shape", I32 * 4),
        ("reduce", I32 * 4),
        ("input_zero_point", I32),
        ("output_zero_point", I32),
        ("requant", Requant),
        ("rounding", ctypes.c_int),
    )


class Reduce(ctypes.Structure):
    _fields_ = (("shape", I32 * 4), ("reduce", I32 * 4))


class Softmax(ctypes.Structure):
    _fields_ = (
        ("rows", I32),
        ("depth", I32),
        ("input_requant", Requant),
        ("difference_min", I32),
    )


class Transpose(ctypes.Structure):
    _fields_ = (("shape", I32 * 6), ("stride", I32 * 6))


class Pad(ctypes.Structure):
    _fields_ = (
        ("shape", I32 * 4),
        ("before", I32 * 4),
        ("after", I32 * 4),
        ("value", ctypes.c_int8),
    )


class Gather(ctypes.Structure):
    _fields_ = (
        ("outer", I32),
        ("rows", I32),
        ("columns", I32),
        ("input_rows", I32),
        ("input_columns", I32),
        ("inner", I32),
        ("row_of", ctypes.c_void_p),
        ("column_of", ctypes.c_void_p),
    )


class ResizeBilinear(ctypes.Structure):
    _fields_ = (
        *((name, I32) for name in ("images", "rows", "columns", "input_rows", "input_columns")),
        ("channels", I32),
        ("row_between", ctypes.c_void_p),
        ("column_between", ctypes.c_void_p),
    )


class Concatenation(ctypes.Structure):
    _fields_ = (("count", I32), ("outer", I32), ("lengths", ctypes.c_void_p))
