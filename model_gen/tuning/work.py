"""How processes share a study: who carries out which trial, and when there are enough."""

import hashlib
import socket
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from host.errors import HostFailure
from model_gen.training.alone import alone_at
from model_gen.tuning.extra import optuna
from model_gen.tuning.outcome import DEATHS, FAILED, MACHINE, REASON, Outcome

Carry = Callable[[Any], Outcome]
MOST_DEATHS = 3  # of processes over one trial
DEADLY = f"it has ended {MOST_DEATHS} processes without a word, as too little memory does"
TOO_MANY = "another process had begun the study's last trial"


def work(study: Any, most: int, place: Callable[[int], Path], carry: Carry) -> None:
    """Carry out trials until the study has `most` that did not fail, whoever carries them out.

    A trial that was broken off on this computer is gone on with first. One that is interrupted
    stays as it is, to be gone on with, and so does one that the computer fails, as a full disk does;
    one whose carrying out raises anything else is failed, and so is one over which processes have died
    without a word, MOST_DEATHS in a row.

    Args:
        study: an `optuna.Study`.
        most: of the whole study.
        place: what a process holds while it carries out the trial of a number.
        carry: carries out an `optuna.Trial`.
    """
    states = optuna().trial.TrialState
    while True:
        with ExitStack() as held:
            trial = _broken_off(study, place, held) or _new(study, most, place, held)
            if trial is None:
                return
            try:
                outcome = carry(trial)
            except (KeyboardInterrupt, OSError):
                with suppress(Exception):  # whatever the store says now
                    trial.set_user_attr(DEATHS, -1)  # what ends now is none
                raise
            except Exception as error:
                _tell(study, trial, Outcome(FAILED, reason=str(error)), states)
                raise
            _tell(study, trial, outcome, states)


def this_machine() -> str:
    """What tells this computer from others, and names none."""
    known = Path("/etc/machine-id")
    text = known.read_text(encoding="ascii") if known.is_file() else ""
    return hashlib.sha256(f"{text}{socket.gethostname()}".encode()).hexdigest()[:16]


def _tell(study: Any, trial: Any, outcome: Outcome, states: Any) -> None:
    if outcome.reason:
        trial.set_user_attr(REASON, outcome.reason)
    state = {"complete": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}
    study.tell(trial, list(outcome.values) or None, state=state[outcome.state])


def _broken_off(study: Any, place: Callable[[int], Path], held: ExitStack) -> Any:
    """A running trial of this computer that nobody carries out, or None.

    Whoever carries one out holds its place, which the kernel frees when that process ends.
    """
    package = optuna()
    running = (package.trial.TrialState.RUNNING,)
    for frozen in study.get_trials(deepcopy=False, states=running):
        if frozen.user_attrs.get(MACHINE) != this_machine():
            continue
        try:
            held.enter_context(alone_at(place(frozen.number)))
        except HostFailure:
            continue
        if study.get_trials(deepcopy=False)[frozen.number].state == running[0]:
            trial = package.Trial(study, frozen._trial_id)  # which is nowhere else
            deaths = trial.user_attrs.get(DEATHS, 0) + 1
            if deaths < MOST_DEATHS:
                trial.set_user_attr(DEATHS, deaths)
                return trial
            _tell(study, trial, Outcome(FAILED, reason=DEADLY), package.trial.TrialState)
        held.close()
    return None


def _new(study: Any, most: int, place: Callable[[int], Path], held: ExitStack) -> Any:
    """A trial of its own, or None where there are enough.

    Two processes may ask at once. Trials have numbers, and of those before its own each sees the
    same, so that they agree on which one is too many.
    """
    states = optuna().trial.TrialState
    if _counted(study.get_trials(deepcopy=False)) >= most:
        return None
    trial = study.ask()
    before = study.get_trials(deepcopy=False)[: trial.number]
    if _counted(before) >= most:
        _tell(study, trial, Outcome(FAILED, reason=TOO_MANY), states)
        return None
    held.enter_context(alone_at(place(trial.number)))
    trial.set_user_attr(MACHINE, this_machine())
    return trial


def _counted(trials: Iterable[Any]) -> int:
    return sum(trial.state != optuna().trial.TrialState.FAIL for trial in trials)
