"""Where each unit rounds what is half way between two steps."""

import numpy as np

from host.npu.arithmetic import HALF_AWAY, TIE_RULES, nearest, saturate
from host.npu.compiler.constant import Integers
from host.npu.compiler.dialect import dialect_named
from host.npu.compiler.model import compile_model
from host.npu.probe.formulas import scaled, sums
from host.npu.probe.nets import Bytes, ConvNet, average_pool, mean
from host.npu.probe.probe import SILICON, Probe, hypotheses

_CODES = np.arange(-128, 128).astype(np.int8)
_SX, _SY = 2.0**-7, 2.0**-5
# A kernel whose output is 0, since its channels are: its weights sum to 381, so that cs is 2.
_SETS_SHIFT = (0, 127, 127, 127)


def conv_ties(dialect: str) -> Probe:
    """acc / 4 is all that is rounded: facts 12.7, k1 and k3, and a kernel of 3."""
    net = _pointwise({(1, 0, 0, 0): 1.0, (-1, 0, 0, 0): 1.0, (3, 0, 0, 0): 1.0})
    outputs = {rule: _convolved(net, dialect, conv=rule) for rule in TIE_RULES}
    question = "Where does the shift behind a convolution's sums round ties?"
    return _probe("conv-ties", question, "CONVACC", net.tflite, codes(net), outputs)


def offset_ties(dialect: str) -> Probe:
    """The sums are whole after their shift; a half and a quarter of them is all that is rounded.

    The first kernel is k2 of facts 12.7.
    """
    kernels = {(4, 0, 0, 0): 0.5, (-4, 0, 0, 0): 0.5, (12, 0, 0, 0): 0.25}
    net = _pointwise(kernels)
    outputs = {rule: _convolved(net, dialect, last=rule) for rule in TIE_RULES}
    question = "Where does the ARITH step that adds the offset round ties?"
    return _probe("offset-ties", question, "ARITH", net.tflite, codes(net), outputs)


def scale_ties(dialect: str) -> Probe | None:
    """x2 = R(x1 / 2) or R(x1 / 4); a bias lays the edge of an output step between two values of x2.

    So a unit of x2, a 64th of a step, is seen: the edges are at 31.5, 30.5 and 31.5 of them. Only
    dialects of two steps have such a rounding.
    """
    if dialect_named(dialect).fused:
        return None
    half = 2.0**-12 / _SX  # of a unit of x2, which has m = 11 fraction bits
    weights = np.zeros((3, 1, 1, 4), np.int8)
    weights[:, 0, 0, 0] = 1
    net = ConvNet(weights, (half, half, half / 2), (16, 16), _SX, _SY, bias=(1, 3, 2))
    outputs = {rule: _convolved(net, dialect, first=rule) for rule in TIE_RULES}
    question = "Where does the ARITH step that scales by channel round ties?"
    return _probe("scale-ties", question, "ARITH", net.tflite, codes(net), outputs)


def mean_ties(dialect: str) -> Probe:
    """A quarter of the sum of four pixels, in 8 bits: scales and zero points are equal."""
    shape = (1, 2, 2, 64)
    given = _spread(np.arange(-32, 32), 4).reshape(shape)
    model = mean(shape, (_SX, _SX), (0, 0))
    layer = compile_model(model, dialect).layers[0]
    outputs = {rule: np.asarray(layer.compute([given], rule)[0]) for rule in TIE_RULES}
    question = "Where does a mean over all pixels round ties?"
    return _probe("mean-ties", question, "POOL", model, given, outputs)


def pool_ties(_dialect: str) -> Probe:
    """A quarter of each four pixels: windows side by side, without pads."""
    shape = (1, 16, 16, 4)
    given = np.zeros(shape, np.int8)
    blocks = given.reshape(8, 2, 8, 2, 4).transpose(1, 3, 0, 2, 4)  # a view
    wanted = np.arange(-128, 128).reshape(8, 8, 4)
    blocks[:] = _spread(wanted.ravel(), 4).reshape(2, 2, 8, 8, 4)
    totals = wanted[None].astype(np.int64)
    factor, shift = 1 << 14, 16  # a quarter, as the unit's 16-bit multiplier has it
    outputs = {
        rule: saturate(nearest(totals * factor, shift, rule), 1).astype(np.int8)
        for rule in TIE_RULES
    }
    model = average_pool(shape, _SX)
    question = "Where does an average over windows round ties?"
    return _probe("pool-ties", question, "POOL", model, given, outputs)


def _pointwise(kernels: dict[tuple[int, int, int, int], float]) -> ConvNet:
    """Kernels of one pixel over four channels with their scales, behind one that sets cs."""
    weights = np.array([_SETS_SHIFT, *kernels], np.int8).reshape(-1, 1, 1, 4)
    return ConvNet(weights, (2.0**-8, *kernels.values()), (16, 16), _SX, _SY)


def codes(net: ConvNet) -> Bytes:
    """Every code once in channel 0, 0 in the others."""
    given = np.zeros(net.input_shape, np.int8)
    given[0, :, :, 0] = _CODES.reshape(16, 16)
    return given


def _convolved(
    net: ConvNet, dialect: str, conv: str = HALF_AWAY, first: str = HALF_AWAY, last: str = HALF_AWAY
) -> Bytes:
    layer = net.compiled(dialect)
    x1 = sums(codes(net)[0].astype(np.int64), layer.convolution, layer.shift, rule=conv)
    return scaled(layer.requantization, x1, first=first, last=last)


def _probe(
    name: str, question: str, unit: str, model: bytes, given: Bytes, outputs: dict[str, Bytes]
) -> Probe:
    found = hypotheses(outputs)
    return Probe(name, question, unit, SILICON, model, (given,), found, HALF_AWAY)


def _spread(totals: Integers, count: int) -> Bytes:
    """[count, n] codes as alike as can be, with these sums."""
    low, more = np.divmod(totals, count)
    return (low + (np.arange(count)[:, None] < more)).astype(np.int8)
