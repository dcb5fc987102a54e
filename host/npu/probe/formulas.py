"""The closed formulas of docs/npu-arithmetic.md with each thing that is asked as a parameter."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from host.npu.arithmetic import HALF_AWAY, nearest, saturate
from host.npu.compiler.accumulators import Part, Window, accumulate
from host.npu.compiler.constant import Integers
from host.npu.compiler.convolution import Convolution
from host.npu.compiler.convolution_layer import ConvolutionLayer
from host.npu.compiler.dialect import dialect_named
from host.npu.compiler.requantization import Requantization, Scales, TwoSteps, requantization
from host.npu.probe.nets import Bytes

Kept = Callable[[Integers], Integers]


def fits(value: Integers) -> Integers:
    """What an accumulator of 16 bits holds: the nearest value that fits."""
    return saturate(value, 2)


def wraps(value: Integers) -> Integers:
    """The signed number in the low 16 bits."""
    return low(value, 16)


def low(value: Integers, bits: int) -> Integers:
    """The signed number in the low bits."""
    half = 1 << (bits - 1)
    return (value + half) % (2 * half) - half


def parts(rows: Sequence[int], columns: Sequence[int]) -> tuple[Part, ...]:
    """How a kernel is cut: the sizes of its pieces in rows and in columns."""
    return tuple(Part(*sides) for sides in product(_ranges(rows), _ranges(columns)))


def _ranges(sizes: Sequence[int]) -> list[range]:
    ends = np.cumsum(sizes).tolist()
    return [range(end - size, end) for end, size in zip(ends, sizes, strict=True)]


def sums(
    features: Integers,
    layer: Convolution,
    shift: int,
    *,
    rule: str = HALF_AWAY,
    cut: tuple[Part, ...] | None = None,
    kept: Kept = fits,
    window: Window | None = None,
) -> Integers:
    """x1: the 16 bits of a convolution's accumulators, in units of 2^shift.

    Args:
        features: int64 [rows, columns, channels], the zero point subtracted.
        layer: whose weights, and whose window unless `window` is another.
        shift: cs.
        rule: for ties of that shift.
        cut: the parts whose sums are shifted alone and then added; None: the kernel is whole.
        kept: what the accumulator holds of a sum.
        window: another one than the layer's.
    """
    whole = parts([layer.weights.shape[1]], [layer.weights.shape[2]])
    total: Integers | None = None
    for part in cut or whole:
        exact = accumulate(features, layer.weights, window or layer.window, part, depthwise=False)
        piece = kept(nearest(exact, shift, rule))
        total = piece if total is None else kept(total + piece)
    assert total is not None
    return total


def scaled(
    steps: Requantization, x1: Integers, *, first: str = HALF_AWAY, last: str = HALF_AWAY
) -> Bytes:
    """y of x1: one step of the ARITH unit, or two.

    Args:
        steps: the constants.
        x1: int64 [rows, columns, kernels].
        first: for ties of the first of two steps.
        last: for ties of the last step.

    Returns:
        int8 [1, rows, columns, kernels].
    """
    if isinstance(steps, TwoSteps):
        middle = saturate(nearest(steps.multipliers * x1, steps.first_shift, first), 2)
        total = steps.scale * middle + steps.offsets
    else:
        total = steps.multipliers * x1 + steps.offsets
    return saturate(nearest(total, steps.shift, last), 1).astype(np.int8)[None]


def steps_for(layer: ConvolutionLayer, shift: int, dialect: str) -> Requantization:
    """The constants that the compiler would find with another cs."""
    conv = layer.convolution
    products = (np.float32(conv.input_scale) * np.array(conv.weight_scales, np.float32)).astype(
        np.float64
    )
    bias = conv.bias * np.array(conv.bias_scales)
    scales = Scales(products, bias, conv.output_scale, conv.output_zero)
    return requantization(scales, shift, dialect_named(dialect))[0]
