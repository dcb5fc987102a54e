"""The sum of two tensors: one ARITH step with two inputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from host.npu.arithmetic import nearest, saturate
from host.npu.compiler.activation import activation
from host.npu.compiler.constant import (
    MULTIPLIER_MAX,
    Constant,
    largest_shift,
    rounded,
    shift_constant,
)
from host.npu.compiler.layer import Known
from model_gen.codegen.tflite.graph import Array
from model_gen.codegen.tflite.view import View


@dataclass(frozen=True, eq=False)
class AdditionLayer(Known):
    """y = S8(R(((A * x) >> Ax_shift) + ((B * z) >> By_shift) + (C << C_shift), shift))."""

    multipliers: tuple[int, int]
    downs: tuple[int, int]
    offset: int
    shift: int
    limits: tuple[int, int]
    shape: tuple[int, ...]

    def compute(self, inputs: Sequence[Array], rule: str) -> tuple[Array, ...]:
        # One tensor added to itself is read once.
        pair = (inputs[0], inputs[-1])
        total = np.full(self.shape, self.offset, np.int64)
        for value, multiplier, down in zip(pair, self.multipliers, self.downs, strict=True):
            total += (value.astype(np.int64) * multiplier) >> down
        out = saturate(nearest(total, self.shift, rule), 1)
        return (np.clip(out, *self.limits).astype(np.int8),)


def addition_layer(view: View) -> AdditionLayer | None:
    """The layer of an ADD of two computed tensors of one shape; None for another one.

    Raises:
        BadInput: it is not int8, or lacks scales.
    """
    left, right = view.input(0), view.input(1)
    if left.shape != right.shape or left.value is not None or right.value is not None:
        return None
    (out_scale, out_zero) = view.scale_and_zero(view.output)
    scales = [view.scale_and_zero(tensor) for tensor in (left, right)]
    ratios = [scale / out_scale for scale, _ in scales]
    ups = [largest_shift(ratio) for ratio in ratios]
    shift = min(ups)
    multipliers = [int(rounded(r * 2.0**up)) for r, up in zip(ratios, ups, strict=True)]
    real = out_zero - sum(zero * r for (_, zero), r in zip(scales, ratios, strict=True))
    c_shift = 0
    while abs(int(rounded(real * 2.0 ** (shift - c_shift)))) > MULTIPLIER_MAX:
        c_shift += 1
    c = int(rounded(real * 2.0 ** (shift - c_shift)))
    limits, clipped = activation(view)
    constants = (
        Constant("add A", multipliers[0]),
        Constant("add B", multipliers[1]),
        shift_constant("Ax_shift", ups[0] - shift),
        shift_constant("By_shift", ups[1] - shift),
        Constant("add C", c),
        Constant("C_shift", c_shift),
        shift_constant("add shift", shift),
        *clipped,
    )
    return AdditionLayer(
        view.op,
        constants,
        (multipliers[0], multipliers[1]),
        (ups[0] - shift, ups[1] - shift),
        c << c_shift,
        shift,
        limits,
        view.output.shape,
    )
