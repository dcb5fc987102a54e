"""Sums through 16 bits, against loops over Python's integers."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.npu.arithmetic import TIE_RULES
from host.npu.arithmetic_test import naive_nearest
from host.npu.compiler.accumulators import Part, Window, accumulate
from host.npu.compiler.constant import Integers
from host.npu.compiler.convolution import Convolution, convolve, kernel_parts

_PARTS = {3: [(0, 3)], 5: [(0, 3), (3, 5)], 7: [(0, 3), (3, 6), (6, 7)]}


def layer(weights: Any, window: Window, *, depthwise: bool = False, zero: int = 0) -> Convolution:
    """A convolution of which only the sums matter."""
    kernels = np.asarray(weights, np.int64)
    return Convolution(
        weights=kernels,
        depthwise=depthwise,
        bias=np.zeros(len(kernels), np.int64),
        bias_scales=(0.001,) * len(kernels),
        weight_scales=(0.01,) * len(kernels),
        input_scale=0.1,
        input_zero=zero,
        output_scale=0.1,
        output_zero=0,
        window=window,
    )


def _clip(value: int) -> int:
    return max(-32768, min(32767, value))


def _naive(
    made: Convolution, values: Integers, shift: int, passes: list[range], rule: str
) -> list[int]:
    """Every output in order, term by term, each part and pass through 16 bits by itself."""
    window, (kernels, rows, columns, _) = made.window, made.weights.shape
    (above, below), (left, right) = window.padding
    height, width, channels = values.shape
    out_rows = (height + above + below - (rows - 1) * window.dilation[0] - 1) // window.stride[
        0
    ] + 1
    out_columns = (width + left + right - (columns - 1) * window.dilation[1] - 1) // window.stride[
        1
    ] + 1
    outputs = []
    row_parts = [range(at, min(at + 3, rows)) for at in range(0, rows, 3)]
    column_parts = [range(at, min(at + 6, columns)) for at in range(0, columns, 6)]
    for y, x, kernel in product(range(out_rows), range(out_columns), range(kernels)):
        total = 0
        for some_rows, some_columns in product(row_parts, column_parts):
            kept = 0
            for group in passes:
                acc = kept << shift
                for i, j, c in product(some_rows, some_columns, group):
                    row = y * window.stride[0] + i * window.dilation[0] - above
                    column = x * window.stride[1] + j * window.dilation[1] - left
                    if 0 <= row < height and 0 <= column < width:
                        source = kernel // (kernels // channels) if made.depthwise else c
                        feature = int(values[row, column, source]) - made.input_zero
                        acc += feature * int(made.weights[kernel, i, j, c])
                kept = _clip(naive_nearest(acc, shift, rule))
            total = _clip(total + kept)
        outputs.append(total)
    return outputs


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Convolution, Integers, int, list[range], str]:
    def pair(low: int, high: int) -> tuple[int, int]:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    depthwise = draw(st.booleans())
    channels = draw(st.integers(1, 4))
    rows, columns = pair(1, 8)
    dilation = pair(1, 2)
    size = [
        draw(st.integers((k - 1) * d + 1, (k - 1) * d + 4))
        for k, d in zip((rows, columns), dilation, strict=True)
    ]
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    kernels = channels * draw(st.integers(1, 2)) if depthwise else draw(st.integers(1, 3))
    largest = draw(st.sampled_from((3, 127)))
    weights = random.integers(
        -largest, largest + 1, (kernels, rows, columns, 1 if depthwise else channels)
    )
    window = Window(pair(1, 2), dilation, (pair(0, 2), pair(0, 2)))
    values = random.integers(-128, 128, (*size, channels))
    cut = 1 if depthwise else draw(st.integers(1, channels))
    passes = [range(cut), range(cut, channels)]
    if depthwise or cut == channels:
        passes = [range(cut)]
    made = layer(weights, window, depthwise=depthwise, zero=draw(st.integers(-128, 127)))
    return made, values, draw(st.integers(0, 6)), passes, draw(st.sampled_from(TIE_RULES))


@settings(max_examples=60, deadline=None)
@given(_cases())
def test_sums_are_those_of_loops(case: tuple[Convolution, Integers, int, list[range], str]) -> None:
    made, values, shift, passes, rule = case
    groups = tuple(slice(group.start, group.stop) for group in passes)
    groups = (slice(None),) if made.depthwise else groups
    got = convolve(made, values, shift, groups, rule)
    assert got.ravel().tolist() == _naive(made, values, shift, passes, rule)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_kernels_are_cut_into_three_rows_and_six_columns(size: int) -> None:
    parts = kernel_parts(size, size)
    assert list(dict.fromkeys((p.rows.start, p.rows.stop) for p in parts)) == _PARTS[size]
    assert {(p.columns.start, p.columns.stop) for p in parts} == (
        {(0, 6), (6, 7)} if size == 7 else {(0, size)}
    )


def test_each_part_saturates_alone() -> None:
    weights = np.zeros((1, 5, 1, 1), np.int64)
    weights[0, :3], weights[0, 3:] = 127, -127
    made = layer(weights, Window((1, 1), (1, 1), ((0, 0), (0, 0))), zero=-128)
    values = np.full((5, 1, 1), 127)
    whole = 255 * 127 * (3 - 2)
    assert convolve(made, values, 0, (slice(None),), "half-away").item() == 32767 - 32768 != whole


def test_passes_round_again_each_time() -> None:
    made = layer([[[[1, 1]]]], Window((1, 1), (1, 1), ((0, 0), (0, 0))))
    values = np.array([[[1, 1]]])
    once = convolve(made, values, 1, (slice(None),), "half-away").item()
    twice = convolve(made, values, 1, (slice(0, 1), slice(1, 2)), "half-away").item()
    assert (once, twice) == (1, 2)


@pytest.mark.parametrize("channels", [600, 70000])
def test_sums_beyond_24_bits_are_exact(channels: int) -> None:
    values = np.full((1, 1, channels), 255)
    values[0, 0, 0] = 254
    weights = np.full((1, 1, 1, channels), 127)
    window, part = Window((1, 1), (1, 1), ((0, 0), (0, 0))), Part(range(1), range(1))
    total = accumulate(values, weights, window, part, depthwise=False).item()
    assert total == 255 * 127 * channels - 127
    assert total > 1 << 24
