"""For tests: the closed formulas of docs/npu-arithmetic.md in whole numbers and fractions, one result at a time.

It shares nothing with `formulas.py` or the compiler model but the reader of .tflite. All scales of
the probes are powers of two or have few digits, so that fractions are what floats were.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from model_gen.codegen.tflite.graph import Graph

Whole = Callable[[Fraction], int]
_HALF = Fraction(1, 2)


def nearest(value: Fraction, rule: str) -> int:
    """The nearest whole number; `rule` says where a half goes, "floor" rounds down always."""
    return ratio(value.numerator, value.denominator, rule)


def ratio(value: int, by: int, rule: str) -> int:
    """The nearest whole number to value / by, likewise; by is positive."""
    below, over = divmod(value, by)
    if rule == "floor":
        return below
    if 2 * over != by:
        return below + (2 * over > by)
    return {
        "half-away": below + (value > 0),
        "half-up": below + 1,
        "half-even": below + below % 2,
        "half-odd": below + 1 - below % 2,
        "half-toward-zero": below + (value < 0),
        "half-down": below,
    }[rule]


def clamp(value: int, bits: int) -> int:
    """The nearest signed number of so many bits."""
    half = 1 << (bits - 1)
    return min(max(value, -half), half - 1)


def wrap(value: int, bits: int) -> int:
    """The signed number that the low bits are."""
    half = 1 << (bits - 1)
    return (value + half) % (2 * half) - half


def toward_zero(value: Fraction) -> int:
    return floor(value) if value > 0 else ceil(value)


@dataclass(frozen=True)
class Way:
    """One arithmetic: the rules for ties of each rounding, and everything else that a probe asks.

    Attributes:
        conv, first, last: rules for ties behind the sums, and in the ARITH steps.
        cs: the shift; None: by the sum of the weights.
        cut: sizes of the parts of a kernel along its longer side; (): it is whole.
        kept: what 16 bits hold of a sum.
        feature: of a code and the zero point, what is multiplied.
        pad: of the zero point, what padding adds.
        offset: how C becomes whole.
    """

    conv: str = "half-away"
    first: str = "half-away"
    last: str = "half-away"
    cs: int | None = None
    cut: tuple[int, ...] = ()
    kept: Callable[[int], int] = field(default=lambda value: clamp(value, 16))
    feature: Callable[[int, int], int] = field(default=lambda code, zero: code - zero)
    pad: Callable[[int], int] = field(default=lambda zero: 0)
    offset: Whole = floor


@dataclass(frozen=True)
class Constants:
    """Of one kernel: y = R(A * x + C, s), or with x = R(A1 * x1, s1) in front."""

    cs: int
    multiplier: int
    offset: int
    shift: int
    first: tuple[int, int] | None  # A1 and s1


def convolution(graph: Graph, given: NDArray[np.int8], fused: bool, way: Way) -> NDArray[np.int64]:
    """[1, rows, columns, kernels] of a CONV_2D of stride 1."""
    source, weights, _, target = graph.tensors
    assert weights.value is not None
    assert source.quantization is not None
    zero = source.quantization.zero_points[0]
    values = weights.value.astype(int).tolist()
    rows, columns = weights.shape[1:3]
    found = _constants(graph, fused, way)
    same = target.shape[1:3] == source.shape[1:3]
    before = [(size - 1) // 2 if same else 0 for size in (rows, columns)]
    parts = _parts(rows, columns, way.cut)
    codes = given[0].astype(int).tolist()
    made = np.zeros(target.shape, np.int64)
    for _, y, x, k in np.ndindex(target.shape):
        total = 0
        for number, taps in enumerate(parts):
            exact = 0
            for i, j in taps:
                at = (y + i - before[0], x + j - before[1])
                inside = 0 <= at[0] < source.shape[1] and 0 <= at[1] < source.shape[2]
                for c, weight in enumerate(values[k][i][j]):
                    seen = way.feature(codes[at[0]][at[1]][c], zero) if inside else way.pad(zero)
                    exact += seen * weight
            piece = way.kept(ratio(exact, 2 ** found[k].cs, way.conv))
            total = piece if number == 0 else way.kept(total + piece)
        made[0, y, x, k] = _scaled(total, found[k], way)
    return made


def _parts(rows: int, columns: int, cut: tuple[int, ...]) -> list[list[tuple[int, int]]]:
    """The places of each part of a kernel, which is cut along its longer side."""
    found, start = [], 0
    for size in cut or (max(rows, columns),):
        along = range(start, start + size)
        start += size
        found.append(
            [(i, j) for i in range(rows) for j in range(columns) if max(i, j) in along]
            if cut
            else [(i, j) for i in range(rows) for j in range(columns)]
        )
    return found


def _scaled(x1: int, found: Constants, way: Way) -> int:
    if found.first is not None:
        factor, shift = found.first
        x1 = clamp(ratio(factor * x1, 2**shift, way.first), 16)
    return clamp(ratio(found.multiplier * x1 + found.offset, 2**found.shift, way.last), 8)


def _constants(graph: Graph, fused: bool, way: Way) -> list[Constants]:
    source, weights, bias, target = graph.tensors
    assert source.quantization is not None
    assert target.quantization is not None
    assert weights.quantization is not None
    assert weights.value is not None
    assert bias.value is not None
    sx, sy = (Fraction(one.quantization.scales[0]) for one in (source, target))  # type: ignore[union-attr]
    products = [sx * Fraction(scale) for scale in weights.quantization.scales]
    largest = max(abs(int(kernel.sum())) for kernel in weights.value.astype(int))
    cs = way.cs if way.cs is not None else max(0, len(bin(largest)) - 2 - 7)
    added = [int(b) * p / sy for b, p in zip(bias.value.tolist(), products, strict=True)]
    if fused:
        s = _shift([p / sy * 2**cs for p in products])
        return [
            Constants(cs, _up(p / sy * 2 ** (cs + s)), way.offset(v * 2**s), s, None)
            for p, v in zip(products, added, strict=True)
        ]
    m = next(m for m in range(-20, 40) if 16384 <= _up(_two(20 - m) / sy) <= 32767)
    s1 = _shift([p * _two(cs + m) for p in products])
    return [
        Constants(
            cs,
            _up(_two(20 - m) / sy),
            way.offset(v * 2**20),
            20,
            (_up(p * _two(cs + m + s1)), s1),
        )
        for p, v in zip(products, added, strict=True)
    ]


def _two(power: int) -> Fraction:
    return Fraction(2) ** power


def _up(value: Fraction) -> int:
    return floor(value + _HALF)


def _shift(scales: Sequence[Fraction]) -> int:
    """The largest with which the largest multiplier is one of 16 bits."""
    return next(s for s in range(60, -1, -1) if _up(max(scales) * _two(s)) <= 32767)
