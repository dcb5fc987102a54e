"""What several ops share: weights with their biases and multipliers, windows, four-dimensional views, copies."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from model_gen.codegen.cm55.ops.linear import LinearForm
from model_gen.codegen.cm55.ops.registry import (
    Constants,
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
)
from model_gen.codegen.cm55.quantized_math import activation_range, quantize_multiplier
from model_gen.codegen.tflite.graph import Array, Shape, Tensor
from model_gen.codegen.tflite.options import WindowOptions
from model_gen.codegen.tflite.view import View

MOST_IMAGES = 4  # of a batch, whose images windows move over one by one


def copy(view: View, position: int = 0) -> Kernel:
    """Copy input `position`, byte by byte, to the output."""
    if view.output.dtype not in ("int8", "uint8"):
        raise view.refuse(f"{view.output.dtype} is not copied by backend cm55")
    return Kernel(
        "nj_copy_s8",
        None,
        (InputPointer(position), OutputPointer(), str(view.output.elements)),
    )


def refuse_micro(view: View, form: str = "in int8") -> None:
    """Under the rule `tflm`, for what only TensorFlow Lite has in this form."""
    if view.rounding == "tflm":
        raise view.refuse(
            f"tflite-micro does not have this op {form}",
            next_step="judge the rules of TensorFlow Lite, with --rounding tflite",
        )


def four(shape: Shape) -> tuple[int, int, int, int]:
    """`shape` of at most 4 dimensions with ones in front."""
    padded = (1,) * (4 - len(shape)) + shape
    return padded[0], padded[1], padded[2], padded[3]


def strides(shape: Shape) -> tuple[int, ...]:
    """Elements from one index to the next, row-major."""
    steps = [1]
    for size in reversed(shape[1:]):
        steps.append(steps[-1] * size)
    return tuple(reversed(steps)) if shape else ()


def fused_range(view: View, activation: str) -> tuple[int, int]:
    """The steps that the fused activation leaves in the op's output."""
    return tensor_range(view, activation, view.output)


def tensor_range(view: View, activation: str, tensor: Tensor) -> tuple[int, int]:
    """The steps of `tensor` that the activation leaves."""
    scale, zero_point = view.scale_and_zero(tensor)
    try:
        return activation_range(activation, scale, zero_point)
    except KeyError:
        raise view.refuse(f"the fused activation {activation} has no kernel") from None
    except OverflowError:
        raise view.refuse(f"the scale {scale:g} is too small for {activation}") from None


def batched(view: View, tensor: Tensor) -> tuple[int, int, int, int]:
    """(batch, height, width, channels) of an NHWC tensor."""
    if len(tensor.shape) != 4:
        raise view.refuse(f"{tensor.describe()} is not NHWC")
    return tensor.shape[0], tensor.shape[1], tensor.shape[2], tensor.shape[3]


def image(view: View, tensor: Tensor) -> tuple[int, int, int]:
    """(height, width, channels) of an NHWC tensor of one image; see `per_image`."""
    batch, *size = batched(view, tensor)
    if batch != 1:
        raise view.refuse(f"{tensor.describe()} is not one image")
    return size[0], size[1], size[2]


def per_image(lower: Callable[[View], Kernel], source_at: int = 0) -> Callable[[View], Kernel]:
    """`lower` of one image, for a batch of them in input `source_at` and in the output: a call for each."""

    def images(view: View) -> Kernel:
        source = view.input(source_at)
        batch = batched(view, source)[0]
        if batch == 1:
            return lower(view)
        if not 0 < batch <= MOST_IMAGES:
            raise view.refuse(
                f"a batch of {batch}, where backend cm55 takes at most {MOST_IMAGES} images",
                next_step="convert the model with a batch of 1",
            )
        alone = replace(source, shape=(1, *source.shape[1:]))
        inputs = (*view.inputs[:source_at], alone, *view.inputs[source_at + 1 :])
        output = replace(view.output, shape=(1, *view.output.shape[1:]))
        kernel = lower(replace(view, inputs=inputs, outputs=(output,)))
        return replace(kernel, images=batch, macs=batch * kernel.macs)

    return images


def window_output(
    view: View, options: WindowOptions, size: tuple[int, int], window: tuple[int, int]
) -> tuple[int, int]:
    """Height and width of the output. Formula: ComputeOutSize of kernels/padding.h."""
    if min(*options.stride, *options.dilation, *window) < 1 or max(
        *options.stride, *options.dilation, *window
    ) > (1 << 15):
        raise view.refuse("strides, dilations and windows must be from 1 to 32768")
    out = []
    for n, k, stride, dilation in zip(size, window, options.stride, options.dilation, strict=True):
        reach = (k - 1) * dilation + 1
        if options.padding == "SAME":
            out.append((n + stride - 1) // stride)
        elif options.padding == "VALID":
            out.append((n + stride - reach) // stride)
        else:
            raise view.refuse(f"padding {options.padding} is unknown")
    if min(out) < 1:
        raise view.refuse(f"the window {list(window)} does not fit into {list(size)}")
    return out[0], out[1]


def window_struct(
    options: WindowOptions,
    size: tuple[int, int],
    out: tuple[int, int],
    window: tuple[int, int],
    before: tuple[int, int] = (0, 0),
) -> tuple[tuple[str, int], ...]:
    """struct nj_window; `before`: rows and columns of `size` that are padding already.

    Formula of the padding: ComputePaddingWithOffset of kernels/padding.h.
    """
    pads = [
        max(0, (o - 1) * stride + (k - 1) * dilation + 1 - n) // 2 + extra
        for n, o, k, stride, dilation, extra in zip(
            size, out, window, options.stride, options.dilation, before, strict=True
        )
    ]
    return (
        ("height", window[0]),
        ("width", window[1]),
        ("stride_height", options.stride[0]),
        ("stride_width", options.stride[1]),
        ("dilation_height", options.dilation[0]),
        ("dilation_width", options.dilation[1]),
        ("pad_top", pads[0]),
        ("pad_left", pads[1]),
    )


def image_struct(size: tuple[int, int, int]) -> tuple[tuple[str, int], ...]:
    """struct nj_image."""
    return (("height", size[0]), ("width", size[1]), ("channels", size[2]))


def symmetric_weights(
    view: View, position: int, axis: int, channels: int
) -> tuple[Array, tuple[float, ...]]:
    """Constant int8 weights of zero point 0 and their scales; see `quantized_weights`."""
    value, scales, zero_point = quantized_weights(view, position, axis, channels)
    if zero_point:
        raise view.refuse(f"weights must have zero points of 0, not {zero_point}")
    return value, scales


def quantized_weights(
    view: View, position: int, axis: int, channels: int
) -> tuple[Array, tuple[float, ...], int]:
    """Constant int8 weights, their scales, one a channel or one for all, and the zero point of all.

    Raises:
        BadInput: not int8, not constant, or several zero points.
    """
    tensor = view.input(position)
    if tensor.dtype != "int8":
        raise view.refuse(f"backend cm55 takes int8 weights, not {tensor.dtype}")
    value = view.constant(position)
    quantization = tensor.quantization
    if quantization is None:
        raise view.refuse("the weights are not quantized")
    if len(set(quantization.zero_points)) != 1 or (
        len(quantization.scales) > 1 and quantization.zero_points[0]
    ):
        raise view.refuse("weights with a scale a channel must have zero points of 0")
    if len(quantization.scales) != 1 and (
        len(quantization.scales) != channels or quantization.axis != axis
    ):
        raise view.refuse(f"the weights' scales must be one, or one for each of {channels} outputs")
    return value, quantization.scales, quantization.zero_points[0]


def folded_bias(view: View, position: int, weight_sums: Array, input_zero_point: int) -> Constants:
    """bias - input_zero_point * sum(weights), int32 [channels], modulo 2^32 as the
    accumulator; a missing bias is 0.

    Raises:
        BadInput: the bias is of another type or size.
    """
    channels = weight_sums.size
    bias = np.zeros(channels, np.int64)
    tensor = view.optional(position)
    if tensor is not None:
        if tensor.dtype != "int32" or tensor.elements != channels:
            raise view.refuse(f"the bias must be int32 [{channels}], not {tensor.describe()}")
        bias = view.constant(position).astype(np.int64).ravel()
    folded = bias - input_zero_point * weight_sums.astype(np.int64)
    return Constants("int32_t", folded.astype(np.int32))


def linear_channels_kernel(
    view: View, position: int, forms: list[LinearForm], clamp: tuple[int, int], rule: str
) -> Kernel:
    """The call for one linear form a channel of input `position`; all of the same shift."""
    room = -len(forms) % 4
    factors = np.array([f.factors[0] for f in forms] + [0] * room, np.int32)
    offsets = np.array([f.offset for f in forms] + [0] * room, np.int32)
    return Kernel(
        "nj_linear_channels_s8",
        Parameters(
            "nj_linear_channels",
            (
                ("places", view.output.elements // len(forms)),
                ("channels", len(forms)),
                ("shift", forms[0].shift),
                ("activation_min", clamp[0]),
                ("activation_max", clamp[1]),
                ("factor", Constants("int32_t", factors)),
                ("offset", Constants("int32_t", offsets)),
            ),
        ),
        (ParametersPointer(), InputPointer(position), OutputPointer()),
        macs=view.output.elements if view.op.name == "DEPTHWISE_CONV_2D" else 0,
        rule=rule,
        in_place=(position,),
    )


def requants(view: View, reals: list[float], channels: int) -> Constants:
    """struct nj_requant [channels] for real multipliers, one of which stands for all channels."""
    pairs = [requant_of(view, real) for real in reals]
    if len(pairs) == 1:
        pairs *= channels
    return Constants("struct nj_requant", np.array(pairs, np.int32))


def requant_of(view: View, real: float) -> tuple[int, int]:
    """(multiplier, shift) of a real multiplier; the shift must be at most 30."""
    multiplier, shift = quantize_multiplier(real) if math.isfinite(real) else (0, 31)
    if shift > 30:
        raise view.refuse(f"the scales' ratio {real:g} is too large for int32 arithmetic")
    return multiplier, shift


def requant_struct(pair: tuple[int, int]) -> tuple[tuple[str, int], ...]:
    """struct nj_requant."""
    return (("multiplier", pair[0]), ("shift", pair[1]))
