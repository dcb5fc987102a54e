"""Where sums do not fit the 16 bits that the compiler gives them: on data, and in the worst case.

A sum of kernel k needs log2(max |acc_k|) - 15 bits of right shift; the compiler gives cs, which it
finds from the sum of the weights. Where a kernel needs more, its outputs are cut off.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from host.npu.arithmetic import HALF_AWAY, nearest
from host.npu.compiler.constant import Integers
from host.npu.compiler.convolution import convolve, kernel_parts
from host.npu.compiler.convolution_layer import ConvolutionLayer
from model_gen.codegen.tflite.graph import Array

_BITS = 15


@dataclass(frozen=True, eq=False)
class Saturation:
    """How the sums of a convolution fit.

    Attributes:
        shift: cs, the shift that the compiler gives.
        largest: int64, the largest |sum| of each kernel that has to fit 16 bits.
        cut_off: how many of `sums` sums are beyond 16 bits; 0 of 0 for a worst case.
        sums: how many there are.
    """

    shift: int
    largest: Integers
    cut_off: int
    sums: int

    @property
    def need(self) -> npt.NDArray[np.float64]:
        """The shift that each kernel needs: log2(largest) - 15; -15 for a kernel of zeros."""
        return shift_needed(self.largest)

    @property
    def kernels(self) -> tuple[int, ...]:
        """The kernels that need more than they get: `need` > `shift`."""
        return tuple(int(k) for k in np.flatnonzero(self.need > self.shift))


def saturation_on(
    layer: ConvolutionLayer, inputs: Sequence[Array], rule: str = HALF_AWAY
) -> Saturation:
    """How the sums fit on given data.

    Args:
        layer: of a compiled model.
        inputs: int8 tensors as the op reads them, at least one.
        rule: the tie rule.
    """
    largest = np.zeros(layer.convolution.kernels, np.int64)
    cut_off = sums = 0

    def seen(values: Integers) -> None:
        nonlocal largest, cut_off, sums
        largest = np.maximum(largest, np.abs(values).max(axis=(0, 1)))
        fitted = nearest(values, layer.shift, rule)
        cut_off += int(np.count_nonzero((fitted > 32767) | (fitted < -32768)))
        sums += values.size

    for value in inputs:
        for image in layer.convolution.images(value):
            convolve(layer.convolution, image, layer.shift, layer.passes.groups, rule, seen)
    return Saturation(layer.shift, largest, cut_off, sums)


def worst_saturation(layer: ConvolutionLayer) -> Saturation:
    """How the sums fit when every input byte is the worst for the kernel."""
    zero = layer.convolution.input_zero
    weights = layer.convolution.weights
    largest = worst_sums(weights, -128 - zero, 127 - zero, layer.passes.groups)
    return Saturation(layer.shift, largest, 0, 0)


def worst_sums(weights: Integers, low: int, high: int, groups: Sequence[slice]) -> Integers:
    """The largest |sum| of each kernel that has to fit 16 bits, over all inputs.

    Args:
        weights: int64 [kernels, rows, columns, channels].
        low, high: of the input, zero point subtracted.
        groups: the channels whose sums pass through 16 bits one after the other.
    """
    largest = np.zeros(len(weights), np.int64)
    whole = np.zeros((2, len(weights)), np.int64)
    for part in kernel_parts(*weights.shape[1:3]):
        rows, columns = (slice(side.start, side.stop) for side in (part.rows, part.columns))
        total = np.zeros((2, len(weights)), np.int64)
        for group in groups:
            taps = weights[:, rows, columns, group]
            ends = np.stack([taps * low, taps * high])
            total += np.stack([ends.max(axis=0), ends.min(axis=0)]).sum(axis=(2, 3, 4))
            largest = np.maximum(largest, np.abs(total).max(axis=0))
        whole += total
    return np.asarray(np.maximum(largest, np.abs(whole).max(axis=0)))


def shift_needed(largest: Integers) -> npt.NDArray[np.float64]:
    """The right shift with which sums of that size fit 16 bits: log2(largest) - 15."""
    return np.asarray(np.log2(np.maximum(largest, 1)) - _BITS)


def sum_for_shift(shift: int) -> int:
    """A sum of weights that makes the compiler choose at least this cs, far from both limits.

    One kernel with such a sum raises cs for all kernels of its convolution; its output is dropped.
    """
    return 3 << (max(0, shift) + 5)
