"""The last good run of main is the baseline; what breaks a gate, or cannot be judged, is not green."""

from dataclasses import replace
from pathlib import Path

import pytest

from host.boards.which import Which
from host.cli.gating import Gating
from host.cli.outcome import held_against
from host.errors import BadInput, Incomplete, RegressionFailure
from host.history.commit import Commit
from host.history.run import Place
from host.history.store import opened
from host.history.testing_runs import PLACE, raw, with_cost
from host.report.regression import Baseline
from host.report.testing_verdicts import DIFFERENT
from host.report.verdict import Verdict

BASE = with_cost(1000)
AT = Which("virtual")


def gating(store: Path | None, *texts: str, file: Path | None = None) -> Gating:
    found = Gating.begin(
        *(file, texts),
        at=AT,
        model=Path("birds"),
        store=None if store is None else str(store),
        baseline=None,
    )
    assert found is not None
    return found


def outcome(verdict: Verdict, found: Gating) -> tuple[int, str]:
    judged, failure = held_against(verdict, None, None, found)
    assert (failure is None) == (judged.exit_code == 0) == (judged.gate == "")
    return judged.exit_code, str(failure)


def add(store: Path, verdict: Verdict, place: Place = PLACE) -> None:
    with opened(str(store), write=True) as history:
        history.add(raw(verdict), place)


def test_nothing_asked_is_no_gate() -> None:
    assert Gating.begin(None, (), at=AT, model=Path("m"), store=None, baseline=None) is None
    assert held_against(BASE, None, None, None) == (BASE, None)


def test_the_first_run_of_main_is_void_and_the_next_is_judged(tmp_path: Path) -> None:
    store = tmp_path / "h"
    found = gating(store, "cost <= +0%", "layers <= +2%")
    code, said = outcome(BASE, found)
    assert code == 18
    assert "cost <= +0% is void for cost.frontend and 1 more: the history has no clean" in said
    add(store, replace(BASE, exit_code=18))
    assert outcome(BASE, found)[0] == 0
    slower = with_cost(1030, layer=3)
    code, said = outcome(slower, found)
    assert code == 16
    assert "layer 3 24,470, beyond layers <= +2%, 23,758 in the baseline" in said


@pytest.mark.parametrize(
    "place",
    [
        replace(PLACE, commit=Commit("b" * 40, "topic")),
        replace(PLACE, commit=Commit("b" * 40, "main", dirty=True)),
        replace(PLACE, commit=Commit("b" * 40, "12/merge")),
        replace(PLACE, board="bench-1"),
        replace(PLACE, model="other"),
    ],
)
def test_only_a_clean_run_of_main_of_the_same_is_a_baseline(tmp_path: Path, place: Place) -> None:
    store = tmp_path / "h"
    add(store, with_cost(2000), place)
    found = gating(store, "cost.model <= +0%")
    assert outcome(BASE, found)[0] == 18
    add(store, BASE)
    add(store, with_cost(2000), place)
    assert outcome(with_cost(1001), found)[0] == 16


def test_a_run_that_broke_a_gate_does_not_become_the_baseline(tmp_path: Path) -> None:
    store = tmp_path / "h"
    add(store, BASE)
    add(store, replace(with_cost(1100), exit_code=16))
    add(store, replace(DIFFERENT, exit_code=19))
    assert outcome(with_cost(1100), gating(store, "cost.model <= +5%"))[0] == 16


def test_a_baseline_that_was_given_comes_before_the_history(tmp_path: Path) -> None:
    store = tmp_path / "h"
    add(store, BASE)
    slower = with_cost(1100)
    given = Baseline(Path("x.json"), raw(slower))
    found = Gating.begin(
        *(None, ("cost.model <= +0%",)),
        at=AT,
        model=Path("birds"),
        store=str(store),
        baseline=given,
    )
    assert outcome(slower, found) == (0, "None")  # type: ignore[arg-type]


def test_a_file_names_its_baseline_from_where_it_lies(tmp_path: Path) -> None:
    import json

    (tmp_path / "base.json").write_text(json.dumps(raw(BASE)))
    file = tmp_path / "gates.toml"
    file.write_text('baseline = "base.json"\ngates = ["cost.model <= +1%"]\n')
    assert outcome(with_cost(1005), gating(None, file=file))[0] == 0
    assert outcome(with_cost(1015), gating(None, file=file))[0] == 16
    (tmp_path / "base.json").write_text("{}")
    with pytest.raises(BadInput, match="a baseline must be a verdict"):
        gating(None, file=file)


def test_what_grew_comes_before_what_is_void_and_a_difference_before_both() -> None:
    found = gating(None, "cost.model <= +1%", "cost.model <= 1")
    judged, failure = held_against(BASE, None, None, found)
    assert isinstance(failure, RegressionFailure)
    assert [one.state for one in judged.gates] == ["void", "failed"]
    assert held_against(DIFFERENT, None, None, found) == (DIFFERENT, None)
    _, failure = held_against(BASE, None, None, gating(None, "cost.model <= +1%"))
    assert isinstance(failure, Incomplete)
