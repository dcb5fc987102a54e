"""Processes share a study: each trial is carried out once, and none is lost."""

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model_gen.tuning.outcome import CURVE, MACHINE, REASON, Outcome
from model_gen.tuning.testing import OF, plan_in, search, worth
from model_gen.tuning.work import DEADLY, TOO_MANY, work

optuna = pytest.importorskip("optuna")
from model_gen.tuning.study import open_study  # noqa: E402


def _drawn(study: Any) -> list[dict[str, Any]]:
    return [trial.params for trial in study.get_trials(deepcopy=False)]


def _states(study: Any) -> list[str]:
    return [trial.state.name for trial in study.get_trials(deepcopy=False)]


def test_two_processes_share_one_study(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    program = [sys.executable, "-m", "model_gen.tuning.testing", url]
    both = [
        subprocess.Popen(
            [*program, str(tmp_path / "here"), "9", "0.2"], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [one.communicate(timeout=120)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    shares = [[int(number) for number in text.split()] for text in said]
    study = open_study(plan_in(tmp_path / "here", storage=url), OF)
    trials = study.get_trials(deepcopy=False)
    complete = [trial.number for trial in trials if trial.state.name == "COMPLETE"]
    assert sorted(shares[0] + shares[1]) == complete
    assert len(complete) == 9
    assert all(shares)
    late = [trial for trial in trials if trial.state.name == "FAIL"]
    assert all(trial.user_attrs[REASON] == TOO_MANY for trial in late)
    alphas = [trials[number].params["alpha"] for number in complete]
    assert len(set(alphas)) == len(alphas)
    for number in complete:
        assert trials[number].value == worth(trials[number].params)


def test_a_study_that_was_broken_off_draws_what_a_straight_one_does(tmp_path: Path) -> None:
    """With trials enough that not all of them are drawn at random."""
    straight, _ = search(plan_in(tmp_path, storage=f"journal:///{tmp_path}/straight.log"), 12)
    plan = plan_in(tmp_path, storage=f"journal:///{tmp_path}/cut.log")
    search(plan, 4)
    study = open_study(plan, OF)

    def interrupted(trial: Any) -> Outcome:
        plan.space.draw(trial)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(study, 12, plan.held, interrupted)
    assert _states(study)[4:] == ["RUNNING"]
    assert study.trials[4].user_attrs[MACHINE]
    study, mine = search(plan, 12)
    assert mine == list(range(4, 12))  # the one that was broken off first
    assert _states(study) == ["COMPLETE"] * 12
    assert _drawn(study) == _drawn(straight)
    assert _drawn(study)[0]["alpha"] == 1.0
    assert search(plan, 12)[1] == []
    assert search(plan, 13)[1] == [12]


def test_a_trial_whose_carrying_out_fails_is_told_and_makes_room(tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    study = open_study(plan, OF)

    def failing(trial: Any) -> Outcome:
        trial.set_user_attr(CURVE, [[1, 0.5]])
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        work(study, 2, plan.held, failing)
    study, mine = search(plan, 2)
    assert mine == [1, 2]
    assert _states(study) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[0].user_attrs[REASON] == "no room"


def test_a_trial_that_the_computer_fails_is_gone_on_with(tmp_path: Path) -> None:
    """Trial 0 among them: no other one is what there is without a search."""
    plan = plan_in(tmp_path)

    def full(trial: Any) -> Outcome:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        work(open_study(plan, OF), 2, plan.held, full)
    study, mine = search(plan, 2)
    assert mine == [0, 1]
    assert _drawn(study)[0]["alpha"] == 1.0


def test_a_trial_that_kills_its_processes_is_failed_and_an_interrupted_one_is_not(
    tmp_path: Path,
) -> None:
    class Killed(BaseException):
        """As the kernel does it: nothing runs afterwards."""

    plan, met = plan_in(tmp_path), []

    def ended(how: type[BaseException]) -> None:
        def carry(trial: Any) -> Outcome:
            met.append(trial.number)
            raise how

        with pytest.raises(how):
            work(open_study(plan, OF), 3, plan.held, carry)

    for how in (Killed, Killed, KeyboardInterrupt, Killed, Killed, OSError, Killed, Killed):
        ended(how)
    assert met == [0] * 8
    ended(Killed)  # the third in a row
    ended(KeyboardInterrupt)
    assert met[8:] == [0, 1]
    study, mine = search(plan, 2)
    assert mine == [1, 2]
    assert _states(study) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[0].user_attrs[REASON] == DEADLY


def test_an_outcome_is_told() -> None:
    assert str(Outcome("complete", (0.5, 46904.0))) == "complete, 0.5000, 46,904 MACs"
    assert str(Outcome("pruned", reason="too large")) == "pruned, too large"


def test_a_trial_is_held_wherever_its_process_keeps_checkpoints(tmp_path: Path) -> None:
    """As two processes of one computer have it, with checkpoints of their own."""
    url = f"journal:///{tmp_path}/study.log"
    plan, other = (plan_in(tmp_path / name, storage=url, study="s") for name in "ab")
    study = open_study(plan, OF)

    def carried(trial: Any) -> Outcome:
        assert search(other, 1)[1] == []  # it is running, and nobody's to take
        return Outcome("complete", (worth(plan.space.draw(trial)),))

    work(study, 1, plan.held, carried)
    assert _states(study) == ["COMPLETE"]
    assert other.held(1) == plan.held(1) != plan.held(2)
    assert plan_in(tmp_path, study="s").held(1) == plan.held(1)  # by default, as spelled here


def test_a_trial_of_another_computer_is_left_alone_and_counts(tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    open_study(plan, OF).ask().set_user_attr(MACHINE, "another")
    study, mine = search(plan, 3)
    assert mine == [1, 2]
    assert _states(study) == ["RUNNING", "COMPLETE", "COMPLETE"]
