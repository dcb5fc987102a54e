"""What float64 says of every op that the generator takes, against TFLite's float and integer kernels."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from host.compare.second import beside
from host.compare.second.call import Call
from host.compare.second.opinion import partings
from host.compare.second.real import UNASKED, evaluate, inputs_of, known
from host.compare.second.real_state import evaluate_state
from host.compare.second.steps import in_steps
from host.reference.kept import KeptReference
from host.reference.model import ReferenceModel
from host.reference.past import linked
from model_gen.codegen.cm55.op_list import COMPUTED, listed_ops
from model_gen.codegen.testing.drawn import Case, model_of
from model_gen.codegen.testing.drawn_families import CASES, drawn, taken
from model_gen.codegen.testing.recurrent import CELL, HIDDEN, OUTPUT, lstm_net
from model_gen.codegen.testing.streaming import svdf_net
from model_gen.codegen.tflite.reader import read_tflite

Steps = NDArray[Any]
_DRAWS = 5  # cases an op
_PLACES = 40  # of an output

# The reference reads int8 SUM as uint8; TFLite's default kernels do not.
_RULES = {"SUM": "tflm"}
ASKED = [(op, family) for op, family in CASES if op not in UNASKED]


def test_float64_knows_each_op_that_is_taken_or_says_why_not() -> None:
    taken = {op.name for op in listed_ops() if op.how == COMPUTED}
    silent = {name for name in taken if not known(name) and name not in UNASKED}
    assert silent == set(), (
        "add an evaluation in float64, or the reason why there is none to UNASKED"
    )
    assert not {name for name in UNASKED if known(name) or name not in taken}


@pytest.mark.parametrize(("op", "family"), ASKED, ids=[f"{op}-{f.__name__}" for op, f in ASKED])
def test_float64_is_near_the_reference_in_drawn_cases(op: str, family: Any) -> None:
    """Shapes, axes and attributes as hypothesis draws them; a wrong place or axis is far off."""
    near = [off for case in drawn(op, family, 5)[:_DRAWS] if _sound(case) for off in _offs(case)]
    assert near, f"nothing of {op} was compared"
    assert max(near) <= 1.01, (op, sorted(near)[-5:])


def _sound(case: Case) -> bool:
    """Taken, by the rules of kernels that are right: MAXIMUM and MINIMUM compare steps, whatever their scales are."""
    shown = (*case.operands, *case.outputs)
    if (
        case.op in ("MAXIMUM", "MINIMUM")
        and len({(one.scale, one.zero_point) for one in shown}) > 1
    ):
        return False
    return taken(case, _RULES.get(case.op, "tflite"))


def _offs(case: Case) -> list[float]:
    """How far TFLite's kernels are from float64, in steps, at most: one an output."""
    model = model_of([case])
    graph = read_tflite(model)
    reference = ReferenceModel(model, beside.DEFAULT if case.op in _RULES else "BUILTIN_REF")
    generator = np.random.default_rng(1)
    inputs = [_values(generator, port) for port in reference.inputs]
    got = reference.run(inputs)
    given = dict(zip(graph.inputs, inputs, strict=True)) | got
    op, found = graph.ops[0], []
    for output, index in enumerate(op.outputs):
        value, target = got[index], graph.tensors[index]
        if op.name in UNASKED or value.dtype.kind not in "iu" or not value.size:
            continue
        real = inputs_of(op, graph.tensors, given.get)
        assert real is not None
        places = generator.integers(0, value.size, _PLACES)
        with np.errstate(all="ignore"):
            want = evaluate(Call(op, real, value.shape, places, output))
            want = in_steps(target, np.nan_to_num(want), value.dtype)
        found.append(float(np.abs(want - value.ravel()[places]).max()))
    return found


def _values(generator: np.random.Generator, port: Any) -> Steps:
    if port.dtype.kind == "f":
        return np.asarray(generator.normal(size=port.shape), port.dtype)
    if port.dtype.kind == "b":
        return np.asarray(generator.integers(0, 2, port.shape), bool)
    info = np.iinfo(port.dtype)
    return np.asarray(generator.integers(info.min, info.max + 1, port.shape, dtype=port.dtype))


STREAMS = {
    "SVDF": lambda: svdf_net(batches=2),
    "SVDF without bias": lambda: svdf_net(bias=False, rank=1),
    "LSTM": lambda: lstm_net(batches=2, steps=9),
    "LSTM, time first": lambda: lstm_net(batches=2, time_major=True, clip=3.0),
}


@pytest.mark.parametrize("name", STREAMS)
def test_float64_follows_a_memory_over_a_sequence(name: str) -> None:
    """Every output of every inference, from what the one before left: without that it would be far off."""
    model = STREAMS[name]()
    graph, reference = read_tflite(model), ReferenceModel(model)
    generator = np.random.default_rng(2)
    steps = [(_values(generator, reference.inputs[0]),) for _ in range(8)]
    op, before, cold = graph.ops[0], None, 0.0
    target = graph.tensors[op.outputs[0]]
    assert target.quantization is not None
    for step, past in zip(steps, linked(steps), strict=True):
        side = {graph.inputs[0]: step[0]} | reference.run(list(step), past)
        got = side[target.index].astype(int)
        if op.name == "SVDF":  # TFLite leaves its RELU to the output's range, which ends at -128
            got = np.maximum(got, target.quantization.zero_points[0])
        for left in (before, None):
            real = evaluate_state(op, graph.tensors, side, left)
            assert real is not None
            off = float(np.abs(in_steps(target, real, np.dtype(np.int8)) - got).max())
            if left is before:
                assert off < 2, (name, off)
            else:
                cold = max(cold, off)
        before = side
    assert np.ptp(got) > 10
    assert cold > 10 or name.startswith("SVDF")  # whose memory holds all that it needs


def test_a_memory_that_a_side_computed_wrongly_is_that_sides_fault() -> None:
    """An LSTM's output in which one side is off, in the third inference of a sequence."""
    model = lstm_net()
    sides = beside._Sides(model, KeptReference(model, "tflite"))
    generator = np.random.default_rng(4)
    steps = [(_values(generator, sides._default.inputs[0]),) for _ in range(3)]
    past = list(linked(steps))[-1]
    judge = {0: steps[-1][0]} | ReferenceModel(model).run(list(steps[-1]), past)
    wrong = judge[OUTPUT].copy()
    wrong[0, -1, 2] ^= 64
    graph = read_tflite(model)
    (parting,) = partings(graph, judge, judge | {OUTPUT: wrong}, lambda: sides._before(past))
    assert parting.judge_off is not None
    assert parting.judge_off < 2
    assert parting.other_off is not None
    assert parting.other_off > 60
    missing = {index: value for index, value in judge.items() if index not in (HIDDEN, CELL)}
    (told,) = partings(graph, judge, judge | {OUTPUT: wrong}, lambda: (missing, missing))
    assert "is not shown" in told.unasked
