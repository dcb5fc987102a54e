"""One trial, from what is drawn to what it is worth."""

import gc
import shutil
from typing import Any

import keras

from host.errors import BadInput
from model_gen.models.backbones import hears_waveform
from model_gen.models.build import build_model
from model_gen.profile.profile import profile_model
from model_gen.progress import line
from model_gen.runtime import tensorflow
from model_gen.training.configure import configure
from model_gen.training.judge import NotFinite
from model_gen.training.options import TrainOptions
from model_gen.training.resume import state_path
from model_gen.training.run import train
from model_gen.tuning.objective import WHILE_TRAINING, NoValue, judged
from model_gen.tuning.outcome import (
    CHECKPOINT,
    COMPLETE,
    CURVE,
    MACS,
    PARAMETERS,
    Outcome,
    pruned,
)
from model_gen.tuning.plan import Plan
from model_gen.tuning.watch import Pruned, Watch


def carry_out(plan: Plan, labels: tuple[str, ...], trial: Any) -> Outcome:
    """Draw, build, count, train, judge; a trial that comes to nothing says why, and leaves no files.

    Args:
        plan: the search.
        labels: of the data.
        trial: an `optuna.Trial`, new or broken off.

    Raises:
        NightjarError: the data or this computer are at fault, not what was drawn.
    """
    tensorflow()  # before anything computes with it: threads cannot be set afterwards
    checkpoint = plan.checkpoint(trial.number)
    line(f"trial {trial.number} of study {plan.study}")
    try:
        outcome = _carried_out(plan, labels, trial)
    finally:
        _forget()
    if outcome.state != COMPLETE:
        shutil.rmtree(checkpoint.parent, ignore_errors=True)
    line(f"trial {trial.number}: {outcome}")
    return outcome


def _carried_out(plan: Plan, labels: tuple[str, ...], trial: Any) -> Outcome:
    asked = plan.options
    only = plan.space.defaults if trial.number == 0 else None
    drawn = plan.space.draw(trial, only=only)
    checkpoint = plan.checkpoint(trial.number).absolute()  # wherever a process stands
    begun = trial.user_attrs.get(CHECKPOINT) == str(checkpoint)  # by this trial, and here
    resume = begun and state_path(checkpoint).is_file()
    try:
        options = plan.trial_options(trial.number, drawn, resume=resume)
        macs = _size(options, labels, trial)
    except BadInput as refusal:
        return pruned(f"{refusal.what}; {refusal.evidence}")
    if asked.budget_macs is not None and macs is not None and macs > asked.budget_macs:
        return pruned(f"{macs:,} multiply-accumulates, over the budget of {asked.budget_macs:,}")
    trial.set_user_attr(CHECKPOINT, str(checkpoint))
    measure = WHILE_TRAINING[asked.objective]
    watch = Watch(trial, measure, options.epochs, prunes=not asked.pareto)
    try:
        result = train(options, callbacks=(watch,))
        value = judged(options, result, asked.objective)
    except (Pruned, NoValue) as ended:
        return pruned(str(ended))
    except NotFinite as ended:
        return pruned(f"{ended.what}; {ended.evidence}")
    curve = [[e.epoch, getattr(e, measure)] for e in result.progress.history if e.judged]
    trial.set_user_attr(CURVE, curve)
    return Outcome(COMPLETE, (value, float(macs or 0)) if asked.pareto else (value,))


def _forget() -> None:
    """Let go of the trial's models, which Keras would keep until the process ends."""
    keras.utils.clear_session()
    gc.collect()


def _size(options: TrainOptions, labels: tuple[str, ...], trial: Any) -> int | None:
    """Multiply-accumulates of the model that would train; None of one that no board runs.

    Raises:
        BadInput: there can be no such model.
    """
    config = configure(options, labels)
    model = build_model(config, seed=options.seed)
    trial.set_user_attr(PARAMETERS, int(model.count_params()))
    if hears_waveform(config.backbone):
        return None
    macs = profile_model(model, trained=False).macs
    trial.set_user_attr(MACS, macs)
    return macs
