"""Small numbers that were never visible: offsets, the shifts inside a sum and a mean, a raw size."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from host.npu.arithmetic import TIE_RULES, nearest, saturate
from host.npu.compiler.addition_layer import AdditionLayer
from host.npu.compiler.constant import Integers, Reals
from host.npu.compiler.dialect import dialect_named
from host.npu.compiler.mean_layer import MeanLayer
from host.npu.compiler.model import compile_model
from host.npu.probe.formulas import scaled
from host.npu.probe.nets import Bytes, ConvNet, absolute, addition, mean
from host.npu.probe.probe import COMPILER, SILICON, Probe, hypotheses, most_telling, named

_FLOOR = "floor"
_TOWARD_ZERO = "toward zero"
_EXACT = "nothing is dropped"
_LAST = "half-away behind the last shift of an ARITH step"
# Multipliers that were searched for: with them each way to shift shows, mostly in a place or two.
_SUM_A, _SUM_B = 27357, 24977
_MEAN_A, _MEAN_ZERO, _MEAN_CHANNELS = 25796, 24, 16


def offset_rounding(dialect: str) -> Probe:
    """Biases of a half step, but for a quarter unit of the offset C: the edge is at C's unit.

    Kernels of such a small scale multiply by 0, so that y = R(C, s).
    """
    fraction = 14 if dialect_named(dialect).fused else 20  # s or s2, which the first kernel sets
    small, bias = 2.0 ** -(fraction + 2), 2 ** (fraction + 1) - 1
    weights = np.zeros((4, 1, 1, 4), np.int8)
    weights[:, 0, 0, 0] = 1
    # The output's scale is 1 and the input's 2^-7: y = x for the first kernel, but for its bias.
    scales = (2.0**7, *[small * 2**7] * 3)
    net = ConvNet(weights, scales, (4, 4), 2.0**-7, 1.0, bias=(0, bias, -bias, bias + 2))
    given = np.zeros(net.input_shape, np.int8)
    given[0, :, :, 0] = 8 * np.arange(16).reshape(4, 4) - 64
    layer = net.compiled(dialect)
    steps = layer.requantization
    assert steps.shift == fraction
    real = np.array([0.0, bias, -bias, bias + 2]) * small * 2.0**fraction

    def output(rounded: Callable[[Reals], Reals]) -> Bytes:
        changed = replace(steps, offsets=rounded(real).astype(np.int64))
        return scaled(changed, given[0, :, :, :1].astype(np.int64))

    outputs = {
        _FLOOR: output(np.floor),
        "nearest": output(np.rint),
        _TOWARD_ZERO: output(np.trunc),
        "up": output(np.ceil),
    }
    return Probe(
        "offset-rounding",
        "How does the compiler round the offset that holds a bias?",
        "",
        COMPILER,
        net.tflite,
        (given,),
        hypotheses(outputs),
        _FLOOR,
        _LAST,
    )


def sum_shift(dialect: str) -> Probe:
    """(B * z) >> 2 before the rounding shift of 14, in the pairs (x, z) in which its ties are seen.

    A and B are odd, so that the edge of an output step is at odd and at even values of the term.
    """
    shape = (1, 16, 16, 1)
    sy = 2.0**-5
    model = addition(shape, (sy * _SUM_A / 2**14, sy * _SUM_B / 2**16, sy))
    layer = compile_model(model, dialect).layers[0]
    assert isinstance(layer, AdditionLayer)
    assert layer.multipliers == (_SUM_A, _SUM_B)
    assert (layer.downs, layer.offset, layer.shift) == ((0, 2), 0, 14)
    x, z = (side.ravel() for side in np.meshgrid(*[np.arange(-128, 128)] * 2, indexing="ij"))

    def output(moved: Callable[[Integers, int], Integers]) -> Bytes:
        total = _SUM_A * x + moved(_SUM_B * z, 2)
        return saturate(nearest(total, 14), 1).astype(np.int8)

    every = {name: output(way) for name, way in _moves().items()}
    # With the two bits that are dropped.
    every[_EXACT] = saturate(nearest((_SUM_A * x << 2) + _SUM_B * z, 16), 1).astype(np.int8)
    chosen = list(most_telling(list(every.values()), 256))
    inputs = tuple(side[chosen].astype(np.int8).reshape(shape) for side in (x, z))
    found = hypotheses({name: made[chosen].reshape(shape) for name, made in every.items()})
    question = "How does a sum of two tensors round the operand that is shifted before it is added?"
    return Probe(
        "sum-shift",
        question,
        "ARITH",
        SILICON,
        model,
        inputs,
        found,
        named(found, _FLOOR),
        _LAST,
    )


def mean_shift(dialect: str) -> Probe:
    """(A * x) >> 8 before the offset; x, 256 times the mean, is the sum of 256 pixels."""
    shape = (1, 16, 16, _MEAN_CHANNELS)
    sy = 2.0**-5
    model = mean(shape, (sy * _MEAN_A / 2**13, sy), (_MEAN_ZERO, 0))
    layer = compile_model(model, dialect).layers[0]
    assert isinstance(layer, MeanLayer)
    offset = -_MEAN_ZERO * _MEAN_A
    assert layer.rescaling == (_MEAN_A, offset, 13)
    x = np.arange(-16000, 16000)

    def output(moved: Callable[[Integers, int], Integers]) -> Bytes:
        return saturate(nearest(moved(_MEAN_A * x, 8) + offset, 13), 1).astype(np.int8)

    every = {name: output(way) for name, way in _moves().items()}
    every[_EXACT] = saturate(nearest(_MEAN_A * x + (offset << 8), 21), 1).astype(np.int8)
    chosen = list(most_telling(list(every.values()), _MEAN_CHANNELS))
    low, more = np.divmod(x[chosen], 256)
    given = (low + (np.arange(256)[:, None] < more)).astype(np.int8).reshape(shape)
    found = hypotheses({name: one[chosen].reshape(1, 1, 1, -1) for name, one in every.items()})
    return Probe(
        "mean-shift",
        "How does a mean round the eight bits that are dropped before its offset is added?",
        "ARITH",
        SILICON,
        model,
        (given,),
        found,
        named(found, _FLOOR),
        _LAST,
    )


def raw_size(_dialect: str) -> Probe:
    """ABS of a tensor whose zero point is -20."""
    zero = -20
    shape = (1, 16, 16, 1)
    given = np.arange(-128, 128).astype(np.int8).reshape(shape)
    code = given.astype(np.int64)
    outputs = {
        "of the code": saturate(np.abs(code), 1),
        "of its distance from the zero point": saturate(np.abs(code - zero) + zero, 1),
        "of the distance, without the zero point added": saturate(np.abs(code - zero), 1),
        "of the code, the zero point added": saturate(np.abs(code) + zero, 1),
    }
    found = hypotheses({name: made.astype(np.int8) for name, made in outputs.items()})
    return Probe(
        "raw-size",
        "Whose size does ABS take where the zero point is not 0?",
        "ARITH",
        SILICON,
        absolute(shape, 2.0**-5, zero),
        (given,),
        found,
        "of the code",
    )


def _moves() -> dict[str, Callable[[Integers, int], Integers]]:
    """Ways to shift right: rounding to nearest with each rule for ties, down, and toward zero."""
    ways: dict[str, Callable[[Integers, int], Integers]] = {_FLOOR: lambda v, s: v >> s}
    ways[_TOWARD_ZERO] = lambda v, s: np.sign(v) * (np.abs(v) >> s)
    for rule in TIE_RULES:
        if rule != _FLOOR:
            ways[rule] = lambda v, s, rule=rule: nearest(v, s, rule)  # type: ignore[misc]
    return ways
