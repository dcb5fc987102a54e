"""Scales whose quotients differ in float32 and in double so that some step does: each judge's own precision."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_gen.codegen.cm55.compile import plan_model
from model_gen.codegen.cm55.ops.registry import Constants
from model_gen.codegen.cm55.quantized_math import quantize_multiplier, scale_double
from model_gen.codegen.testing.host_model import HostModel
from model_gen.codegen.testing.models import RULES, builder, judge, single
from model_gen.codegen.tflite.graph import Array

WANTED = 3  # models an op
DRAWS = 4000
EVERY = np.arange(-128, 128, dtype=np.int8)
Draw = Callable[[np.random.Generator], bytes]


def _table_op(op: str, alpha: float | None = None) -> Draw:
    """The ratio of the scales is an odd number over a power of two: every other product is a tie, or nearly."""

    def draw(rng: np.random.Generator) -> bytes:
        out = float(np.float32(10 ** rng.uniform(-2, 0)))
        ratio = int(2 * rng.integers(1, 100) + 1) / 2.0 ** int(rng.integers(1, 8))
        source = builder().Tensor((1, 256), float(np.float32(out * ratio / (alpha or 1.0))), 100)
        options = None if alpha is None else {"LeakyReluOptions": {"alpha": alpha}}
        return single(op, [source], builder().Tensor((1, 256), out, -20), options)

    return draw


def _hard_swish(rng: np.random.Generator) -> bytes:
    """The quotient lies between two multipliers of 15 bits, halfway or nearly."""
    scale = float(np.float32(10 ** rng.uniform(-2, 0)))
    quotient = (int(rng.integers(1 << 14, 1 << 15)) + 0.5) / 2.0 ** int(rng.integers(15, 19))
    out = float(np.float32(scale / 128 / quotient))
    return single(
        "HARD_SWISH", [builder().Tensor((1, 256), scale, 0)], builder().Tensor((1, 256), out, 0)
    )


def _product(op: str) -> Draw:
    """As a table, of a product of two scales: all pairs of steps."""

    def draw(rng: np.random.Generator) -> bytes:
        out, one = (float(np.float32(10 ** rng.uniform(-2, 0))) for _ in range(2))
        ratio = int(2 * rng.integers(1, 100) + 1) / 2.0 ** int(rng.integers(8, 14))
        other = float(np.float32(out * ratio / one))
        operands = [builder().Tensor((256, 1, 1), one), builder().Tensor((1, 256, 1), other)]
        if op == "PRELU":
            operands[0] = builder().Tensor((256, 256, 1), one)
            data = EVERY.reshape(1, 256, 1)
            operands[1] = builder().Tensor((1, 256, 1), other, data=data)
        target = builder().Tensor((256, 256, 1), out)
        return single(op, operands, target, {"MulOptions": {}} if op == "MUL" else None)

    return draw


def _tables(op: str, draw: Draw) -> Iterator[dict[str, Any]]:
    """Models whose table the rules make differently, with both of them."""
    rng = np.random.default_rng(sum(op.encode()))
    for _ in range(DRAWS):
        model = draw(rng)
        tables = {}
        for rounding in ("tflite", "tflm"):
            table = plan_model(model, rounding=rounding)[0].steps[0].kernel.arguments[0]
            assert isinstance(table, Constants)
            tables[rounding] = table.values
        if not np.array_equal(tables["tflite"], tables["tflm"]):
            yield {"model": model, **tables}


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize(
    ("op", "draw"),
    [
        ("RELU", _table_op("RELU")),
        ("ABS", _table_op("ABS")),
        ("LEAKY_RELU", _table_op("LEAKY_RELU", alpha=0.3)),
        ("HARD_SWISH", _hard_swish),
    ],
)
def test_table_has_the_precision_of_the_judge(op: str, draw: Draw, rounding: str) -> None:
    found = [case for case, _ in zip(_tables(op, draw), range(WANTED), strict=False)]
    assert len(found) == WANTED
    for case in found:
        want = judge(case["model"], rounding).run([EVERY.reshape(1, 256)])[1]
        np.testing.assert_array_equal(case[rounding], want.ravel())


@pytest.mark.parametrize("rounding", RULES)
def test_quantize_has_the_double_precision_of_both(rounding: str) -> None:
    rng, draw, differing = np.random.default_rng(4), _table_op("QUANTIZE"), 0
    for _ in range(20):
        model = draw(rng)
        table = plan_model(model, rounding=rounding)[0].steps[0].kernel.arguments[0]
        assert isinstance(table, Constants)
        want = judge(model, rounding).run([EVERY.reshape(1, 256)])[1]
        np.testing.assert_array_equal(table.values, want.ravel())
        view = plan_model(model, rounding=rounding)[0].steps[0].view
        (one, zero), (out, out_zero) = (
            view.scale_and_zero(t) for t in (view.input(0), view.output)
        )
        coarse = quantize_multiplier(float(np.float32(one) / np.float32(out)))
        steps = scale_double(EVERY.astype(np.int64) - zero, *coarse) + out_zero
        differing += not np.array_equal(np.clip(steps, -128, 127), table.values)
    assert differing


def _run(model: bytes, rounding: str, inputs: list[Array], folder: Path) -> Array:
    return HostModel(model, folder, rounding=rounding).run(inputs).outputs[0]


@pytest.mark.parametrize("rounding", RULES)
@pytest.mark.parametrize("op", ["MUL", "PRELU"])
def test_product_has_the_precision_of_the_judge(op: str, rounding: str, tmp_path: Path) -> None:
    rng, draw, differing = np.random.default_rng(3), _product(op), 0
    for number in range(12):
        model = draw(rng)
        inputs: list[Array] = [EVERY.reshape(256, 1, 1), EVERY.reshape(1, 256, 1)]
        if op == "PRELU":
            inputs = [np.broadcast_to(inputs[0], (256, 256, 1)).copy()]
        ours = _run(model, rounding, inputs, tmp_path / f"{number}a")
        other = "tflm" if rounding == "tflite" else "tflite"
        if np.array_equal(ours, _run(model, other, inputs, tmp_path / f"{number}b")):
            continue
        differing += 1
        judged = judge(model, rounding)
        np.testing.assert_array_equal(ours, judged.run(inputs)[judged.outputs[0].tensor])
        if differing == 2:
            return
    assert differing
