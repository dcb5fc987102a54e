"""A whole search: from a command's options to a study that has its trials, and what came out."""

from typing import Any

from host.errors import HostFailure, NightjarError
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
    study = open_study(plan, identity(plan, data_sha256(dataset)))
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


def _storage_errors() -> tuple[type[Exception], ...]:
    import sqlalchemy

    return (optuna().exceptions.StorageInternalError, sqlalchemy.exc.SQLAlchemyError)
