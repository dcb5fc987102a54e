"""A whole search: from a command's options to a study that has its trials, and what came out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from host.errors import BadInput, HostFailure, NightjarError
from model_gen.data.hearing import LookOptions
from model_gen.data.look import begin
from model_gen.progress import line
from model_gen.tuning.extra import optuna
from model_gen.tuning.identity import data_sha256, identity
from model_gen.tuning.plan import Plan
from model_gen.tuning.result import Found, found_in
from model_gen.tuning.storage import hidden
from model_gen.tuning.study import open_study
from model_gen.tuning.work import work


def tune(preset: str, given: dict[str, Any]) -> Found:
    """Carry out trials until the study has `--n-trials` of them, those of other processes among them.

    Args:
        preset: where the defaults come from.
        given: what the command was given; None and () stand for what was not.

    Raises:
        BadInput: options, data, store or study are unusable; no trial was begun then.
        HostFailure: a trial failed, or the store does not answer any more.
    """
    optuna()
    plan = Plan.of(preset, given)
    begun = begin(LookOptions.of(plan.options))
    begun.require()
    dataset = begun.dataset
    from model_gen.training.run import check_labels  # TensorFlow takes its seconds

    check_labels(dataset.recordings, dataset.labels, plan.options)
    lying = trials_in(plan.folder)  # before the study is read, which others go on with
    study = open_study(plan, identity(plan, data_sha256(dataset)))
    check_folder(plan, lying, len(study.get_trials(deepcopy=False)))
    line(f"study {plan.study} in {hidden(plan.storage)}: {len(study.trials)} trials so far")
    from model_gen.tuning.carry import carry_out

    try:
        work(
            study,
            plan.options.n_trials,
            plan.held,
            lambda trial: carry_out(plan, dataset.labels, trial),
        )
        return found_in(study, plan)
    except NightjarError:
        raise
    except _storage_errors() as error:
        raise HostFailure(
            "the study's store does not answer any more",
            evidence=f"{type(error).__name__}: {str(error).splitlines()[0]}",
            next_step="run the same command again: the study goes on where it was",
        ) from error


def trials_in(folder: Path) -> tuple[int, ...]:
    """The numbers of the trials whose files lie in the folder of a study, ascending."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(int(one.name) for one in folder.iterdir() if one.name.isdecimal()))


def check_folder(plan: Plan, lying: Sequence[int], trials: int) -> None:
    """Refuse a folder that holds what another study trained: trials to come would replace it.

    Args:
        plan: the search.
        lying: numbers of the trials whose files lie in its folder.
        trials: how many the study has.

    Raises:
        BadInput: one lies there that the study has not begun.
    """
    foreign = [number for number in lying if number >= trials]
    if foreign:
        raise BadInput(
            "the folder of a study must hold no trials of another one",
            evidence=f"Received: {plan.folder} with trial {foreign[0]}; "
            f"the study in {hidden(plan.storage)} has {trials}",
            next_step="give the --storage that they are of, another --study, or move them away",
        )


def _storage_errors() -> tuple[type[Exception], ...]:
    import sqlalchemy

    return (optuna().exceptions.StorageInternalError, sqlalchemy.exc.SQLAlchemyError)
