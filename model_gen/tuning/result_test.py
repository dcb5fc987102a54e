"""What a study is said to have come to."""

from pathlib import Path

import pytest

from model_gen.tuning.outcome import COMPLETE, Outcome, pruned
from model_gen.tuning.payload import lines
from model_gen.tuning.result import FEWEST, found_in
from model_gen.tuning.study import open_study
from model_gen.tuning.testing import OF, plan_in, search
from model_gen.tuning.work import work

pytest.importorskip("optuna")


def test_importance_is_told_of_trials_that_differ_and_of_enough_of_them(tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    study, _ = search(plan, FEWEST - 1)
    assert found_in(study, plan).importance == {}
    study, _ = search(plan, FEWEST)
    found = found_in(study, plan)
    assert sum(found.importance.values()) == pytest.approx(1)
    assert list(found.importance.values()) == sorted(found.importance.values(), reverse=True)
    alike = plan_in(tmp_path, study="alike")
    study = open_study(alike, OF)

    def carry(trial: object) -> Outcome:
        alike.space.draw(trial)
        return Outcome(COMPLETE, (0.5,))

    work(study, FEWEST, alike.held, carry)
    found = found_in(study, alike)
    assert found.count("complete") == FEWEST
    assert found.importance == {}
    assert found.best == (0,)


def test_a_study_without_a_complete_trial_says_what_goes_on(tmp_path: Path) -> None:
    plan = plan_in(tmp_path, budget_macs=5)
    study = open_study(plan, OF)
    assert list(lines(found_in(study, plan)))[1:] == ["no trial is complete yet"]
    work(study, 2, plan.held, lambda trial: pruned(f"too large: {trial.number}"))
    assert list(lines(found_in(study, plan)))[1:] == [
        "no trial is complete; trial 1: too large: 1",
        "a higher --n-trials goes on, another --study takes another --budget-macs",
    ]
