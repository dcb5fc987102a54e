"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of a .tflite as layers of the NPU."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from host.npu.compiler.accumulators import Window, same_padding
from host.npu.compiler.activation import activation
from host.npu.compiler.constant import FITTED, FORMULA, UNKNOWN, Constant, Integers
from host.npu.compiler.convolution import COLUMNS_MAX, ROWS_MAX, Convolution, convolve
from host.npu.compiler.dialect import Dialect
from host.npu.compiler.layer import Known
from host.npu.compiler.passes import Passes, channel_passes
from host.npu.compiler.requantization import Requantization, Scales, requantization
from host.npu.compiler.software_convolution import SoftwareConvolutionLayer
from model_gen.codegen.tflite.graph import Array
from model_gen.codegen.tflite.options import FullyConnectedOptions, WindowOptions
from model_gen.codegen.tflite.view import View

_STRIDE_SEEN = 2
_SUM_BITS = 7  # of the sum of a kernel's weights that fit 16 bits with 8 bits of features


@dataclass(frozen=True, eq=False)
class ConvolutionLayer(Known):
    """A convolution with everything that the compiler chose for it."""

    convolution: Convolution
    shift: int
    passes: Passes
    requantization: Requantization
    limits: tuple[int, int]
    shape: tuple[int, ...]

    def compute(self, inputs: Sequence[Array], rule: str) -> tuple[Array, ...]:
        done = [
            self.requantization.apply(
                convolve(self.convolution, image, self.shift, self.passes.groups, rule), rule
            )
            for image in self.convolution.images(inputs[0])
        ]
        return (np.clip(np.array(done), *self.limits).astype(np.int8).reshape(self.shape),)


def accumulator_shift(weights: Integers) -> Constant:
    """cs: the shift with which 256 times the largest |sum of a kernel's weights| is below 2^15.

    It goes by the sum of the weights, not of their sizes: kernels of mean zero saturate.
    """
    largest = int(np.abs(weights.sum(axis=(1, 2, 3))).max(initial=0))
    return Constant("cs", max(0, largest.bit_length() - _SUM_BITS))


def convolution_layer(
    view: View, dialect: Dialect
) -> ConvolutionLayer | SoftwareConvolutionLayer | None:
    """The layer of a convolution; None for one that the formulas do not cover.

    Raises:
        BadInput: it is not int8, or lacks scales.
    """
    layer = _convolution(view)
    if layer is None:
        return None
    shape = view.output.shape
    limits, clipped = activation(view)
    width = view.input(0).shape[2] if layer.spatial else 1
    passes = channel_passes(layer, width, int(np.prod(shape[1:-1])) if layer.spatial else 1)
    if passes is None:
        return SoftwareConvolutionLayer(view.op, layer, limits, shape, clipped)
    cs = accumulator_shift(layer.weights)
    scales = Scales(
        np.array(_products(layer.input_scale, layer.weight_scales)),
        layer.bias * np.array(layer.bias_scales),
        layer.output_scale,
        layer.output_zero,
    )
    steps, constants = requantization(scales, int(cs.value), dialect)
    return ConvolutionLayer(
        view.op,
        (cs, *constants, passes.constant, *_parts(layer), *_unseen(view, layer), *clipped),
        layer,
        int(cs.value),
        passes,
        steps,
        limits,
        shape,
    )


def _parts(layer: Convolution) -> tuple[Constant, ...]:
    rows, columns = layer.weights.shape[1:3]
    count = -(-rows // ROWS_MAX) * -(-columns // COLUMNS_MAX)
    if count == 1:
        return (Constant("parts", 1, FORMULA),)
    if layer.depthwise:
        return (Constant("parts", count, FITTED, "no cut depthwise kernel was seen"),)
    if columns > COLUMNS_MAX + 1 or rows > 2 * ROWS_MAX + 1:
        return (Constant("parts", count, FITTED, "kernels above 7 x 7 were not seen"),)
    return (Constant("parts", count, FORMULA),)


def _unseen(view: View, layer: Convolution) -> tuple[Constant, ...]:
    """A geometry that no compiled network had: the compiler may divide it in its own way."""
    images, *_, channels = view.input(0).shape
    down, right = layer.window.stride
    rows, columns = layer.window.dilation
    found = []
    if layer.taps > 1 and (rows, columns) != (1, 1):
        found.append(f"kernels dilated by {rows} x {columns}")
    if max(down, right) > _STRIDE_SEEN:
        found.append(f"strides of {down} x {right}")
    if layer.depthwise and layer.kernels != channels:
        found.append(f"{layer.kernels // channels} kernels a channel")
    if layer.spatial and images != 1:
        found.append(f"{images} images at once")
    if not found:
        return ()
    return (Constant("geometry", None, UNKNOWN, f"{' and '.join(found)} were not seen"),)


def _convolution(view: View) -> Convolution | None:
    weights, bias = view.input(1), view.optional(2)
    quantization = weights.quantization
    if weights.value is None or weights.dtype != "int8" or quantization is None:
        return None
    if any(quantization.zero_points):
        return None
    depthwise = view.op.name == "DEPTHWISE_CONV_2D"
    values = weights.value.astype(np.int64)
    if view.op.name == "FULLY_CONNECTED":
        if view.options(FullyConnectedOptions).weights_format != 0:
            return None
        values = values[:, None, None, :]
    elif depthwise:
        values = np.moveaxis(values[0], 2, 0)[..., None]
    kernels = len(values)
    if view.op.name == "CONV_2D" and values.shape[3] != view.input(0).shape[-1]:
        return None  # groups of channels
    added = np.zeros(kernels, np.int64) if bias is None else bias.value
    if added is None or (bias is not None and bias.dtype != "int32"):
        return None
    input_scale, input_zero = view.scale_and_zero(view.input(0))
    output_scale, output_zero = view.scale_and_zero(view.output)
    scales = quantization.scales * (kernels if len(quantization.scales) == 1 else 1)
    units = None if bias is None or bias.quantization is None else bias.quantization.scales
    if units is None:
        units = _products(input_scale, scales)
    return Convolution(
        weights=values,
        depthwise=depthwise,
        bias=added.astype(np.int64).ravel(),
        bias_scales=units * kernels if len(units) == 1 else units,
        weight_scales=scales,
        input_scale=input_scale,
        input_zero=input_zero,
        output_scale=output_scale,
        output_zero=output_zero,
        window=_window(view, (int(values.shape[1]), int(values.shape[2]))),
        spatial=view.op.name != "FULLY_CONNECTED",
    )


def _products(input_scale: float, weight_scales: tuple[float, ...]) -> tuple[float, ...]:
    products = np.float32(input_scale) * np.array(weight_scales, np.float32)
    return tuple(products.astype(np.float64).tolist())


def _window(view: View, kernel: tuple[int, int]) -> Window:
    none = ((0, 0), (0, 0))
    if view.op.name == "FULLY_CONNECTED":
        return Window((1, 1), (1, 1), none)
    options = view.options(WindowOptions)
    window = Window(options.stride, options.dilation, none)
    if options.padding != "SAME":
        return window
    size = view.input(0).shape[1:3]
    padding = same_padding((size[0], size[1]), kernel, options.stride, options.dilation)
    return replace(window, padding=padding)
