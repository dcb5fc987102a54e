"""A convolution of the NPU without one of its impairments: what would remain of its error."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from host.npu.compiler.accumulators import Part, accumulate
from host.npu.compiler.constant import Integers
from host.npu.compiler.convolution import kernel_parts
from host.npu.compiler.convolution_layer import ConvolutionLayer
from host.npu.compiler.requantization import Fused
from model_gen.codegen.tflite.graph import Array

COARSE, PARTIAL, SATURATION, SHIFT, MIDDLE = (
    "coarse multiplier",
    "partial sums through 16 bits",
    "saturation",
    "coarse accumulator",
    "saturation of the middle step",
)
IMPAIRMENTS = (SATURATION, MIDDLE, PARTIAL, COARSE, SHIFT)
_MOST = 32767
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Without:
    """The outputs without an impairment, and what is known of it."""

    value: Array
    evidence: str


def without(
    layer: ConvolutionLayer, value: Array, impairment: str, far: npt.NDArray[np.bool_]
) -> Without | None:
    """The layer in real numbers without one impairment; None where it has none of that kind.

    Args:
        layer: of the compiler model.
        value: int8, what it reads.
        impairment: one of IMPAIRMENTS.
        far: the outputs that are to be explained.
    """
    run = _Real(layer, value)
    if impairment == SATURATION:
        beyond = run.beyond
        if not beyond:
            return None
        need = np.log2(run.peak) - 15
        told = f"{beyond:,} sums beyond 16 bits; need {need:.2f} bits of shift, cs is {layer.shift}"
        return Without(run.outputs(limit=False), told)
    if impairment == PARTIAL:
        count = len(layer.passes.groups)
        if count == 1:
            return None
        noise = np.sqrt(count / 12) * run.step
        told = f"{count} passes, noise {noise:.2f} steps at cs {layer.shift}"
        return Without(run.outputs(passes=False), told)
    if impairment == COARSE:
        return Without(run.outputs(multipliers=False), run.coarse(far))
    if impairment == SHIFT:
        if layer.shift == 0:
            return None
        told = f"cs {layer.shift} rounds sums to {run.step:.2f} steps, they reach {run.reach:,.0f}"
        return Without(run.outputs(shift=False), told)
    if isinstance(layer.requantization, Fused) or not run.middle_beyond:
        return None
    return Without(run.outputs(middle=False), f"{run.middle_beyond:,} middle values at 16 bits")


class _Real:
    """A layer step by step, with its impairments or without."""

    def __init__(self, layer: ConvolutionLayer, value: Array) -> None:
        self._layer = layer
        self._images = layer.convolution.images(value)
        convolution = layer.convolution
        products = np.float32(convolution.input_scale) * np.array(
            convolution.weight_scales, np.float32
        )
        self._gain = products.astype(np.float64) / convolution.output_scale
        bias = (convolution.bias * np.array(convolution.bias_scales)).astype(np.float32)
        self._offset = bias.astype(np.float64) / convolution.output_scale + convolution.output_zero
        sums = [self._sums(image, True, True, False)[1] for image in self._images]
        self.beyond = sum(int((np.abs(one) > _MOST + 0.5).sum()) for one in sums)
        self.peak = float(max(np.abs(one).max(initial=1.0) for one in sums)) * 2.0**layer.shift
        self.reach = self.peak / 2.0**layer.shift
        self.step = float(np.median(self._gain)) * 2.0**layer.shift
        self.middle_beyond = 0
        if not isinstance(layer.requantization, Fused):
            self.outputs()

    def coarse(self, far: npt.NDArray[np.bool_]) -> str:
        """The multiplier with the largest error of its gain, among channels that are far off."""
        steps, kernels = self._layer.requantization, self._layer.convolution.kernels
        multipliers = np.broadcast_to(steps.multipliers, kernels)
        after, shift = 1, steps.shift
        if not isinstance(steps, Fused):
            after, shift = steps.scale, steps.first_shift + steps.shift
        gain = multipliers * float(after) / 2.0**shift
        error = np.abs(gain / (self._gain * 2.0**self._layer.shift) - 1.0)
        channels = np.flatnonzero(far.reshape(-1, kernels).any(axis=0))
        worst = int(channels[error[channels].argmax()])
        return (
            f"{len(channels)} of {kernels} channels; channel {worst} has the multiplier "
            f"{int(multipliers[worst])} where others have {int(multipliers.max())}, its gain is "
            f"off by {100 * error[worst]:.2g} %"
        )

    def outputs(
        self,
        *,
        limit: bool = True,
        passes: bool = True,
        multipliers: bool = True,
        shift: bool = True,
        middle: bool = True,
    ) -> Array:
        """int8 outputs with those impairments that are True."""
        made = []
        for image in self._images:
            x = self._sums(image, passes, shift, limit)[0]
            made.append(np.rint(self._scaled(x, multipliers, middle)))
        clipped: Array = np.clip(np.array(made), *self._layer.limits).astype(np.int8)
        return clipped.reshape(self._layer.shape)

    def _scaled(self, x: Reals, multipliers: bool, middle: bool) -> Reals:
        steps, cs = self._layer.requantization, self._layer.shift
        if not multipliers:
            return np.asarray(x * 2.0**cs * self._gain + self._offset)
        if isinstance(steps, Fused):
            return np.asarray((steps.multipliers * x + steps.offsets) / 2.0**steps.shift)
        between = steps.multipliers * x / 2.0**steps.first_shift
        self.middle_beyond = int((np.abs(between) > _MOST + 0.5).sum())
        if middle:
            between = np.clip(np.rint(between), -_MOST - 1, _MOST)
        return np.asarray((steps.scale * between + steps.offsets) / 2.0**steps.shift)

    def _sums(self, image: Integers, passes: bool, shift: bool, limit: bool) -> tuple[Reals, Reals]:
        """What reaches the multipliers, in units of 2^cs; and the same before it was limited."""
        layer, convolution = self._layer, self._layer.convolution
        rows, columns = convolution.weights.shape[1:3]
        groups = layer.passes.groups if passes else (slice(None),)
        parts = kernel_parts(rows, columns)
        if not shift and not limit:
            parts = (Part(range(rows), range(columns)),)
        features = image - convolution.input_zero
        total: Reals | None = None
        largest: Reals | None = None
        for part in parts:
            kept: Reals | None = None
            for group in groups:
                sums = accumulate(
                    features,
                    convolution.weights,
                    convolution.window,
                    part,
                    group,
                    depthwise=convolution.depthwise,
                )
                x = sums / 2.0**layer.shift + (0.0 if kept is None else kept)
                largest = (
                    x if largest is None else np.where(np.abs(x) > np.abs(largest), x, largest)
                )
                x = _away(x) if shift else x
                kept = np.clip(x, -_MOST - 1, _MOST) if limit else x
            assert kept is not None
            total = kept if total is None else total + kept
            if limit:
                total = np.clip(total, -_MOST - 1, _MOST)
        assert total is not None
        assert largest is not None
        return total, np.where(np.abs(total) > np.abs(largest), total, largest)


def _away(value: Reals) -> Reals:
    return np.asarray(np.copysign(np.floor(np.abs(value) + 0.5), value))
