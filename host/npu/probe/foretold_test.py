"""What the probes foretell, against the closed formulas in whole numbers, one result at a time."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from numpy.typing import NDArray

from host.npu.arithmetic import TIE_RULES
from host.npu.compiler.model import predict
from host.npu.probe.catalog import probes
from host.npu.probe.probe import Probe
from host.npu.probe.testing_naive import Way, clamp, convolution, nearest, toward_zero, wrap
from model_gen.codegen.tflite.reader import read_tflite

_DIALECTS = ("2.2", "4.0")
FOUND = {(dialect, one.name): one for dialect in _DIALECTS for one in probes(dialect)}
_CUTS = {"columns": "7|6 + 1|4 + 3|3 + 4|3 + 3 + 1|3 + 2 + 2|5 + 2"}
_CUTS["rows"] = _CUTS["columns"]
# By probe, what each hypothesis is.
WAYS: dict[str, Mapping[str, Way]] = {
    "conv-ties": {rule: Way(conv=rule) for rule in TIE_RULES},
    "offset-ties": {rule: Way(last=rule) for rule in TIE_RULES},
    "scale-ties": {rule: Way(first=rule) for rule in TIE_RULES},
    "sixteen-bits": {
        "they saturate": Way(),
        "they wrap": Way(kept=lambda value: wrap(value, 16)),
        "they are wider": Way(kept=lambda value: value),
        "they are shifted by the sizes of the weights": Way(cs=1),
    },
    "power-of-two": {f"cs is {cs}": Way(cs=cs) for cs in (1, 2, 3)},
    "zero-point": {
        "exact, and padding adds nothing": Way(),
        "exact, and padding is a code of 0": Way(pad=lambda zero: -zero),
        "saturated to 8 bits": Way(feature=lambda code, zero: clamp(code - zero, 8)),
        "the low 8 bits": Way(feature=lambda code, zero: wrap(code - zero, 8)),
        "the zero point is not subtracted": Way(feature=lambda code, zero: code),
    },
    "offset-rounding": {
        "floor": Way(),
        "nearest": Way(offset=lambda value: nearest(value, "half-even")),
        "toward zero": Way(offset=toward_zero),
        "up": Way(offset=ceil),
    },
    **{
        name: {cut: Way(cut=tuple(map(int, cut.split(" + ")))) for cut in cuts.split("|")}
        for name, cuts in _CUTS.items()
    },
}
# What the answer must not depend on: every other rule for ties, one at a time.
_OTHERS = {
    "conv-ties": ("first", "last"),
    "offset-ties": ("conv", "first"),
    "scale-ties": ("conv", "last"),
}

_CONVOLUTIONS = [key for key in FOUND if key[1] in WAYS]


@pytest.mark.parametrize(("dialect", "name"), _CONVOLUTIONS)
def test_a_convolution_by_the_closed_formulas(dialect: str, name: str) -> None:
    probe = FOUND[dialect, name]
    graph = read_tflite(probe.model)
    ways = WAYS[name]
    assert sorted(ways) == sorted(one.name for one in probe.hypotheses)
    for one in probe.hypotheses:
        made = convolution(graph, probe.inputs[0], dialect == "4.0", ways[one.name])
        np.testing.assert_array_equal(made, one.output, err_msg=one.name)


@pytest.mark.parametrize(("dialect", "name"), [key for key in FOUND if key[1] in _OTHERS])
def test_a_tie_probe_depends_on_its_own_rule_alone(dialect: str, name: str) -> None:
    probe = FOUND[dialect, name]
    graph = read_tflite(probe.model)
    known = next(one.output for one in probe.hypotheses if one.name == probe.known)
    for field in _OTHERS[name]:
        for rule in ("half-up", "half-toward-zero"):
            way = Way(**{field: rule})  # type: ignore[arg-type]
            made = convolution(graph, probe.inputs[0], dialect == "4.0", way)
            np.testing.assert_array_equal(made, known, err_msg=f"{field} {rule}")


@pytest.mark.parametrize(("dialect", "name"), sorted(FOUND))
def test_the_compiler_model_computes_the_known_one(dialect: str, name: str) -> None:
    probe = FOUND[dialect, name]
    if name in ("pool-ties", "raw-size"):
        return  # ops of which it knows no constants
    made = predict(probe.model, dialect, probe.inputs)
    np.testing.assert_array_equal(
        made.outputs[0].ravel(),
        next(one.output for one in probe.hypotheses if one.name == probe.known).ravel(),
    )
    assert made.layers[0].doubts == ()


@pytest.mark.parametrize("dialect", _DIALECTS)
def test_the_numbers_of_the_facts(dialect: str) -> None:
    """facts/neural-art.md, 12.7: constants, and what k1 and k2 give for a few codes."""
    probe = FOUND[dialect, "conv-ties"]
    given = probe.inputs[0][0, :, :, 0].ravel().tolist()
    first = {one.name: one.output[0, :, :, 1].ravel() for one in probe.hypotheses}
    other = FOUND[dialect, "offset-ties"]
    second = {one.name: one.output[0, :, :, 1].ravel() for one in other.hypotheses}
    for rule, wanted in {
        "half-away": [1, -1, 2, -2],
        "half-up": [1, 0, 2, -1],
        "half-even": [0, 0, 2, -2],
        "half-down": [0, -1, 1, -2],
        "half-toward-zero": [0, 0, 1, -1],
    }.items():
        assert [int(first[rule][given.index(x)]) for x in (2, -2, 6, -6)] == wanted
        assert [int(second[rule][given.index(x)]) for x in (1, -1, 3, -3)] == wanted
    constants = {
        one.kind: one.value
        for one in predict(probe.model, dialect, probe.inputs).layers[0].layer.constants
    }
    assert constants["cs"] == 2
    if dialect == "2.2":
        assert (constants["A"], constants["s1"], constants["s2"]) == (16384, 8, 20)
        assert constants["A_k"].tolist() == [64, 16384, 16384, 16384]


def test_the_inputs_reach_their_ties() -> None:
    given = FOUND["4.0", "conv-ties"].inputs[0][0]
    assert sorted(given[:, :, 0].ravel().tolist()) == list(range(-128, 128))
    assert not given[:, :, 1:].any()
    assert _ties("conv-ties", lambda x: Fraction(x, 4)) == 64
    assert _ties("offset-ties", lambda x: Fraction(x, 2)) == 128
    assert _ties("scale-ties", lambda x: Fraction(x, 2)) == 128
    given = FOUND["4.0", "mean-ties"].inputs[0].astype(int).sum(axis=(1, 2)).ravel()
    assert sum((total % 4) == 2 for total in given.tolist()) == 16
    windows = (
        FOUND["4.0", "pool-ties"].inputs[0].astype(int).reshape(8, 2, 8, 2, 4).sum(axis=(1, 3))
    )
    assert int(((windows % 4) == 2).sum()) == 64


def _ties(name: str, halved: Callable[[int], Fraction]) -> int:
    given = FOUND["2.2", name].inputs[0][0, :, :, 0].ravel().tolist()
    return sum(halved(code) % 1 == Fraction(1, 2) for code in given)


def _foretold(name: str) -> tuple[Probe, dict[str, NDArray[np.int64]]]:
    probe = FOUND["4.0", name]
    each = {
        part: one.output.astype(np.int64).ravel()
        for one in probe.hypotheses
        for part in one.name.split(" or ")
    }
    return probe, each


def _dropped(value: Fraction, way: str) -> Fraction:
    """What is left of a number whose fraction goes."""
    if way == "nothing is dropped":
        return value
    if way == "toward zero":
        return Fraction(toward_zero(value))
    return Fraction(nearest(value, way))


def test_a_sum_shifts_one_operand_first() -> None:
    probe, foretold = _foretold("sum-shift")
    x, z = (given.ravel().tolist() for given in probe.inputs)
    scales = [
        Fraction(t.quantization.scales[0])
        for t in read_tflite(probe.model).tensors
        if t.quantization
    ]
    a, b = scales[0] / scales[2] * 2**14, scales[1] / scales[2] * 2**16
    assert a.denominator == b.denominator == 1
    assert min(2 * a, 2 * b) > 32767
    for way, output in foretold.items():
        made = [
            clamp(nearest((a * one + _dropped(b * other / 4, way)) / 2**14, "half-away"), 8)
            for one, other in zip(x, z, strict=True)
        ]
        assert made == output.tolist(), way


def test_a_mean_drops_eight_bits_before_its_offset() -> None:
    probe, foretold = _foretold("mean-shift")
    source, _, target = read_tflite(probe.model).tensors
    assert source.quantization is not None
    assert target.quantization is not None
    ratio = Fraction(source.quantization.scales[0]) / Fraction(target.quantization.scales[0])
    a = ratio * 2**13
    assert a.denominator == 1
    assert 2 * a > 32767
    c = floor(-source.quantization.zero_points[0] * ratio * 2**13)
    totals = probe.inputs[0].astype(int).sum(axis=(1, 2)).ravel().tolist()
    for way, output in foretold.items():
        made = [
            clamp(nearest((_dropped(a * total / 256, way) + c) / 2**13, "half-away"), 8)
            for total in totals
        ]
        assert made == output.tolist(), way


@pytest.mark.parametrize("name", ["mean-ties", "pool-ties"])
def test_a_quarter_of_four(name: str) -> None:
    probe, foretold = _foretold(name)
    side = probe.inputs[0].shape[1] // 2
    windows = probe.inputs[0].astype(int).reshape(side, 2, side, 2, -1).sum(axis=(1, 3)).ravel()
    for rule, output in foretold.items():
        made = [clamp(nearest(Fraction(total, 4), rule), 8) for total in windows.tolist()]
        assert made == output.tolist(), rule


def test_the_size_of_a_code() -> None:
    probe, foretold = _foretold("raw-size")
    given = probe.inputs[0].ravel().tolist()
    wanted = {
        "of the code": [abs(x) for x in given],
        "of its distance from the zero point": [abs(x + 20) - 20 for x in given],
        "of the distance, without the zero point added": [abs(x + 20) for x in given],
        "of the code, the zero point added": [abs(x) - 20 for x in given],
    }
    assert {k: v.tolist() for k, v in foretold.items()} == {
        name: [clamp(value, 8) for value in values] for name, values in wanted.items()
    }
