"""Who is wrong where two kernels part: TFLite's own faults, float64 against naive loops, and who only passes on."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from host.compare.second import beside
from host.compare.second.call import Call
from host.compare.second.opinion import Parting, partings, top_classes
from host.compare.second.real import evaluate, inputs_of
from host.compare.second.steps import in_steps, real_of
from host.reference.kept import KeptReference
from host.reference.model import ReferenceModel
from host.reference.past import Past, linked
from host.report.report_test import EXACT
from host.report.second import Dispute, SecondOpinion
from host.report.summary import summary_lines
from model_gen.codegen.testing.models import builder, single
from model_gen.codegen.testing.single_ops import constant, q, weights, window
from model_gen.codegen.testing.streaming import streaming_net
from model_gen.codegen.tflite.graph import Quantization
from model_gen.codegen.tflite.reader import read_tflite

_RNG = np.random.default_rng(3)


def sum_and_relu() -> bytes:
    """SUM of signed steps, which the reference computes wrongly, and a RELU that only passes that on."""
    tensors = [q((1, 4, 3)), constant([1]), q((1, 3), 0.3, 0), q((1, 3), 0.3, 0)]
    ops: list[Any] = [
        ("SUM", [0, 1], [2], {"ReducerOptions": {"keepDims": False}}, 2),
        ("RELU", [2], [3], None, 1),
    ]
    return bytes(builder().model(ops, tensors))


def test_the_reference_is_found_wrong_in_sum_and_nobody_in_what_follows() -> None:
    model = sum_and_relu()
    sides = beside._Sides(model, KeptReference(model, "tflite"))
    steps = np.full((1, 4, 3), -50, np.int8)
    record = sides.record([steps])
    ((op, name, apart, judge_off, other_off, _),) = record["partings"]
    assert (op, name) == (0, "SUM")
    assert apart > 2
    assert judge_off > 2
    assert other_off < 1
    assert sides.record([steps]) == record  # the one that is kept
    (dispute,) = beside._disputes([Parting(op, name, apart, judge_off, other_off)])
    assert dispute.wrong == "judge"


def test_the_judge_is_not_asked_twice_in_a_process() -> None:
    """Its tensors are those of the run before, of the same model and inputs alone."""
    model, steps = sum_and_relu(), drawn((1, 4, 3))
    computed = KeptReference(model, "tflite").run([steps])
    second = KeptReference(model, "tflite")
    record = beside._Sides(model, second)._made([steps])
    assert not second.opened
    again = second.tensors([steps])
    assert {i: t.tolist() for i, t in again.items()} == {i: t.tolist() for i, t in computed.items()}
    assert record == beside._Sides(model, KeptReference(model, "tflite"))._made([steps])
    second.tensors([steps + np.int8(1)])
    assert second.opened


def test_other_kernels_run_the_same_sequence_from_a_state_of_their_own() -> None:
    model = streaming_net()
    sides = beside._Sides(model, KeptReference(model, "tflite"))
    steps = [(drawn((1, 2, 1, 3)),) for _ in range(5)]
    pasts = list(linked(steps))
    judge, other = ReferenceModel(model), ReferenceModel(model, beside.DEFAULT)
    for step, past in zip(steps, pasts, strict=True):
        one, two = judge.run(list(step), past), other.run(list(step), past)
        record = sides.record(step, past)
        shared = sorted(one.keys() & two.keys())
        assert record["steps"] == beside._apart(shared, one, two)
        assert record["partings"] == []
    assert sides._default.run(list(steps[-1]), pasts[-1])[13].tobytes() == two[13].tobytes()
    assert two[13].tobytes() != other.run(list(steps[-1]))[13].tobytes()


def test_what_an_earlier_inference_left_is_only_passed_on() -> None:
    model = streaming_net()
    graph, reference = read_tflite(model), ReferenceModel(model)
    step = drawn((1, 2, 1, 3))
    judge = {0: step} | reference.run([step])
    other = {0: step} | reference.run([step], Past((np.full_like(step, 127),)))
    assert np.abs(judge[2].astype(int) - other[2]).max() > 2
    assert partings(graph, judge, other) == []
    assert [one.name for one in partings(graph, judge, other | {13: ~other[13]})] == ["ADD"]


def drawn(shape: tuple[int, ...]) -> Any:
    return _RNG.integers(-128, 128, shape, dtype=np.int8)


def bilinear(**fields: bool) -> bytes:
    return single(
        "RESIZE_BILINEAR",
        [q((2, 3, 5, 3)), constant([7, 4])],
        q((2, 7, 4, 3)),
        {"ResizeBilinearOptions": fields},
        version=3,
    )


CASES = {
    "conv": lambda: single(
        "CONV_2D",
        [q((1, 7, 6, 4)), weights((6, 3, 2, 2), 0), constant([90, -80, 0, 55, 7, 9])],
        q((1, 4, 3, 6), 0.05),
        {"Conv2DOptions": window(strideH=2, strideW=2)},
    ),
    "depthwise": lambda: single(
        "DEPTHWISE_CONV_2D",
        [q((1, 5, 6, 3)), weights((1, 3, 3, 6), 3), constant([90, -80, 0, 55, 7, 9])],
        q((1, 3, 4, 6), 0.05),
        {"DepthwiseConv2DOptions": window(depthMultiplier=2, padding=1)},
    ),
    "dense": lambda: single(
        "FULLY_CONNECTED",
        [q((2, 7)), weights((5, 7), 0), constant([90, -80, 0, 55, 7])],
        q((2, 5), 0.05),
        {"FullyConnectedOptions": {"fusedActivationFunction": 1}},
    ),
    "transpose": lambda: single(
        "TRANSPOSE_CONV",
        [
            constant([1, 7, 8, 5]),
            weights((5, 3, 4, 2), 0),
            q((1, 4, 3, 2)),
            constant([9, -8, 0, 5, 7]),
        ],
        q((1, 7, 8, 5), 0.05),
        {"TransposeConvOptions": {"padding": 0, "strideH": 2, "strideW": 3}},
        version=3,
    ),
    "transpose valid": lambda: single(
        "TRANSPOSE_CONV",
        [constant([1, 6, 7, 3]), weights((3, 4, 3, 2), 0), q((1, 3, 3, 2))],
        q((1, 6, 7, 3), 0.05),
        {"TransposeConvOptions": {"padding": 1, "strideH": 1, "strideW": 2}},
        version=1,
    ),
    "bilinear": lambda: bilinear(),
    "bilinear corners": lambda: bilinear(alignCorners=True),
    "bilinear centers": lambda: bilinear(halfPixelCenters=True),
    "pool": lambda: single(
        "AVERAGE_POOL_2D",
        [q((1, 5, 5, 3))],
        q((1, 3, 3, 3)),
        {"Pool2DOptions": window(filterHeight=2, filterWidth=3, strideH=2, strideW=2)},
    ),
    "mean": lambda: single(
        "MEAN", [q((1, 4, 3)), constant([1])], q((1, 3), 0.04), {"ReducerOptions": {}}
    ),
    "softmax": lambda: single(
        "SOFTMAX", [q((3, 9))], q((3, 9), 1 / 256, -128), {"SoftmaxOptions": {"beta": 1.0}}
    ),
    "add": lambda: single(
        "ADD", [q((2, 5)), q((1, 5), 0.03, -2)], q((2, 5), 0.06), {"AddOptions": {}}
    ),
    "matmul": lambda: single(
        "BATCH_MATMUL",
        [q((2, 3, 5)), q((2, 4, 5))],
        q((2, 3, 4), 0.2),
        {"BatchMatMulOptions": {"adjY": True}},
        version=2,
    ),
    "swish": lambda: single("HARD_SWISH", [q((1, 64))], q((1, 64), 0.04, -20)),
}


@pytest.mark.parametrize("name", CASES)
def test_float64_is_within_a_step_of_the_reference(name: str) -> None:
    """Every output, so that a place's index or a window's edge cannot be off."""
    model = CASES[name]()
    reference, graph = ReferenceModel(model), read_tflite(model)
    inputs = [drawn(port.shape) for port in reference.inputs]
    target = graph.tensors[graph.outputs[0]]
    got = reference.run(inputs)[target.index]
    values = dict(zip(graph.inputs, inputs, strict=True))
    given = inputs_of(graph.ops[0], graph.tensors, values.get)
    assert given is not None
    real = evaluate(Call(graph.ops[0], given, got.shape, np.arange(got.size)))
    want = in_steps(target, real, got.dtype)
    assert np.abs(want - got.ravel()).max() < 1.01
    assert np.ptp(want) > 4


def test_an_op_of_which_float64_was_not_asked_is_told_by_name_and_reason() -> None:
    """Whether or not its inputs are alike: nobody knows whose fault it is."""
    graph = read_tflite(single("RELU", [q((1, 4))], q((1, 4))))
    strange = replace(graph, ops=(replace(graph.ops[0], name="STRANGE"),))
    source, steps = drawn((1, 4)), np.zeros((1, 4), np.int8)
    one, two = {0: source, 1: steps}, {0: source, 1: steps + np.int8(9)}
    for other in (two, {**two, 0: source ^ 1}):
        (parting,) = partings(strange, one, other)
        assert (parting.steps, parting.judge_off) == (9, None)
    (unseen,) = partings(graph, {1: one[1]}, {1: two[1]})
    disputes = beside._disputes([parting, replace(unseen, op=1)])
    found = SecondOpinion("default kernels", 8, 9, None, disputes)
    told = "\n".join(summary_lines(replace(EXACT, second=found)))
    assert "op 0, STRANGE: 9 steps apart, and nobody in float64 was asked: float64 does not" in told
    assert "op 1, RELU: 9 steps apart, and nobody in float64 was asked: what it computes" in told
    said = replace(EXACT, second=found).as_json()["second"]["disputes"]
    assert [one["unasked"] for one in said] == [parting.unasked, unseen.unasked]


def test_scales_of_channels_are_those_of_their_axis() -> None:
    graph = read_tflite(single("RELU", [q((1, 2))], q((1, 2))))
    tensor = replace(graph.tensors[0], quantization=Quantization((0.5, 2.0), (0, 1), 1))
    assert real_of(tensor, np.array([[4, 4]], np.int8)).tolist() == [[2.0, 6.0]]


def test_top_classes_are_counted_by_rows() -> None:
    one = np.array([[1, 5, 2], [7, 0, 0]], np.int8)
    assert top_classes(one, one) == (0, 2)
    assert top_classes(one, one[:, ::-1]) == (1, 2)
    assert top_classes(one[:, :1], one[:, :1]) == (0, 0)


def test_a_wrong_judge_is_named_in_the_headline_the_lines_and_the_json() -> None:
    dispute = Dispute(5, "SUM", 128, "judge", 127.6, 0.5)
    found = SecondOpinion("default kernels", 8, 128, 0.49, (dispute,), 12, 0.5)
    wrong = replace(EXACT, second=found)
    assert "JUDGE IS WRONG" in wrong.headline
    told = "\n".join(summary_lines(wrong))
    assert "THE JUDGE IS WRONG in op 5 SUM" in told
    assert "the top class differs in 49 %" in told
    assert wrong.as_json()["second"]["disputes"][0]["judge_off"] == 127.6
    right = replace(EXACT, second=replace(found, disputes=()))
    assert "WRONG" not in right.headline
    assert "WRONG" not in "\n".join(summary_lines(right))
