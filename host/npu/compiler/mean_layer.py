"""The mean over all pixels: the pool unit's sum, then a rescaling by the ARITH unit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from host.npu.arithmetic import nearest, saturate
from host.npu.compiler.constant import (
    Constant,
    Integers,
    largest_shift,
    offset_constant,
    rounded,
    shift_constant,
)
from host.npu.compiler.layer import Known
from model_gen.codegen.tflite.graph import Array
from model_gen.codegen.tflite.options import WindowOptions
from model_gen.codegen.tflite.view import View

_EXTRA = 8  # fraction bits of the mean between the two units


@dataclass(frozen=True, eq=False)
class MeanLayer(Known):
    """x = S(R(sum * mulval, shift)); y = S8(R(((A * x) >> 8) + C, t)).

    With equal scales at both ends the pool unit alone gives y, in 8 bits.
    """

    multiplier: int
    shift: int
    rescaling: tuple[int, int, int] | None  # A, C, t
    shape: tuple[int, ...]

    def compute(self, inputs: Sequence[Array], rule: str) -> tuple[Array, ...]:
        sums: Integers = inputs[0].astype(np.int64).sum(axis=(1, 2))
        count = 1 if self.rescaling is None else 2
        mean = saturate(nearest(sums * self.multiplier, self.shift, rule), count)
        if self.rescaling is not None:
            scale, offset, shift = self.rescaling
            mean = saturate(nearest(((scale * mean) >> _EXTRA) + offset, shift, rule), 1)
        return (mean.astype(np.int8).reshape(self.shape),)


def mean_layer(view: View) -> MeanLayer | None:
    """The layer of a MEAN or AVERAGE_POOL_2D over all pixels; None for another one.

    Raises:
        BadInput: it is not int8, or lacks scales.
    """
    source = view.input(0)
    if len(source.shape) != 4 or not _is_global(view):
        return None
    before, after = view.scale_and_zero(source), view.scale_and_zero(view.output)
    fraction = 0 if before == after else _EXTRA
    real = 2.0**fraction / (source.shape[1] * source.shape[2])
    shift = largest_shift(real)
    multiplier = int(rounded(real * 2.0**shift))
    pooled = (Constant("mulval", multiplier), shift_constant("mean shift", shift))
    if before == after:
        return MeanLayer(view.op, pooled, multiplier, shift, None, view.output.shape)
    ratio = before[0] / after[0]
    t = largest_shift(ratio)
    scale = int(rounded(ratio * 2.0**t))
    offset = int(np.floor((after[1] - before[1] * ratio) * 2.0**t))
    scaled = (Constant("mean A", scale), offset_constant("mean C", offset), shift_constant("t", t))
    return MeanLayer(
        view.op, pooled + scaled, multiplier, shift, (scale, offset, t), view.output.shape
    )


def _is_global(view: View) -> bool:
    size = view.input(0).shape[1:3]
    if view.op.name == "MEAN":
        return {axis % 4 for axis in view.integers(1)} == {1, 2}
    options = view.options(WindowOptions)
    return (
        options.filter == size
        and options.activation == "NONE"
        and view.output.elements == (view.output.shape[0] * view.output.shape[-1])
    )
