"""The page of a study: all of it is there, and it fits a desk and a phone."""

from dataclasses import replace
from typing import Any

import pytest

from host.report.testing_browser import chromium, measured
from host.report.tuning_html import render
from model_gen.tuning.payload import lines, payload
from model_gen.tuning.result import Found, Trial, best_of


def _trial(number: int, value: float | None, macs: int | None, **more: Any) -> Trial:
    told: dict[str, Any] = {
        "number": number,
        "state": "pruned" if value is None else "complete",
        "reason": "epoch 5 of 36: 0.5 is below the median" if value is None else "",
        "drawn": {"alpha": 0.8139999979698003, "se": True, "learning_rate": 1.2e-4},
        "value": value,
        "macs": macs,
        "parameters": 1234,
        "curve": ((5, 0.4), (10, 0.5 if value is None else value)),
        "seconds": 61.25,
        "checkpoint": f"m_tuning/<birds>/{number:04d}/m.keras",
    }
    return Trial(**{**told, **more})


TRIALS = (
    _trial(0, 0.75, 2_000_000),
    _trial(1, None, 3_000_000),
    _trial(2, 0.875, 4_000_000),
    _trial(3, None, None, state="running", reason="", curve=()),
    _trial(4, 0.875, 1_500_000),
    _trial(5, 0.5, 1_000_000),
    _trial(6, None, None, state="failed", reason="HOST: no room", curve=()),
)
FOUND = Found(
    study="<birds>",
    objective="int8-ap",
    pareto=False,
    budget_macs=4_500_000,
    pruner="median",
    space={"alpha": [0.25, 1.5], "se": [False, True], "learning_rate": [1e-4, 1e-2, "log"]},
    trials=TRIALS,
    best=(4,),
    importance={"learning_rate": 0.75, "se": 0.25, "alpha": 0.0},
)
NONE = replace(FOUND, trials=(), best=(), importance={})


def test_the_page_says_all_and_escapes_names() -> None:
    page = render(FOUND)
    for text in (
        "trial 4 is best: int8-ap 0.8750",
        "--alpha 0.8139999979698003 --se --learning-rate 0.00012",
        "epoch 5 of 36: 0.5 is below the median",
        "HOST: no room",
        "0.0001 to 0.01, by its logarithm",
        "off, on",
        "4\u202f500\u202f000",
        "0.750",
        "ap on validation",
    ):
        assert text in page, text
    assert "&lt;birds&gt;" in page
    assert "<birds>" not in page
    assert page.count("<svg") == 3
    assert "no trial is complete yet" in render(NONE)
    front = replace(FOUND, pareto=True, best=best_of([*TRIALS[:1], *TRIALS[4:6]], pareto=True))
    assert "2 models, none as small and better" in render(front)


def test_the_best_are_those_that_none_is_as_small_and_better_than() -> None:
    complete = [one for one in TRIALS if one.value is not None]
    assert best_of(complete, pareto=False) == (4,)  # of equals the smaller
    assert best_of(complete, pareto=True) == (4, 5)
    assert best_of([], pareto=True) == ()


def test_the_terminal_is_told_the_best_beside_what_there_is_without_a_search() -> None:
    said = "\n".join(lines(FOUND))
    assert "7 trials, 4 complete, 1 pruned, 1 failed, 1 running" in said
    assert "without a search: int8-ap 0.7500, 2,000,000 MACs" in said
    assert "trial 4: int8-ap 0.8750, 1,500,000 MACs: --alpha 0.8139999979698003 --se" in said
    assert "what mattered: learning_rate 0.75, se 0.25" in said
    assert "no trial is complete yet" in "\n".join(lines(NONE))
    told = payload(FOUND)
    assert told["schema"] == "nightjar/tuning/1"
    assert told["trials"][4]["options"].endswith("--learning-rate 0.00012")


@pytest.mark.skipif(chromium() is None, reason="needs chromium")
def test_it_fits_a_desk_and_a_phone() -> None:
    script = "return [page.documentElement.scrollWidth, view.innerWidth]"
    for scrolled, width in measured(render(FOUND), script, (1280, 390), dark=True):
        assert scrolled <= width
