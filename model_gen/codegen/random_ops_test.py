"""Ops with drawn shapes, strides, scales and zero points, on drawn and saturating inputs, against the judge."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.reference.micro import MicroModel
from host.reference.model import ReferenceModel
from model_gen.codegen.graph import Array
from model_gen.codegen.pipeline import plan_model
from model_gen.codegen.testing import HostModel
from model_gen.codegen.testing_models import RULES, builder, judge, single

DRAWS = 3  # models an op
Options = dict[str, dict[str, Any]]


class Drawn:
    """Draws what a model is made of from one generator."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def one(self, *choices: int) -> int:
        return int(self.rng.choice(choices))

    def shape(self, low: int, high: int) -> tuple[int, ...]:
        rank = int(self.rng.integers(low, high + 1))
        return tuple(int(n) for n in self.rng.integers(1, 7, rank))

    def scale(self) -> float:
        return float(np.float32(10 ** self.rng.uniform(-3, 0)))

    def tensor(self, shape: tuple[int, ...], like: Any = None) -> Any:
        zero = self.one(-128, 127, 0, int(self.rng.integers(-128, 128)))
        if like is not None:
            return builder().Tensor(shape, like.scale, like.zero_point)
        return builder().Tensor(shape, self.scale(), zero)

    def weights(self, shape: tuple[int, ...], axis: int) -> Any:
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        if self.one(0, 1):
            return builder().Tensor(shape, self.scale() / 10, data=data)
        scales = 10 ** self.rng.uniform(-4, -1, shape[axis])
        return builder().Tensor(shape, scales, data=data, axis=axis)

    def constant(self, values: Any) -> Any:
        data = np.array(values, np.int32)
        return builder().Tensor(data.shape, data=data, dtype="int32")

    def bias(self, channels: int) -> Any:
        spread = 10 ** self.rng.uniform(0, 5)
        return self.constant(self.rng.standard_normal(channels) * spread)

    def window(
        self, dilations: tuple[int, ...]
    ) -> tuple[dict[str, int], list[tuple[int, int, int]]]:
        """Options, and (input, window, output) of height and of width."""
        options = {"padding": self.one(0, 1), "fusedActivationFunction": self.one(0, 1, 2, 3)}
        stride, sizes = self.one(1, 2, 3), []
        for axis in "HW":
            k, dilation = self.one(1, 2, 3, 4), self.one(*dilations)
            reach = (k - 1) * dilation + 1
            n = reach + int(self.rng.integers(0, 9))
            out = (n - reach) // stride + 1 if options["padding"] else -(-n // stride)
            options[f"stride{axis}"] = stride
            if len(dilations) > 1:
                options[f"dilation{axis}Factor"] = dilation
            sizes.append((n, k, out))
        return options, sizes


def convolution(op: str, d: Drawn) -> bytes:
    options, ((h, kh, oh), (w, kw, ow)) = d.window((1, 2))
    channels = d.one(1, 2, 3, 5, 8, 16, 17, 33)
    if op == "CONV_2D":
        outputs = d.one(1, 2, 3, 4, 7, 16, 19)
        weights, name = d.weights((outputs, kh, kw, channels), 0), "Conv2DOptions"
    else:
        options["depthMultiplier"] = d.one(1, 2, 3)
        outputs = channels * options["depthMultiplier"]
        weights, name = d.weights((1, kh, kw, outputs), 3), "DepthwiseConv2DOptions"
    operands = [d.tensor((1, h, w, channels)), weights, d.bias(outputs)]
    return single(op, operands, d.tensor((1, oh, ow, outputs)), {name: options})


def fully_connected(op: str, d: Drawn) -> bytes:
    batches, inputs, outputs = d.one(1, 3), d.one(1, 3, 8, 31, 64, 100), d.one(1, 2, 3, 5, 17)
    source, weights = d.tensor((batches, inputs)), d.weights((outputs, inputs), 0)
    target = builder().Tensor((batches, outputs), float(np.float32(inputs * source.scale)), -5)
    bias = d.bias(outputs) if d.one(0, 1) else None
    options = {"FullyConnectedOptions": {"fusedActivationFunction": d.one(0, 1, 2, 3)}}
    return single(op, [source, weights, bias], target, options)


def elementwise(op: str, d: Drawn) -> bytes:
    shape = d.shape(0, 4)
    a, b = (tuple(1 if d.one(0, 0, 1) else n for n in shape) for _ in range(2))
    b = b[d.one(0, 0, len(b)) :]
    if d.one(0, 1):
        a, b = b, a
    out = tuple(np.broadcast_shapes(a, b))
    options = {f"{op.title()}Options": {"fusedActivationFunction": d.one(0, 1, 2, 3)}}
    return single(op, [d.tensor(a), d.tensor(b)], d.tensor(out), options)


def mean(op: str, d: Drawn) -> bytes:
    shape = d.shape(1, 4)
    rank = len(shape)
    axes = [int(a) for a in d.rng.choice(rank, d.one(*range(1, rank + 1)), replace=False)]
    keep = bool(d.one(0, 1))
    out = tuple(1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes)
    operands = [d.tensor(shape), d.constant([a - rank * d.one(0, 1) for a in axes])]
    return single(op, operands, d.tensor(out), {"ReducerOptions": {"keepDims": keep}})


def prelu(op: str, d: Drawn) -> bytes:
    shape = d.shape(1, 4)
    alpha = tuple(1 if d.one(0, 1) else n for n in shape)[d.one(0, len(shape) - 1) :]
    data = d.rng.integers(-128, 128, alpha).astype(np.int8)
    slope = builder().Tensor(alpha, d.scale(), d.one(-128, 0, 5, 127), data=data)
    return single(op, [d.tensor(shape), slope], d.tensor(shape))


def pool(op: str, d: Drawn) -> bytes:
    options, ((h, kh, oh), (w, kw, ow)) = d.window((1,))
    channels = d.one(1, 3, 4, 7, 16, 17)
    source = d.tensor((1, h, w, channels))
    options |= {"filterHeight": kh, "filterWidth": kw}
    target = d.tensor((1, oh, ow, channels), source)
    return single(op, [source], target, {"Pool2DOptions": options})


def lookup(op: str, d: Drawn) -> bytes:
    shape = d.shape(1, 4)
    fixed = {"LOGISTIC": (1 / 256, -128), "SOFTMAX": (1 / 256, -128), "TANH": (1 / 128, 0)}
    target = builder().Tensor(shape, *fixed[op]) if op in fixed else d.tensor(shape)
    options: dict[str, Options] = {
        "LEAKY_RELU": {"LeakyReluOptions": {"alpha": float(d.rng.uniform(0, 1.5))}},
        "SOFTMAX": {"SoftmaxOptions": {"beta": 1.0}},
    }
    return single(op, [d.tensor(shape)], target, options.get(op))


def concatenation(op: str, d: Drawn) -> bytes:
    shape = list(d.shape(1, 4))
    axis = int(d.rng.integers(len(shape)))
    like, parts, total = d.tensor(()), [], 0
    for _ in range(d.one(1, 2, 4)):
        shape[axis] = d.one(1, 2, 5)
        total += shape[axis]
        parts.append(d.tensor(tuple(shape), like))
    shape[axis] = total
    options = {"ConcatenationOptions": {"axis": axis - len(shape) * d.one(0, 1)}}
    return single(op, parts, d.tensor(tuple(shape), like), options)


def pad(op: str, d: Drawn) -> bytes:
    source = d.tensor(d.shape(1, 4))
    pads = d.rng.integers(0, 4, (len(source.shape), 2))
    out = tuple(int(n + sum(p)) for n, p in zip(source.shape, pads, strict=True))
    return single(op, [source, d.constant(pads)], d.tensor(out, source), {"PadOptions": {}})


def transpose(op: str, d: Drawn) -> bytes:
    source = d.tensor(d.shape(1, 4))
    axes = [int(a) for a in d.rng.permutation(len(source.shape))]
    out = tuple(source.shape[a] for a in axes)
    return single(op, [source, d.constant(axes)], d.tensor(out, source), {"TransposeOptions": {}})


FAMILIES: dict[Callable[[str, Drawn], bytes], tuple[str, ...]] = {
    convolution: ("CONV_2D", "DEPTHWISE_CONV_2D"),
    fully_connected: ("FULLY_CONNECTED",),
    elementwise: ("ADD", "SUB", "MUL"),
    mean: ("MEAN", "SUM"),
    prelu: ("PRELU",),
    pool: ("AVERAGE_POOL_2D", "MAX_POOL_2D"),
    lookup: (
        "RELU",
        "RELU6",
        "LEAKY_RELU",
        "HARD_SWISH",
        "LOGISTIC",
        "TANH",
        "SOFTMAX",
        "QUANTIZE",
    ),
    concatenation: ("CONCATENATION",),
    pad: ("PAD",),
    transpose: ("TRANSPOSE",),
}
CASES = [(op, make) for make, ops in FAMILIES.items() for op in ops]


def inputs_of(reference: ReferenceModel | MicroModel, seed: int) -> list[list[Array]]:
    """The lowest and the highest step everywhere, a checkerboard of both, and drawn ones."""
    rng = np.random.default_rng(seed)
    shapes = [t.shape for t in reference.inputs]
    board = [np.where(np.indices(s).sum(0) % 2, 127, -128).astype(np.int8) for s in shapes]
    flat = [[np.full(s, step, np.int8) for s in shapes] for step in (-128, 127)]
    return [*flat, board, [rng.integers(-128, 128, s, dtype=np.int8) for s in shapes]]


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize("draw", range(DRAWS))
@pytest.mark.parametrize(("op", "make"), CASES, ids=[op for op, _ in CASES])
def test_drawn_op_is_exact(
    op: str, make: Callable[[str, Drawn], bytes], draw: int, rounding: str, tmp_path: Path
) -> None:
    model = make(op, Drawn(1000 * draw + CASES.index((op, make))))
    reference, host = judge(model, rounding), HostModel(model, tmp_path, rounding=rounding)
    for inputs in inputs_of(reference, draw):
        want = reference.run(inputs)[reference.outputs[0].tensor]
        got = host.run(inputs).outputs[0]
        assert got.shape == want.shape
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("rounding", RULES)
def test_hard_swish_to_a_much_coarser_scale_is_exact(rounding: str, tmp_path: Path) -> None:
    """The reference's 16-bit mask wraps where it divides by 2^16 and more."""
    operands = [builder().Tensor((1, 256), 0.0008, 0)]
    model = single("HARD_SWISH", operands, builder().Tensor((1, 256), 20.0, -128))
    steps = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
    want = judge(model, rounding).run([steps])[1]
    got = HostModel(model, tmp_path, rounding=rounding).run([steps]).outputs[0]
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("op", ["ADD", "SUB"])
def test_sums_that_the_reference_cannot_scale_are_refused(op: str) -> None:
    """TFLite's ADD ends the process on such a model."""
    operands = [builder().Tensor((1, 4), 1.0, 0), builder().Tensor((1, 4), 0.5, 3)]
    model = single(op, operands, builder().Tensor((1, 4), 1e-6, 0), {f"{op.title()}Options": {}})
    with pytest.raises(BadInput, match="too small"):
        plan_model(model)
