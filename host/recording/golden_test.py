"""Answers are held against a golden's one by one, and the first that is another one is named."""

from dataclasses import replace
from typing import Any

import pytest

from host.errors import BadInput, FirmwareFailure, HostFailure
from host.link.messages import CostPage, DigestsPage, Loaded, RunResult, What
from host.recording.exchanges import (
    COST,
    DIGESTS,
    HELLO,
    LOAD,
    READ,
    RUN,
    SPIN,
    Exchange,
    exchanges,
)
from host.recording.golden import check_golden, compare
from host.recording.manifest import Asked, SuiteRun
from host.recording.testing_board import Board, record

TAPS = {0: "layer 0 (a)", 1: "epoch 7 (b)"}
OUTPUT = bytes(range(200)) * 11  # more than one piece


def asked() -> list[Exchange]:
    return [
        Exchange("", (HELLO, 1)),
        Exchange("vec00", (LOAD, 1, 0, 4, 99), Loaded(4, 99)),
        Exchange("vec00", (RUN, 2, 1, 1, 0), RunResult(1, 0, 5)),
        Exchange("vec00", (DIGESTS, 0, 2), DigestsPage(0, 3, 5, 0, (11, 12))),
        Exchange("vec00", (READ, int(What.OUTPUT), 0, 0, 4), None, {0: b"abcd"}),
        Exchange("vec01", (COST, 0, 2), CostPage(0, 70, 512, 0, (30, 40))),
    ]


def held(place: int, **changes: object) -> tuple[int, tuple[str, ...]]:
    now = asked()
    response = now[place].response
    assert response is not None
    now[place] = replace(now[place], response=replace(response, **changes))  # type: ignore[arg-type]
    return compare(asked(), now, TAPS, exact_costs=True)


def test_the_same_answers_repeat_a_golden_and_who_answered_is_none_of_them() -> None:
    now = asked()
    now[0] = Exchange("", (HELLO, 9))
    now.insert(1, Exchange("", (SPIN, 5)))
    assert compare(asked(), now, TAPS, exact_costs=True) == (5, ())


@pytest.mark.parametrize(
    ("place", "changes", "named"),
    [
        (1, {"crc": 98}, "vec00, load, crc"),
        (2, {"differing": 1}, "vec00, run, differing"),
        (3, {"taps": (11, 13)}, r"vec00, digest of epoch 7 \(b\)"),
        (3, {"taps": (10, 13)}, r"vec00, digest of layer 0 \(a\)"),
        (3, {"features": 1}, "vec00, digest of features"),
        (3, {"output": 6}, "vec00, digest of output"),
        (3, {"taps": (11,)}, "vec00, digests"),
        (5, {"model": 71}, "vec01, cost, model"),
        (5, {"steps": (30, 41)}, "vec01, steps 1"),
        (5, {"stack": 516}, "vec01, cost, stack"),
    ],
)
def test_an_answer_that_is_another_one_is_named(
    place: int, changes: dict[str, object], named: str
) -> None:
    with pytest.raises(FirmwareFailure, match=named):
        held(place, **changes)


def test_a_byte_of_a_tensor_is_named() -> None:
    now = asked()
    now[4] = replace(now[4], data={0: b"abXd"})
    with pytest.raises(FirmwareFailure, match="vec00, byte 2 of output 0") as caught:
        compare(asked(), now, TAPS, exact_costs=True)
    assert caught.value.evidence == "golden 63, now 58"


def test_cycles_are_listed_and_the_stack_is_not_one_of_them() -> None:
    now = asked()
    now[5] = replace(now[5], response=CostPage(1, 75, 512, 0, (33, 40)))
    answers, costs = compare(asked(), now, TAPS, exact_costs=False)
    assert answers == 5
    assert costs == (
        "vec01: cost, frontend 0 -> 1",
        "vec01: cost, model 70 -> 75",
        "vec01: steps 0 30 -> 33",
    )
    now[5] = replace(now[5], response=CostPage(0, 70, 99, 0, (30, 40)))
    with pytest.raises(FirmwareFailure, match="stack"):
        compare(asked(), now, TAPS, exact_costs=False)


def test_a_session_that_asks_otherwise_proves_nothing_and_a_difference_before_it_counts() -> None:
    now = asked()[:4]
    with pytest.raises(HostFailure, match="does not ask what the golden asked") as caught:
        compare(asked(), now, TAPS, exact_costs=True)
    assert "from vec00 on" in caught.value.evidence
    now[3] = replace(now[3], response=DigestsPage(0, 3, 5, 0, (11, 13)))
    with pytest.raises(FirmwareFailure, match="epoch 7"):
        compare(asked(), now, TAPS, exact_costs=True)


def test_what_a_recording_holds_is_told_once_and_whole() -> None:
    made = record(Board(b"model", lambda inputs, runs: OUTPUT), [[b"one"], [b"two"]], len(OUTPUT))
    found = exchanges(made)
    assert [one.kind for one in found if one.kind in (HELLO, LOAD, RUN)] == [HELLO] + [
        LOAD,
        RUN,
        RUN,
    ] * 2
    read = [one for one in found if one.kind == READ]
    assert (
        b"".join(piece for one in read[: len(read) // 4] for _, piece in sorted(one.data.items()))
        == OUTPUT
    )
    assert compare(found, exchanges(made), {}, exact_costs=True) == (len(found) - 1, ())
    other = record(
        Board(b"model", lambda inputs, runs: OUTPUT[:-1] + b"!"), [[b"one"], [b"two"]], len(OUTPUT)
    )
    with pytest.raises(FirmwareFailure, match=r"run, output|byte"):
        compare(found, exchanges(other), {}, exact_costs=True)


def test_what_is_no_golden_is_refused() -> None:
    made = record(Board(b"model", lambda inputs, runs: OUTPUT), [[b"one"]], len(OUTPUT))
    whole = replace(made, manifest=replace(made.manifest, asked=(Asked("vec00", True),)))
    check_golden(whole)
    changes: tuple[dict[str, Any], ...] = (
        {"suite": SuiteRun(1)},
        {"faults": "seed=1,rate=0.1"},
        {"ended": {}},
        {"asked": (Asked("vec00"),)},
        {"asked": ()},
    )
    for change in changes:
        with pytest.raises(BadInput, match="a golden is"):
            check_golden(replace(made, manifest=replace(whole.manifest, **change)))
