"""What a change of a convolution does, computed: sums, constants and bytes before and after."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from host.npu.arithmetic import HALF_AWAY
from host.npu.compiler.accumulators import Part, accumulate
from host.npu.compiler.constant import Integers, Reals
from host.npu.compiler.convolution import Convolution
from host.npu.compiler.convolution_layer import ConvolutionLayer, accumulator_shift
from host.npu.compiler.dialect import Dialect
from host.npu.compiler.requantization import Fused, Scales, requantization
from host.npu.compiler.saturation import Saturation, saturation_on, worst_saturation
from model_gen.codegen.tflite.graph import Array

_STEPS = 255  # from one end of an int8 tensor to the other


def gains(convolution: Convolution) -> Reals:
    """Output steps of one unit of each kernel's sum."""
    return _products(convolution) / convolution.output_scale


def _products(convolution: Convolution) -> Reals:
    scales = np.float32(convolution.input_scale) * np.array(convolution.weight_scales, np.float32)
    return np.asarray(scales, np.float64)


def real_multipliers(layer: ConvolutionLayer) -> Reals:
    """What A_k would be if it were no integer, in its units."""
    steps = layer.requantization
    real = gains(layer.convolution) * 2.0**layer.shift
    if isinstance(steps, Fused):
        return np.asarray(real * 2.0**steps.shift)
    return np.asarray(real * 2.0 ** (steps.first_shift + steps.shift) / steps.scale)


def with_constants(
    layer: ConvolutionLayer, changed: Convolution, dialect: Dialect, shift: int | None = None
) -> ConvolutionLayer:
    """The layer with another convolution, and with what the compiler would choose for that.

    Args:
        layer: whose passes, limits and shape stay.
        changed: the convolution, of the same kernels.
        dialect: whose constants.
        shift: cs; None for the one of `changed`.
    """
    cs = int(accumulator_shift(changed.weights).value) if shift is None else shift
    scales = Scales(
        _products(changed),
        changed.bias * np.array(changed.bias_scales),
        changed.output_scale,
        changed.output_zero,
    )
    steps, constants = requantization(scales, cs, dialect)
    return replace(layer, convolution=changed, shift=cs, requantization=steps, constants=constants)


@dataclass(frozen=True, eq=False)
class Observed:
    """A convolution on data: its inputs as the op reads them, int8."""

    layer: ConvolutionLayer
    inputs: tuple[Array, ...]

    @cached_property
    def saturation(self) -> Saturation:
        """How its sums fit on the data."""
        return saturation_on(self.layer, self.inputs)

    @cached_property
    def worst(self) -> Saturation:
        """How its sums fit when every byte is the worst."""
        return worst_saturation(self.layer)

    @cached_property
    def exact(self) -> tuple[Reals, ...]:
        """What the model says, an array [pixels, kernels] an input, in output steps, clipped, not
        rounded."""
        return tuple(_exact(self.layer, value) for value in self.inputs)

    def steps(self, layer: ConvolutionLayer, kernels: Sequence[int] | None = None) -> float:
        """The largest difference, in output steps, of `layer` on these inputs from what the model
        says.

        Args:
            layer: this one, or a changed one of the same kernels.
            kernels: those that count; None for all.
        """
        worst = 0.0
        for value, wanted in zip(self.inputs, self.exact, strict=True):
            made = layer.compute([value], HALF_AWAY)[0].reshape(wanted.shape)
            differ = np.abs(made - wanted)
            worst = max(worst, float((differ if kernels is None else differ[:, kernels]).max()))
        return worst


def _exact(layer: ConvolutionLayer, value: Array) -> Reals:
    convolution = layer.convolution
    rows, columns = convolution.weights.shape[1:3]
    whole = Part(range(rows), range(columns))
    real_bias = convolution.bias * np.array(convolution.bias_scales) / convolution.output_scale
    done = []
    for image in convolution.images(value):
        sums: Integers = accumulate(
            image - convolution.input_zero,
            convolution.weights,
            convolution.window,
            whole,
            depthwise=convolution.depthwise,
        )
        done.append(sums * gains(convolution) + real_bias + convolution.output_zero)
    whole_output = np.array(done).reshape(-1, convolution.kernels)
    return np.asarray(np.clip(whole_output, *layer.limits))


def reach(observed: Observed, largest: Integers) -> Reals:
    """How many output steps each kernel's sum of at most `largest` moves the output, at most 255."""
    return np.asarray(np.minimum(_STEPS, largest * gains(observed.layer.convolution)))
