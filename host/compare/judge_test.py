"""A PASS is impossible when anything is missing."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from host.compare.expect import Expected
from host.compare.judge import Answered, Case, latency
from host.compare.layers_test import STRUCTURE, TAPS
from host.compare.observation import Finding, Observation
from host.compare.observe import Observer
from host.compare.tensors import compare
from host.compare.vectors import Vector
from host.errors import FirmwareFailure, HostFailure
from host.link.client import Cost, Digests
from host.link.messages import Mode, RunResult, What
from host.listen.feed import feeds
from host.project import Tap
from host.reference.kept import digest
from host.report.verdict import LatencyVerdict, MeasuredClock

ANSWERED = Answered(
    "virtual",
    "virtual",
    "cm55",
    "ab",
    "c" * 64,
    "d" * 64,
    "e" * 64,
    "a reference",
    1,
    "gcc",
    "",
    "instructions",
    False,
    "89abcdef",
)


@dataclass(frozen=True)
class Footprint:
    flash: int = 5
    engine_flash: int = 4
    ram: int = 3
    arena: int = 2
    stack: int = 1


def tensor(*values: int) -> Any:
    return np.array([values], np.int8)


LAYERS = (tensor(5, 6, 7, 8), tensor(0, 0, 0, 0), tensor(9, 9, 9, 9))
EXPECTED = Expected.of((tensor(1, 2, 3, 4),), LAYERS, (tensor(9, 9, 9, 9),))
RIGHT = Observation(0, (), frozenset({0, 2}), 4, 1, 4, 0, 100, 0, (60, 40), None)


def case(*observations: Observation, vectors: int = 1) -> Case:
    taps = (replace(TAPS[0], cost_steps=(0,)), TAPS[1], replace(TAPS[2], cost_steps=(1,)))
    made = Case(STRUCTURE, taps, vectors)
    for observation in observations:
        made.add(observation, EXPECTED)
    return made


def finding(position: int, differing: int = 1) -> Finding:
    layer = STRUCTURE.layers[position]
    return Finding(
        2 + position, position, layer.name, layer.op, "a cause", None, (0, 0), 1, 2, differing, 7
    )


def test_exact_when_everything_was_compared() -> None:
    verdict = case(RIGHT).judge(ANSWERED, Footprint())
    assert verdict.exact
    assert [layer.instructions for layer in verdict.layers] == [60, 0, 40]
    assert verdict.cost.frontend is None
    assert verdict.cost.model == 100
    assert verdict.footprint.stack == 1  # the linker's, none was measured


@pytest.mark.parametrize(
    ("observation", "words"),
    [
        (replace(RIGHT, compared=frozenset({0})), "layers [2] not compared"),
        (replace(RIGHT, step_costs=(60,)), "1 steps counted, of 2"),
    ],
)
def test_no_verdict_when_a_layer_is_missing(observation: Observation, words: str) -> None:
    with pytest.raises(HostFailure) as caught:
        case(observation).judge(ANSWERED, Footprint())
    assert words in caught.value.evidence


def test_no_verdict_when_a_vector_is_missing() -> None:
    with pytest.raises(HostFailure, match="not complete"):
        case(RIGHT, vectors=2).judge(ANSWERED, Footprint())


def test_the_first_difference_is_the_earliest_layer_then_the_lowest_vector() -> None:
    late = replace(RIGHT, findings=(finding(2, 4),))
    early = replace(RIGHT, vector=1, findings=(finding(0, 3), finding(2, 2)))
    same = replace(RIGHT, vector=2, findings=(finding(0, 1),))
    verdict = case(late, early, same, vectors=3).judge(ANSWERED, Footprint())
    assert verdict.first_difference is not None
    assert (verdict.first_difference.vector, verdict.first_difference.layer) == (1, 0)
    assert [layer.differing for layer in verdict.layers] == [4, 0, 6]
    assert not verdict.exact


class Board:
    """Answers as a board would, right unless told otherwise."""

    def __init__(self, **wrong: Any) -> None:
        self.wrong = wrong
        self.output = digest(EXPECTED.outputs)

    def load_input(self, *given: Any) -> None: ...

    def load_chunk(self, *given: Any) -> None: ...

    def run(
        self, stages: Any, *, times: int = 1, mode: Mode = Mode.PLAIN, deadline: Any
    ) -> RunResult:
        differing = self.wrong.get("differing", 0) if times > 1 else 0
        name = {Mode.PLAIN: "plain", Mode.STEPS: "counted"}.get(mode, "")
        self.mode = mode
        return RunResult(times, differing, self.wrong.get(name, self.output))

    def digests(self, deadline: Any) -> Digests:
        taps = (EXPECTED.layers[0].digest, EXPECTED.layers[2].digest)
        right = Digests(0, EXPECTED.input_digest, self.output, taps)
        return replace(
            right, **{k: v for k, v in self.wrong.items() if k in ("taps", "input", "output")}
        )

    def read(
        self, what: What, index: int, offset: int, length: int, deadline: Any, *, total: int
    ) -> bytes:
        assert total == length
        given = self.wrong.get("bytes", {})
        if self.mode == Mode.PLAIN and "left" in self.wrong:
            return bytes(self.wrong["left"])
        right = {
            What.INPUT: EXPECTED.inputs[0],
            What.TAP: LAYERS[(0, 2)[index]],
            What.OUTPUT: EXPECTED.outputs[0],
        }
        return bytes(given.get(what, right[what].tobytes()))

    def cost(self, deadline: Any) -> Cost:
        cost: Cost = self.wrong.get("cost", Cost(0, 100, 0, (60, 40)))
        return cost


def observe(
    *, taps_of_project: tuple[Tap, ...] = TAPS, unit: str = "instructions", **wrong: Any
) -> tuple[Finding, ...]:
    client: Any = Board(**wrong)
    subject: Any = None
    observer = Observer(client, subject, STRUCTURE, taps_of_project, unit=unit)
    return observer.observe(Vector(0, EXPECTED.inputs), EXPECTED).findings


def test_a_right_board_has_no_findings() -> None:
    assert observe() == ()


def test_a_wrong_digest_alone_is_a_difference() -> None:
    """Even when the tensor reads back right: then the run is not deterministic."""
    (found,) = observe(taps=(1, EXPECTED.layers[2].digest))
    assert found.layer == 0
    assert "not deterministic" in found.cause


def test_a_wrong_input_is_found_before_the_layers() -> None:
    (found,) = observe(input=3, bytes={What.INPUT: bytes([1, 2, 3, 5])})
    assert (found.op, found.index, found.got, found.want) == ("INPUT", (0, 3), 5, 4)


def test_outputs_sent_wrong_are_found_though_every_digest_is_right() -> None:
    (found,) = observe(bytes={What.OUTPUT: bytes([9, 9, 8, 9])})
    assert (found.op, found.index) == ("OUTPUT", (0, 2))


def test_runs_that_differ_are_found() -> None:
    (found,) = observe(differing=2)
    assert (found.op, found.differing) == ("RUN", 2)


def test_an_untapped_run_that_differs_is_found() -> None:
    (found,) = observe(plain=77)
    assert (found.op, found.name) == ("RUN", "untapped run")


def test_a_counted_run_that_differs_is_found() -> None:
    (found,) = observe(counted=77)
    assert found.op == "RUN"
    assert "counts each step" in found.cause


def test_outputs_that_an_untapped_run_leaves_wrong_are_found_though_its_digest_is_right() -> None:
    (found,) = observe(left=[9, 9, 7, 9])
    assert (found.op, found.layer, found.index) == ("RUN", None, (0, 2))


def test_steps_that_do_not_cost_what_the_model_costs_are_found() -> None:
    assert observe(cost=Cost(0, 100_000, 0, (59_000, 40_000))) == ()
    (found,) = observe(cost=Cost(0, 100_000, 0, (59_000, 0)))
    assert found.op == "RUN"
    assert "the steps cost 59,000 instructions, the model 100,000" in found.cause


def test_only_the_first_difference_of_a_vector_has_a_cause_of_its_own() -> None:
    found = observe(taps=(1, 2), bytes={What.TAP: bytes([1, 1, 1, 1])})
    assert [one.layer for one in found] == [0, 2]
    assert "follows" in found[1].cause
    assert compare(tensor(1, 1, 1, 1), LAYERS[0]) is not None


def test_a_stage_that_costs_nothing_is_a_counter_that_stands_still() -> None:
    with pytest.raises(FirmwareFailure, match="the model ran and cost nothing"):
        observe(cost=Cost(0, 0, 0, (0, 0)))
    assert observe(cost=Cost(0, 0, 0, (0, 0)), unit="none") == ()


def test_a_layer_that_costs_nothing_is_one_too() -> None:
    taps = (replace(TAPS[0], cost_steps=(0,)), TAPS[1], replace(TAPS[2], cost_steps=(1,)))
    still: dict[str, Any] = {"taps_of_project": taps, "cost": Cost(0, 100, 0, (100, 0))}
    for unit in ("cycles", "instructions"):
        (found,) = observe(unit=unit, **still)
        assert (found.op, found.name) == ("RUN", "untapped run")
        assert "the layer SOFTMAX c ran and cost nothing" in found.cause
    assert observe(unit="none", **still) == ()


def test_a_chunk_of_a_recording_whose_frontend_costs_nothing_is_no_answer() -> None:
    client: Any = Board(cost=Cost(0, 100, 0, (60, 40)))
    observer = Observer(client, None, STRUCTURE, TAPS, unit="cycles")  # type: ignore[arg-type]
    (chunk,) = feeds(np.zeros(4, np.int16), [0], 4)
    with pytest.raises(FirmwareFailure, match="the frontend ran and cost nothing"):
        observer.infer(chunk, [((1, 4), np.dtype(np.int8))])


def test_cycles_are_told_in_time_by_the_measured_clock_and_instructions_are_not() -> None:
    measured = MeasuredClock(599e6, 598e6, 600e6)
    cycles = replace(ANSWERED, cost_unit="cycles", clocks=(600_000_000,), measured_clock=measured)
    costs = [
        case(RIGHT).judge(answered, Footprint()).cost
        for answered in (
            cycles,
            replace(cycles, cost_unit="instructions"),
            replace(cycles, measured_clock=None),
            replace(cycles, cost_unit="none"),
        )
    ]
    assert [(cost.model, cost.model_us) for cost in costs] == [
        (RIGHT.model_cost, round(RIGHT.model_cost / 599, 3)),
        (RIGHT.model_cost, None),
        (RIGHT.model_cost, None),
        (None, None),
    ]
    assert costs[0].frontend_us is None


def test_latency_drops_the_warm_up_and_is_of_the_nearest_rank() -> None:
    took = [9_999, *range(200, 0, -1)]
    seen = [replace(RIGHT, frontend_cost=50, model_cost=cost - 50) for cost in took]
    assert latency(seen) == LatencyVerdict(n=200, warm_ups=1, minimum=1, median=100.5, p99=198)
    assert latency(seen[:2]) == LatencyVerdict(n=1, warm_ups=1, minimum=200, median=200.0, p99=200)
    assert latency(seen[:1]) is None
