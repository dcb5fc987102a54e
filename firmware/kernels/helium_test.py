"""The target's kernels, Helium included, compute the bytes of the scalar ones. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest
import testing_kernels as k
import testing_layers as layers
import testing_more_ops as more
import testing_ops as ops
import testing_qemu as qemu
import testing_structures as cs
from testing_data import Values
from testing_qemu import Both

pytestmark = pytest.mark.skipif(
    qemu.missing() is not None, reason=f"{qemu.missing()} is not installed"
)
ROUNDINGS = (k.SINGLE, k.DOUBLE)


def geometry(values: Values, size: tuple[int, int]) -> tuple[k.Geometry, list[int]]:
    """A random geometry and an image that the window fits."""
    draw = values.rng.integers
    dilation = (1, 1) if draw(3) else tuple(int(v) for v in draw(1, 4, 2))
    stride = tuple(int(v) for v in draw(1, 4, 2))
    reach = [(w - 1) * d + 1 for w, d in zip(size, dilation, strict=True)]
    image = [int(draw(n, max(12, n + 3))) for n in reach]
    return k.Geometry(stride, dilation, bool(draw(2)), int(draw(4))), image


def convolutions(both: Both, values: Values, name: str, count: int) -> None:
    draw = values.rng.integers
    for i in range(count):
        size = (1, 1) if i % 3 == 0 else tuple(int(v) for v in draw(1, 4, 2))
        place, image = geometry(values, size)
        ic, oc = int(draw(1, 40)), int(draw(1, 20))
        if name == "depthwise_conv_2d":
            oc = ic * int(draw(1, 4))
        weights = values.steps(*((oc, *size, ic) if name == "conv_2d" else (1, *size, oc)))
        # Targets so fine that scales above 1 occur, with left shifts and saturation.
        source, target = (
            values.quantization(),
            values.quantization(1e-3 if i % 4 == 0 else 0.1, 4.0),
        )
        scales = [values.scale() for _ in range(oc)]
        if i % 4 == 0:
            scales = [scale * float(2.0 ** draw(0, 12)) for scale in scales]
        bias = draw(-(2**17), 2**17, oc).astype(np.int32)
        x = values.steps(1, *image, ic)
        q = (source, scales, target)
        rounding = ROUNDINGS[i % 2]
        both(f"{name} {i}", layers.convolution, name, x, weights, bias, q, place, rounding)


@pytest.mark.parametrize("name", ["conv_2d", "depthwise_conv_2d"])
def test_convolutions(kernels: ctypes.CDLL, runner: Path, tmp_path: Path, name: str) -> None:
    both = Both(kernels)
    convolutions(both, Values(1), name, 400)
    both.check(runner, tmp_path)


def packed(both: Both, values: Values, name: str, count: int) -> tuple[int, int]:
    """Random packed convolutions, where the kernels take them; returns how many, and how many in place."""
    draw, taken, in_place = values.rng.integers, 0, 0
    for i in range(count):
        nine = (1, 9) if i % 9 == 1 else (3, 3)
        size = (
            (1, 1) if i % 4 == 0 else nine if i % 4 == 1 else tuple(int(v) for v in draw(1, 5, 2))
        )
        place, image = geometry(values, size)
        if i % 3 == 0:
            image = [n + int(draw(10)) for n in image]
        ic, oc = int(draw(1, 40)), int(draw(1, 20))
        if i % 7 == 0:
            ic = 2 ** int(draw(5))
        if i % 5 == 0:
            ic = int(draw(100, 300)) if name == "conv_2d" else 16 * int(draw(1, 4))
        if i % 3 == 2:
            ic = (
                (8 << int(draw(6))) // size[1] if name == "conv_2d" and size[1] in (1, 2, 4) else 16
            )
        if name == "conv_2d" and i % 8 == 4:
            ic = 8 << i % 16 // 8  # patches of one block that lie side by side
        if name == "depthwise_conv_2d":
            oc = ic
        weights = values.steps(*((oc, *size, ic) if name == "conv_2d" else (1, *size, oc)))
        if name == "depthwise_conv_2d":
            weights = np.maximum(weights, -127)
        q = (
            values.quantization(),
            [values.scale() for _ in range(oc)],
            values.quantization(0.1, 8.0),
        )
        bias = draw(-(2**17), 2**17, oc).astype(np.int32)
        x = values.steps(1, *image, ic)
        arguments = (name, x, weights, bias, q, place)
        if layers.packed_convolution(both.library, *arguments) is not None:
            both(f"{name} packed {i}", layers.packed_convolution, *arguments, 2 * int(draw(1, 4)))
            taken += 1
        if (
            name != "conv_2d"
            or layers.packed_convolution(both.library, *arguments, 0, True) is None
        ):
            continue
        both(f"{name} in place {i}", layers.packed_convolution, *arguments, 0, True)
        in_place += 1
    return taken, in_place


@pytest.mark.parametrize("name", ["conv_2d", "depthwise_conv_2d"])
def test_packed_convolutions(kernels: ctypes.CDLL, runner: Path, tmp_path: Path, name: str) -> None:
    both = Both(kernels)
    taken, in_place = packed(both, Values(6), name, 400)
    assert taken > 200
    assert in_place > (60 if name == "conv_2d" else -1)
    both.check(runner, tmp_path)


def test_linear_forms(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(7)
    draw = values.rng.integers
    for i in range(100):
        shift = 22 if i % 2 else int(draw(8, 25))
        low, high = int(draw(-128, 0)), int(draw(0, 128))
        factors = draw(-(2**22), 2**22, 2)
        count = int(draw(1, 100))
        inputs = (values.steps(count), values.steps(count))
        numbers = [*(int(f) for f in factors), int(draw(-(2**29), 2**29)), shift, low, high]
        both(f"sum {i}", ops.linear_sum, inputs, numbers)
        channels = int(draw(1, 20))
        rounded = -(-channels // 4) * 4
        constants = [draw(-(2**23), 2**23, rounded).astype(np.int32) for _ in range(2)]
        x = values.steps(int(draw(1, 9)), channels)
        both(f"channels {i}", ops.linear_channels, x, *constants, shift, (low, high))
    both.check(runner, tmp_path)


def test_comparisons_and_gathering(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(9)
    draw = values.rng.integers
    shapes = [((1, 3, 5, 17), (1, 3, 5, 17)), ((2, 19), (19,)), ((5, 1), (5, 33)), ((33,), (1,))]
    for i in range(40):
        first, second = (values.steps(*shape) for shape in shapes[i % len(shapes)])
        both(f"maximum {i}", ops.extreme, "maximum", (first, second))
        both(f"minimum {i}", ops.extreme, "minimum", (first, second))
        np.testing.assert_array_equal(
            ops.extreme(kernels, "minimum", (first, second)), np.minimum(first, second)
        )
        x = values.steps(*(int(n) for n in draw(1, 9, 4)))
        rows, columns = (draw(0, n, 7).astype(np.int32) for n in x.shape[1:3])
        both(f"gather {i}", ops.gather, x, rows, columns)
        np.testing.assert_array_equal(
            ops.gather(kernels, x, rows, columns), x[:, rows][:, :, columns]
        )
    both.check(runner, tmp_path)


def between(values: Values, size: int, count: int) -> ops.NDArray[np.int32]:
    """Drawn neighbours with drawn weights, those of the edges among them."""
    low = values.rng.integers(0, size, count)
    weight = values.rng.integers(0, 1025, count)
    weight[::3] = values.rng.integers(-512, 1537, len(weight[::3]))
    return np.stack([low, np.minimum(low + 1, size - 1), weight], 1).astype(np.int32)


def test_bilinear(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(14)
    for i in range(60):
        x = values.steps(*(int(n) for n in values.rng.integers(1, (3, 7, 7, 20))))
        rows, columns = (between(values, n, 5) for n in x.shape[1:3])
        if i % 2:  # ties
            rows[:, 2], columns[:, 2] = 512, 512
        both(f"bilinear {i}", more.resize_bilinear, x, rows, columns)
    both.check(runner, tmp_path)


def test_transpose_conv(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(15)
    draw = values.rng.integers
    for i in range(60):
        height, width, inputs = (int(n) for n in draw(1, (5, 5, 40)))
        (kh, kw), (sh, sw) = draw(1, 5, 2).tolist(), draw(1, 4, 2).tolist()
        outputs, taps = int(draw(1, 10)), -(-kh // sh) * -(-kw // sw)
        weights = values.steps(sh * sw, outputs, taps, inputs)
        bias = draw(-(2**17), 2**17, (sh * sw, outputs)).astype(np.int32)
        pairs = [k.quantize_multiplier(values.scale() * 0.01) for _ in range(outputs)]
        window = cs.Window(kh, kw, sh, sw, 1, 1, int(draw(kh)), int(draw(kw)))
        arguments = (values.steps(1, height, width, inputs), weights, bias, ops.requants(pairs))
        zeros = values.zero_point(), values.zero_point()
        size = (height * sh, width * sw)
        both(f"transpose_conv {i}", more.transpose_conv, *arguments, window, size, zeros)
    both.check(runner, tmp_path)


def test_packed_transpose_conv(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    """Convolutions side by side whose windows begin before, within and behind the image, of one part and of several."""
    both, values = Both(kernels), Values(32)
    draw = values.rng.integers
    for i in range(60):
        height, width = (int(n) for n in draw(1, 7, 2))
        inputs = int(draw(1, 4)) * 16 if i % 2 else int(draw(1, 40))
        columns, zeros = int(draw(1, 4)), (values.zero_point(), (-128, 7)[i // 2 % 2])
        parts = []
        for _ in range(1 + i % 3):
            channels, rows = int(draw(1, 10)), int(draw(1, 4))
            shifts = draw(-9, -4, channels)
            table = [draw(-(2**15), 2**15, channels), draw(1 << 30, 1 << 31, channels), shifts]
            most = width if columns == 1 else 7  # one place a window: all are within the image
            place = (int(draw(1, most + 1)), int(draw(-2, rows)), int(draw(-6, columns)))
            weights = values.steps(channels, rows, columns, inputs)
            parts.append((weights, place, np.stack(table, 1).astype(np.int32)))
        x = values.steps(1, height, width, inputs)
        count = int(draw(1, height + 1 if columns == 1 else 6))
        arguments = (x, parts, count, zeros, i % 2 == 1)
        both(f"transpose_conv_packed {i}", layers.packed_transpose, *arguments)
    both.check(runner, tmp_path)


def test_batch_matmul(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(16)
    draw = values.rng.integers
    for i in range(80):
        rows, columns, depth = int(draw(1, 9)), int(draw(1, 9)), int(draw(1, 50))
        turns = i % 2, i // 2 % 2
        one = (depth, rows) if turns[0] else (rows, depth)
        two = (depth, columns) if turns[1] else (columns, depth)
        inputs = values.steps(1 + i % 3 % 2 * 2, *one), values.steps(3, *two)
        q = values.quantization(), values.quantization(), values.quantization(0.1, 8.0)
        both(f"batch_matmul {i}", more.batch_matmul, inputs, turns, q)
    both.check(runner, tmp_path)


def test_select(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(17)
    shapes = [((3, 19), (3, 19), (19,)), ((3, 1), (1,), (3, 21)), ((40,), (1,), (40,))]
    for i in range(30):
        inputs = [values.steps(*shape) for shape in shapes[i % len(shapes)]]
        inputs[0] = values.rng.integers(0, 2, inputs[0].shape).astype(np.int8)
        both(f"select {i}", more.select, tuple(inputs))
        want = np.where(inputs[0], inputs[1], inputs[2])
        np.testing.assert_array_equal(more.select(kernels, tuple(inputs)), want)
    both.check(runner, tmp_path)


def test_transpose(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(8)
    for i in range(60):
        x = values.steps(*(int(n) for n in values.rng.integers(1, 24, 4)))
        axes = [int(a) for a in values.rng.permutation(4)]
        both(f"transpose {i}", ops.transpose, x, axes)
        np.testing.assert_array_equal(ops.transpose(kernels, x, axes), x.transpose(axes))
    for i in range(20):
        x = values.steps(*(int(n) for n in values.rng.integers(1, 5, 6)))
        axes = [int(a) for a in values.rng.permutation(6)]
        both(f"transpose {i} of 6 dimensions", ops.transpose, x, axes)
    wide = values.steps(1, 1, 12, 20000)
    both("wide", ops.transpose, wide, [0, 1, 3, 2])
    both.check(runner, tmp_path)


def test_fully_connected(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(2)
    draw = values.rng.integers
    for i in range(300):
        batches, inputs, outputs = int(draw(1, 4)), int(draw(1, 100)), int(draw(1, 20))
        q = (
            values.quantization(),
            [values.scale() for _ in range(outputs)],
            values.quantization(0.1, 8.0),
        )
        x, weights = values.steps(batches, inputs), values.steps(outputs, inputs)
        bias = draw(-(2**18), 2**18, outputs).astype(np.int32)
        label = f"fully_connected {i}"
        activation = int(draw(4))
        both(label, layers.fully_connected, x, weights, bias, q, activation, i % 3)
        if i % 4 == 0:
            shifted = (x, weights, bias, q, activation, i % 3, int(draw(-128, 128)))
            both(f"{label} of shifted weights", layers.fully_connected, *shifted)
        if i % 3 == k.REAL:
            continue
        arguments = (x, weights, bias, q, activation, i % 3)
        plain = layers.fully_connected(kernels, *arguments)
        packed = layers.packed_fully_connected(kernels, *arguments)
        if packed is not None:
            np.testing.assert_array_equal(packed, plain)
            both(f"packed {label}", layers.packed_fully_connected, *arguments)
    both.check(runner, tmp_path)


def test_requantization(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    """Every shift, with accumulators near ties, at random and at the ends of int32."""
    both, values = Both(kernels), Values(3)
    draw = values.rng.integers
    for shift in range(-31, 31):
        for rounding in ROUNDINGS:
            multipliers = draw(2**29, 2**31, 64)
            multipliers[:8] = 2**30
            multipliers[8:10] = 2**31 - 1, 0
            pairs = np.stack([multipliers, np.full(64, shift)], 1).astype(np.int32)
            scale = np.maximum(multipliers, 1) * 2.0 ** (shift - 31)
            near = np.rint((draw(-140, 140, 64) + 0.5) / scale)
            accs = np.clip(near, -(2**31), 2**31 - 1).astype(np.int64)
            accs[16:32] = draw(-(2**31), 2**31, 16)
            accs[32:36] = -(2**31), 2**31 - 1, 0, -1
            both(f"{shift} {rounding}", ops.requantize, accs.astype(np.int32), pairs, rounding)
    both.check(runner, tmp_path)


def test_elementwise(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(4)
    draw = values.rng.integers
    shapes = [
        ((1, 3, 5, 7), (1, 3, 5, 7)),
        ((2, 19), (19,)),
        ((1, 1, 5, 1), (1, 3, 1, 7)),
        ((1,), (2, 9)),
        ((33,), (1,)),
    ]
    for i in range(240):
        first, second = (values.steps(*shape) for shape in shapes[i % len(shapes)])
        q = (values.quantization(), values.quantization(), values.quantization(0.003, 0.3))
        name = ("add", "squared_difference", "sub", "mul")[i % 4]
        rounding = ROUNDINGS[i // 4 % 2]
        both(f"{name} {i}", ops.elementwise, name, (first, second), q, int(draw(4)), rounding)
    both.check(runner, tmp_path)


def test_gates(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    """MUL of an image by a step a channel, or a step a place, in either order, with and without negative products."""
    both, values = Both(kernels), Values(13)
    draw = values.rng.integers
    for i in range(200):
        height, width, channels = (int(n) for n in draw(1, (5, 9, 40)))
        gate = (1, 1, channels) if i % 2 else (height, width, 1)
        inputs = [values.steps(1, height, width, channels), values.steps(1, *gate)]
        zeros = (-128, -128) if i % 3 == 0 else (values.zero_point(), values.zero_point())
        scales = (values.scale(), 1 / 256)
        q = [ops.Q(scale, zero) for scale, zero in zip(scales, zeros, strict=True)]
        if i % 5 == 0:
            inputs.reverse()
            q.reverse()
        low = 1e-3 if i % 7 == 0 else 0.02 * scales[0]  # left shifts, and any right one
        target = ops.Q(values.scale(low, 1.0), values.zero_point())
        rounding = k.SINGLE if i % 11 == 0 else k.DOUBLE
        both(
            f"gates {i}",
            ops.elementwise,
            "mul",
            tuple(inputs),
            (*q, target),
            int(draw(4)),
            rounding,
        )
    both.check(runner, tmp_path)


def test_reductions(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(11)
    draw = values.rng.integers
    for i in range(150):
        x = values.steps(*(int(n) for n in draw(1, 24, 4)))
        axes = [d for d in range(4) if draw(2)]
        q = (values.quantization(), values.quantization())
        both(f"mean {i}", ops.mean, x, axes, *q, k.DOUBLE)
        name, numpy = (("reduce_max", np.max), ("reduce_min", np.min))[i % 2]
        both(f"{name} {i}", more.reduced, name, x, axes)
        want = numpy(x, axis=tuple(axes), keepdims=True)
        np.testing.assert_array_equal(more.reduced(kernels, name, x, axes), want)
    full = np.full((1, 40, 40, 9), -128, np.int8)
    q = (ops.Q(1.0, 127), ops.Q(1e4, -128))
    both("mean of extremes", ops.mean, full, (1, 2), *q, k.DOUBLE)
    both.check(runner, tmp_path)


def test_prelu(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    both, values = Both(kernels), Values(12)
    shapes = [((1, 3, 5, 7), (7,)), ((2, 19), (2, 19)), ((1, 4, 6, 33), (1, 1, 33)), ((9,), (1,))]
    for i in range(120):
        inputs = tuple(values.steps(*shape) for shape in shapes[i % len(shapes)])
        q = (values.quantization(), values.quantization(), values.quantization(0.003, 0.3))
        both(f"prelu {i}", ops.prelu, inputs, q, ROUNDINGS[i // 4 % 2])
    both.check(runner, tmp_path)


def test_conversions(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    """QUANTIZE near its ties, far outside, and of what is no number; DEQUANTIZE of every step."""
    both, values = Both(kernels), Values(10)
    draw = values.rng.integers
    hard = [np.inf, -np.inf, np.nan, 3e38, -3e38, 0.0, -0.0, 1e-45, -1e-45, 2.0**31, -(2.0**31)]
    for i in range(120):
        q = values.quantization()
        count = int(draw(1, 80))
        x = ((draw(-300, 300, count) + 0.5) * q.scale).astype(np.float32)
        x = np.nextafter(x, x + draw(-1, 2, count).astype(np.float32)).astype(np.float32)
        x[::7] = values.rng.standard_normal(len(x[::7])) * 60 * q.scale
        x[: count // 3] = np.resize(np.array(hard, np.float32), count // 3)
        both(f"quantize {i}", ops.quantize, x, q)
        both(f"dequantize {i}", ops.dequantize, values.steps(count), q)
        both(f"quantize to uint8 {i}", ops.quantize_u8, x, q)
        both(f"dequantize uint8 {i}", ops.dequantize_u8, values.steps(count), q)
    both.check(runner, tmp_path)


def test_division(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    """Any multipliers: every dividend and divisor, of either sign, and zero by whatever the table says."""
    both, values = Both(kernels), Values(31)
    draw = values.rng.integers
    for i in range(24):
        multipliers = draw(1 << 30, 1 << 31, 256)
        table = np.stack([multipliers, draw(0, 8, 256)], 1).astype(np.int32)
        zeros = tuple(int(n) for n in draw(-128, 128, 3))
        shapes = [((16, 16), (16, 16)), ((7, 37), (1, 37)), ((5, 3, 9), (3, 1)), ((1,), (4, 21))][
            i % 4
        ]
        one, two = (values.steps(*shape) for shape in shapes)
        both(f"div {i}", more.div, (one, two), zeros, int(draw(1 << 30, 1 << 31)), table)
    both.check(runner, tmp_path)


def test_the_rest(kernels: ctypes.CDLL, runner: Path, tmp_path: Path) -> None:
    """Pools of few places and of many among them."""
    both, values = Both(kernels), Values(5)
    draw = values.rng.integers
    for i in range(100):
        size = tuple(int(v) for v in draw(1, 8, 2))
        place, image = geometry(values, size)
        place = k.Geometry(place.stride, (1, 1), place.same, place.activation)
        q, x = values.quantization(), values.steps(1, *image, int(draw(1, 9)))
        name = ("average_pool_2d", "max_pool_2d")[i % 2]
        both(f"{name} {i}", ops.pool, name, x, size, place, q)
        both(f"mean {i}", ops.mean, x, (1, 2), q, values.quantization(), k.DOUBLE)
        rows = values.steps(int(draw(1, 4)), int(draw(1, 40)))
        both(f"softmax {i}", ops.softmax, rows, float(np.exp(values.rng.uniform(-9, 1))), 1.0)
        both(f"lookup {i}", ops.lookup, values.steps(256), values.steps(int(draw(1, 70))))
    both.check(runner, tmp_path)
