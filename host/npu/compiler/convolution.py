"""Convolutions and fully connected layers: their constants, and what the NPU makes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from host.npu.arithmetic import nearest, saturate
from host.npu.compiler.accumulators import Part, Window, accumulate
from host.npu.compiler.constant import Integers

ROWS_MAX, COLUMNS_MAX = 3, 6  # of a kernel that the compiler leaves whole


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution in integers, as the model says it.

    Attributes:
        weights: int64 [kernels, rows, columns, channels]; depthwise: the last size is 1.
        depthwise: whether kernel k reads channel k // (kernels / channels) alone.
        bias: int64, one a kernel, in units of its `bias_scales`.
        bias_scales: float32; a converter may have rounded them otherwise than the products.
        weight_scales: float32, one a kernel.
        input_scale, output_scale: float32 values.
        input_zero, output_zero: in steps.
        window: how the kernel moves.
        spatial: whether the input has rows and columns; a fully connected one reads vectors.
    """

    weights: Integers
    depthwise: bool
    bias: Integers
    bias_scales: tuple[float, ...]
    weight_scales: tuple[float, ...]
    input_scale: float
    input_zero: int
    output_scale: float
    output_zero: int
    window: Window
    spatial: bool = True

    @property
    def kernels(self) -> int:
        return len(self.weights)

    @property
    def channels(self) -> int:
        """Channels that one kernel reads."""
        return int(self.weights.shape[3])

    @property
    def taps(self) -> int:
        """Places of a kernel, rows times columns."""
        return int(self.weights.shape[1] * self.weights.shape[2])

    def images(self, value: npt.NDArray[np.int8]) -> list[Integers]:
        """The op's input as int64 images [rows, columns, channels]; vectors are single pixels."""
        image = value.shape[1:] if self.spatial else (1, 1, self.channels)
        return list(value.astype(np.int64).reshape(-1, *image))


def kernel_parts(rows: int, columns: int) -> tuple[Part, ...]:
    """How the compiler cuts a kernel: rows 3 + 3 + .. and columns 6 + 6 + .."""
    return tuple(
        Part(*sides) for sides in product(_cut(rows, ROWS_MAX), _cut(columns, COLUMNS_MAX))
    )


def _cut(size: int, most: int) -> list[range]:
    return [range(at, min(at + most, size)) for at in range(0, size, most)]


def convolve(
    layer: Convolution,
    values: Integers,
    shift: int,
    passes: tuple[slice, ...],
    rule: str,
    seen: Callable[[Integers], None] = lambda _: None,
) -> Integers:
    """The accumulators of a convolution as the NPU keeps them: through 16 bits.

    Args:
        layer: the convolution.
        values: int64 [rows, columns, channels], the int8 steps of the input.
        shift: cs, the right shift of every sum.
        passes: the groups of channels whose sums go through 16 bits one after the other.
        rule: the tie rule.
        seen: told every sum that is made to fit 16 bits, in units of an accumulator.

    Returns:
        int64 [rows, columns, kernels] in -32768..32767, in units of 2^shift.
    """
    features = values - layer.input_zero
    total: Integers | None = None
    for part in kernel_parts(*layer.weights.shape[1:3]):
        kept: Integers | None = None
        for group in passes:
            sums = accumulate(
                features, layer.weights, layer.window, part, group, depthwise=layer.depthwise
            )
            if kept is not None:
                sums = sums + (kept << shift)
            seen(sums)
            kept = saturate(nearest(sums, shift, rule), 2)
        assert kept is not None
        if total is not None:
            seen((total + kept) << shift)
            kept = saturate(total + kept, 2)
        total = kept
    assert total is not None
    return total
