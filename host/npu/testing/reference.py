"""What every tensor of a network holds, computed naively: Python integers, one result at a time.

Nothing is shared with the device, its Python side or the compiler model: this is their judge.
"""

from collections.abc import Mapping

import numpy as np

from host.npu.testing.layers import (
    Add,
    Affine,
    Conv,
    Copy,
    Depthwise,
    Dequantize,
    Fused,
    Integers,
    Layer,
    Network,
    Pool,
    Quantize,
    Requantization,
    Streamed,
    Tensor,
    Transpose,
    TwoSteps,
    Values,
    sums_of,
)

# Where ties of a rounding to nearest go; the chip has the first.
RULES = ("half-away", "half-up", "half-even", "half-down", "half-to-zero")
_TYPES = {"i8": "<i1", "u8": "<u1", "i16": "<i2", "f32": "<f4"}


def expected(
    network: Network, inputs: Mapping[str, Values], rule: str = RULES[0]
) -> dict[str, Values]:
    """Values [h, w, c] of every tensor, partial sums among them, in order of computation.

    rule: one of RULES, for every unit.
    """
    values: dict[str, Values] = {
        tensor.name: np.asarray(inputs[tensor.name]) for tensor in network.inputs
    }
    for epoch in network.epochs:
        for layer in epoch.layers:
            sums, result = _compute(layer, values, rule)
            tensor = sums_of(layer)
            if tensor is not None:
                values[tensor.name] = sums
            values[layer.target.name] = result
    return values


def in_memory(tensor: Tensor, values: Values) -> bytes:
    """The bytes of `tensor`: blocks of channels one behind the other."""
    data = np.asarray(values).astype(_TYPES[tensor.kind])
    blocks = [
        data[:, :, start : start + tensor.together].tobytes()
        for start in range(0, tensor.channels, tensor.together)
    ]
    return b"".join(blocks)


def nearest(value: int, shift: int, rule: str = RULES[0]) -> int:
    """value / 2**shift; `rule` says where what is half way goes."""
    below, over = divmod(value, 1 << shift)
    if 2 * over != 1 << shift:
        return below + (2 * over > 1 << shift)
    return {
        "half-away": below + (value > 0),
        "half-up": below + 1,
        "half-even": below + below % 2,
        "half-down": below,
        "half-to-zero": below + (value < 0),
    }[rule]


def clamp(value: int, size: int) -> int:
    """The nearest signed number of `size` bytes."""
    most = (1 << (8 * size - 1)) - 1
    return min(max(value, -most - 1), most)


def low(value: int, size: int) -> int:
    """The signed number that the low `size` bytes are."""
    half = 1 << (8 * size - 1)
    return (value + half) % (2 * half) - half


def _compute(layer: Layer, values: Mapping[str, Values], rule: str) -> tuple[Values, Values]:
    nothing = np.zeros(0)
    match layer:
        case Conv():
            sums, left = _convolve(layer, values[layer.source.name], rule)
            return left, _scale(layer.target, layer.requantization, sums, rule)
        case Depthwise():
            sums = _depthwise(layer, values[layer.source.name], rule)
            return nothing, _scale(layer.target, layer.requantization, sums, rule)
        case Add():
            x, y = (values[tensor.name] for tensor in layer.sources)
            return nothing, _add(layer, x, y, rule)
        case Affine():
            return nothing, _affine(layer, values[layer.source.name], rule)
        case Pool():
            return nothing, _pool(layer, values[layer.source.name], rule)
        case Copy():
            return nothing, values[layer.source.name]
        case Dequantize():
            q = values[layer.source.name]
            scale = np.float32(layer.source.scale)
            return nothing, (q - layer.source.zero).astype(np.float32) * scale
        case Quantize():
            return nothing, _quantize(layer, values[layer.source.name])
        case Transpose():
            return nothing, values[layer.source.name].transpose(layer.permutation)
    raise AssertionError(layer)


def _window(values: Values, layer: Conv) -> Integers:
    """What of a feature is convolved: window, then crop, less the zero point, then pads."""
    feature = np.asarray(values).astype(np.int64)
    if layer.window:
        top, left, height, width = layer.window
        feature = feature[top : top + height, left : left + width]
    if layer.crop:
        top, bottom, left, right = layer.crop
        feature = feature[top : bottom + 1, left : right + 1]
    return _padded(feature - layer.zero, layer.pads, layer.pad_value)


def _padded(feature: Integers, pads: tuple[int, int, int, int], value: int) -> Integers:
    top, bottom, left, right = pads
    edges = ((top, bottom), (left, right), (0, 0))
    return np.pad(feature, edges, constant_values=value)


def _convolve(layer: Conv, values: Values, rule: str) -> tuple[Integers, Integers]:
    """Sums as they leave the last unit, and what the buffer of partial sums holds at the end."""
    feature = _window(values, layer)
    count, high, wide, channels = layer.kernel.shape
    height = (feature.shape[0] - high) // layer.stride[0] + 1
    width = (feature.shape[1] - wide) // layer.stride[1] + 1
    result = np.zeros((height, width, count), np.int64)
    part = layer.channels
    for row in range(height):
        for column in range(width):
            y, x = row * layer.stride[0], column * layer.stride[1]
            patch = feature[y : y + high, x : x + wide]
            for kernel in range(count):
                total = 0
                for start in range(0, channels, part * layer.chain):
                    total <<= layer.shift
                    for link in range(layer.chain):
                        piece = slice(start + link * part, start + (link + 1) * part)
                        total += int((patch[:, :, piece] * layer.kernel[kernel, :, :, piece]).sum())
                        if link < layer.chain - 1:
                            total = clamp(total, 3)
                    total = clamp(nearest(total, layer.shift, rule), 2)
                result[row, column, kernel] = total
    return result, result[:, :, count - layer.kernels :]


def _depthwise(layer: Depthwise, values: Values, rule: str) -> Integers:
    feature = _padded(np.asarray(values).astype(np.int64) - layer.zero, layer.pads, 0)
    channels, high, wide = layer.kernel.shape
    height = (feature.shape[0] - high) // layer.stride[0] + 1
    width = (feature.shape[1] - wide) // layer.stride[1] + 1
    result = np.zeros((height, width, channels), np.int64)
    for row in range(height):
        for column in range(width):
            y, x = row * layer.stride[0], column * layer.stride[1]
            patch = feature[y : y + high, x : x + wide]
            for channel in range(channels):
                total = int((patch[:, :, channel] * layer.kernel[channel]).sum())
                result[row, column, channel] = clamp(nearest(total, layer.shift, rule), 2)
    return result


def _scale(target: Tensor, how: Requantization, sums: Integers, rule: str) -> Integers:
    result = np.zeros(sums.shape, np.int64)
    for place, value in np.ndenumerate(sums):
        scaled = _scaled(how, int(value), place[2], rule)
        if target.kind == "u8":
            scaled = (16384 * scaled + (32 << 16)) >> 14 & 0xFF
        result[place] = scaled
    return result


def _scaled(how: Requantization, value: int, channel: int, rule: str) -> int:
    def of(values: Integers) -> int:
        return int(values[channel % len(values)])

    if isinstance(how, TwoSteps):
        middle = clamp(nearest(of(how.first) * value, how.first_shift, rule), 2)
        return clamp(nearest(how.second * middle + of(how.offsets), how.shift, rule), 1)
    if isinstance(how, Fused):
        return clamp(nearest(of(how.factors) * value + of(how.offsets), how.shift, rule), 1)
    if isinstance(how, Streamed):
        middle = clamp(nearest(of(how.factors) * value, how.first_shift, rule), 2)
        whole = how.second * middle + how.second * of(how.offsets) + (how.c << how.c_shift)
        return clamp(nearest(whole, how.shift, rule), 1)
    return value


def _add(layer: Add, x: Values, y: Values, rule: str) -> Integers:
    result = np.zeros(x.shape, np.int64)
    for place in np.ndindex(x.shape):
        one, other = int(x[place]), int(y[place])
        sides = ((layer.a * one) >> layer.x_shift, (layer.b * other) >> layer.y_shift)
        total = {
            "AFFINE": sum(sides) + (layer.c << layer.c_shift),
            "MUL": one * other,
            "MIN": min(one, other),
            "MAX": max(one, other),
        }[layer.operation]
        result[place] = clamp(nearest(total, layer.shift, rule), 1)
    return result


def _affine(layer: Affine, x: Values, rule: str) -> Integers:
    result = np.zeros(x.shape, np.int64)
    size = 2 if layer.target.kind == "i16" else 1
    fit = clamp if layer.saturate else low
    for (row, column, channel), value in np.ndenumerate(x):
        index = {
            "CHAN": channel,
            "HEIGHT": row,
            "WIDTH": column,
            "HEIGHT_WIDTH": row * x.shape[1] + column,
            "SCALAR": 0,
        }[layer.along] % len(layer.a)
        total = (int(layer.a[index]) * int(value)) >> layer.x_shift
        total += int(layer.c[index]) << layer.c_shift
        rounded = nearest(total, layer.shift, rule) if layer.rounding else total >> layer.shift
        scaled = fit(rounded, size)
        if layer.clip:
            scaled = min(max(scaled, layer.clip[0]), layer.clip[1])
        if layer.target.kind == "u8":
            scaled &= 0xFF
        result[row, column, channel] = scaled
    return result


def _pool(layer: Pool, x: Values, rule: str) -> Integers:
    height, width, channels = layer.target.shape
    feature = np.asarray(x).astype(np.int64)
    if layer.crop:
        first, last, start, end = layer.crop
        feature = feature[first : last + 1, start : end + 1]
    high, wide = layer.window
    if layer.operation.startswith("G"):
        high, wide = feature.shape[:2]
    outside = 2 if layer.scaling or layer.target.kind == "i16" else 1
    result = np.zeros((height, width, channels), np.int64)
    for row, column, channel in np.ndindex(height, width, channels):
        y, x0 = row * layer.stride[0], column * layer.stride[1]
        seen = [int(one) for one in feature[y : y + high, x0 : x0 + wide, channel].ravel()]
        if layer.operation.endswith("AVG"):
            value = clamp(nearest(sum(seen) * layer.factor, layer.shift, rule), outside)
        else:
            value = max(seen) if layer.operation.endswith("MAX") else min(seen)
        if layer.scaling:
            factor = int(layer.scaling.factors[0])
            total = ((factor * value) >> layer.x_shift) + int(layer.scaling.offsets[0])
            value = clamp(nearest(total, layer.scaling.shift, rule), 1)
        result[row, column, channel] = value
    return result


def _quantize(layer: Quantize, x: Values) -> Integers:
    low_end, high_end = (0, 255) if layer.target.kind == "u8" else (-128, 127)
    result = np.zeros(x.shape, np.int64)
    for place, value in np.ndenumerate(x):
        steps = int(np.rint(np.float32(value) / np.float32(layer.target.scale)))
        result[place] = min(max(steps + layer.target.zero, low_end), high_end)
    return result
