"""What a convolution's sums go through: features without their zero point, cuts, a shift, 16 bits."""

import itertools
from dataclasses import replace

import numpy as np

from host.npu.arithmetic import saturate
from host.npu.compiler.accumulators import Part
from host.npu.compiler.constant import Integers
from host.npu.probe.formulas import Kept, fits, low, parts, scaled, steps_for, sums, wraps
from host.npu.probe.nets import Bytes, ConvNet
from host.npu.probe.probe import COMPILER, SILICON, Probe, hypotheses, named

_HALF_AWAY = "half-away everywhere"
_SX = 2.0**-7
_ZERO = 5


def sixteen_bits(dialect: str) -> Probe:
    """Kernels whose weights sum to 0 or 1 get no shift, and sums of up to 65024 do not fit.

    That a compiler shifts by the sum of the weights and not by the sum of their sizes is part of
    the answer: by sizes, no sum would be cut off, but the last kernel's odd sums would be lost.
    """
    kernels = [(127, 127, -127, -127), (-127, -127, 127, 127), (100, 99, -99, -99), (1, 0, -1, 0)]
    weights = np.array(kernels, np.int8).reshape(4, 1, 1, 4)
    # y = acc / 512, and of the last kernel acc.
    net = ConvNet(weights, (0.5, 0.5, 0.5, 256.0), (16, 16), _SX, 2.0)
    given = _drawn(net, 128)
    layer = net.compiled(dialect)
    assert layer.shift == 0
    features = given[0].astype(np.int64)

    def output(shift: int, kept: Kept) -> Bytes:
        steps = steps_for(layer, shift, dialect)
        return scaled(steps, sums(features, layer.convolution, shift, kept=kept))

    found = hypotheses(
        {
            "they saturate": output(0, fits),
            "they wrap": output(0, wraps),
            "they are wider": output(0, lambda value: value),
            "they are shifted by the sizes of the weights": output(1, fits),
        }
    )
    question = "What becomes of a convolution's sums that 16 bits do not hold?"
    return Probe(
        "sixteen-bits",
        question,
        "CONVACC",
        SILICON,
        net.tflite,
        (given,),
        found,
        "they saturate",
        _HALF_AWAY,
    )


def power_of_two(dialect: str) -> Probe:
    """The largest sum of a kernel's weights is 256: nine binary digits, and 2^8."""
    weights = np.array([(64, 64, 64, 64), (1, 0, 0, 0), (3, 0, 0, 0), (-1, 0, 0, 0)], np.int8)
    net = ConvNet(weights.reshape(4, 1, 1, 4), (2.0**-8, 1, 1, 1), (16, 16), _SX, 2.0**-5)
    given = np.zeros(net.input_shape, np.int8)
    given[0, :, :, 0] = np.arange(-128, 128).reshape(16, 16)
    layer = net.compiled(dialect)
    features = given[0].astype(np.int64)
    outputs = {
        f"cs is {cs}": scaled(steps_for(layer, cs, dialect), sums(features, layer.convolution, cs))
        for cs in (2, 1, 3)
    }
    return Probe(
        "power-of-two",
        "Which shift has a convolution whose largest sum of weights is a power of two?",
        "",
        COMPILER,
        net.tflite,
        (given,),
        hypotheses(outputs),
        f"cs is {layer.shift}",
        _HALF_AWAY,
    )


def columns(dialect: str) -> Probe:
    """A kernel of one row and seven columns; each part that it is cut into is rounded alone."""
    return _cut("columns", ((7,), (6, 1), (4, 3), (3, 4), (3, 3, 1), (3, 2, 2), (5, 2)), dialect)


def rows(dialect: str) -> Probe:
    """A kernel of seven rows and one column."""
    return _cut("rows", ((7,), (3, 3, 1), (3, 2, 2), (4, 3), (3, 4), (6, 1), (5, 2)), dialect)


def zero_point(dialect: str) -> Probe:
    """A zero point of 5 and padding: the features minus it have nine bits."""
    weights = np.zeros((4, 3, 3, 3), np.int8)
    weights[0, 1, 1, 0] = 1  # a pixel itself
    weights[1, 0, 0, 0] = 1  # its neighbour, which is padding at two edges
    weights[2, 2, 2, 1] = -1
    weights[3, :, :, 2] = [(1, -2, 1), (2, -3, 2), (-1, 2, -1)]
    net = ConvNet(weights, (1.0,) * 4, (8, 8), _SX, 2 * _SX, _ZERO, same=True)  # y = acc / 2
    given = _drawn(net, 128)
    given[0, 2:6, 2:6, :2] = (
        np.concatenate([np.arange(-128, -112), np.arange(112, 128)])
        .reshape(2, 4, 4)
        .transpose(1, 2, 0)
    )
    layer = net.compiled(dialect)
    raw = given[0].astype(np.int64)
    valid = replace(layer.convolution.window, padding=((0, 0), (0, 0)))
    padded = np.pad(raw, ((1, 1), (1, 1), (0, 0)))
    exact = raw - _ZERO

    def output(features: Integers, *, pads: bool = True) -> Bytes:
        window = layer.convolution.window if pads else valid
        x1 = sums(features, layer.convolution, layer.shift, window=window)
        return scaled(layer.requantization, x1)

    outputs = {
        "exact, and padding adds nothing": output(exact),
        "exact, and padding is a code of 0": output(padded - _ZERO, pads=False),
        "saturated to 8 bits": output(saturate(exact, 1)),
        "the low 8 bits": output(low(exact, 8)),
        "the zero point is not subtracted": output(raw),
    }
    return Probe(
        "zero-point",
        "What does a convolution multiply where the input's zero point is neither -128 nor 0?",
        "CONVACC",
        SILICON,
        net.tflite,
        (given,),
        hypotheses(outputs),
        "exact, and padding adds nothing",
        _HALF_AWAY,
    )


def _cut(name: str, cuts: tuple[tuple[int, ...], ...], dialect: str) -> Probe:
    """x1 = acc / 4 in parts is y; the first kernel only sets cs."""
    taps = np.array(
        [(40,) * 7, (1, 2, -1, 3, 1, -2, 1), (1, 1, 1, 1, 1, 1, 1), (2, -1, 1, 2, -3, 1, 3)],
        np.int8,
    )
    weights = taps[:, None, :, None] if name == "columns" else taps[:, :, None, None]
    net = ConvNet(weights, (2.0**-8, 1, 1, 1), (16, 16), _SX, 2.0**-5)
    given = _drawn(net, 16)
    layer = net.compiled(dialect)
    features = given[0].astype(np.int64)

    def output(sizes: tuple[int, ...]) -> Bytes:
        cut: tuple[Part, ...] = parts((1,), sizes) if name == "columns" else parts(sizes, (1,))
        return scaled(layer.requantization, sums(features, layer.convolution, layer.shift, cut=cut))

    outputs = {" + ".join(map(str, sizes)): output(sizes) for sizes in cuts}
    found = hypotheses(outputs)
    known = "6 + 1" if name == "columns" else "3 + 3 + 1"
    question = f"Into which parts is a kernel of seven {name} cut?"
    return Probe(
        name, question, "", COMPILER, net.tflite, (given,), found, named(found, known), _HALF_AWAY
    )


def _drawn(net: ConvNet, most: int) -> Bytes:
    """Codes of -most .. most - 1 in a fixed order that looks like none, the same on any computer."""
    state, made = 1, []
    for _ in itertools.repeat(None, int(np.prod(net.input_shape))):
        state = (1103515245 * state + 12345) % 2**31
        made.append((state >> 16) % (2 * most) - most)
    return np.array(made, np.int8).reshape(net.input_shape)
