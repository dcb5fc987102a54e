"""Exact accumulators of convolutions: integers, through matrix products that cannot round."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from host.npu.compiler.constant import Integers

_ALL = slice(None)
_FLOAT32_EXACT, _FLOAT64_EXACT = 1 << 24, 1 << 53


@dataclass(frozen=True)
class Window:
    """How a kernel moves over an input: each field (rows, columns), `padding` (before, after)."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]


def same_padding(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[tuple[int, int], tuple[int, int]]:
    """TFLite's SAME: rows above and below, columns left and right."""
    sides = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
        sides.append((total // 2, total - total // 2))
    return sides[0], sides[1]


@dataclass(frozen=True)
class Part:
    """What of every kernel is summed: its rows and its columns."""

    rows: range
    columns: range


def accumulate(
    features: Integers,
    weights: Integers,
    window: Window,
    part: Part,
    channels: slice = _ALL,
    *,
    depthwise: bool,
) -> Integers:
    """The sums of products of a convolution, or of one part of its kernels.

    Args:
        features: [rows, columns, channels], zero point subtracted, |value| < 2^16.
        weights: [kernels, rows, columns, channels]; for a depthwise one the last size is 1, and
            kernel k reads channel k // (kernels / channels).
        window: how the whole kernel moves.
        part: the rows and columns that are summed.
        channels: those that are summed; of a depthwise convolution all.
        depthwise: whether each kernel reads one channel.

    Returns:
        int64 [rows, columns, kernels].
    """
    bound = int(np.abs(features).max(initial=0)) * int(
        np.abs(weights).sum(axis=(1, 2, 3)).max(initial=0)
    )
    assert bound < _FLOAT64_EXACT, "a sum that a double would round"
    kind = np.float32 if bound < _FLOAT32_EXACT else np.float64
    padded = np.pad(features.astype(kind), (*window.padding, (0, 0)))
    rows, columns = (
        (size - (k - 1) * d - 1) // s + 1
        for size, k, d, s in zip(
            padded.shape, weights.shape[1:3], window.dilation, window.stride, strict=False
        )
    )
    total = np.zeros((rows, columns, len(weights)), kind)
    for i, j in product(part.rows, part.columns):
        top, left = i * window.dilation[0], j * window.dilation[1]
        seen = padded[
            top : top + (rows - 1) * window.stride[0] + 1 : window.stride[0],
            left : left + (columns - 1) * window.stride[1] + 1 : window.stride[1],
            channels,
        ]
        total += _product(seen, weights[:, i, j, channels].astype(kind), depthwise)
    return total.astype(np.int64)


def _product(
    seen: npt.NDArray[np.floating], taps: npt.NDArray[np.floating], depthwise: bool
) -> npt.NDArray[np.floating]:
    if not depthwise:
        return np.asarray(seen @ taps.T)
    spread = np.repeat(seen, len(taps) // seen.shape[-1], axis=-1)
    return np.asarray(spread * taps[:, 0])
