"""What a study came to: its trials, the best of them, and how much each option mattered."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from model_gen.training.presets import table
from model_gen.tuning.extra import optuna
from model_gen.tuning.outcome import CHECKPOINT, CURVE, MACS, PARAMETERS, REASON
from model_gen.tuning.plan import Plan

FEWEST = 4  # complete trials that importance is told from


@dataclass(frozen=True)
class Trial:
    """One trial of a study.

    Attributes:
        number: from 0, which is what there is without a search.
        state: complete, pruned, failed or running.
        reason: why it is not complete.
        drawn: option -> value.
        value: of the objective; None where it has none.
        macs, parameters: of its model, where it came to one.
        curve: the objective while it trained, of each epoch that was judged.
        seconds: from its beginning to its end.
        checkpoint: where it lies on the computer that trained it.
    """

    number: int
    state: str
    reason: str
    drawn: dict[str, Any]
    value: float | None
    macs: int | None
    parameters: int | None
    curve: tuple[tuple[int, float], ...]
    seconds: float | None
    checkpoint: str

    @property
    def options(self) -> str:
        """What it drew, as on a command line."""
        return " ".join(table()[name].typed(value) for name, value in self.drawn.items())


@dataclass(frozen=True)
class Found:
    """A study. `best`: numbers of the best trials, of one objective one, the highest first."""

    study: str
    objective: str
    pareto: bool
    budget_macs: int | None
    pruner: str
    space: dict[str, list[Any]]
    trials: tuple[Trial, ...]
    best: tuple[int, ...]
    importance: dict[str, float]

    def trial(self, number: int) -> Trial:
        return next(one for one in self.trials if one.number == number)

    def count(self, state: str) -> int:
        return sum(one.state == state for one in self.trials)


def found_in(study: Any, plan: Plan) -> Found:
    """What an `optuna.Study` holds by now."""
    trials = tuple(_trial(one) for one in study.get_trials(deepcopy=False))
    options = plan.options
    complete = [one for one in trials if one.state == "complete"]
    return Found(
        study=plan.study,
        objective=options.objective,
        pareto=options.pareto,
        budget_macs=options.budget_macs,
        pruner=options.pruner,
        space=plan.space.ranges,
        trials=trials,
        best=best_of(complete, pareto=options.pareto),
        importance=_importance(study, [one.value for one in complete]),
    )


def best_of(complete: list[Trial], *, pareto: bool) -> tuple[int, ...]:
    """The best trial, or those that none is as small and better, or as good and smaller than."""
    ranked = sorted(complete, key=lambda one: (-_value(one), one.macs or 0, one.number))
    front, least = [], math.inf
    for one in ranked:
        if (one.macs or 0) < least:
            front.append(one.number)
            least = one.macs or 0
    return tuple(front if pareto else front[:1])


def _value(one: Trial) -> float:
    return -math.inf if one.value is None else one.value


def _trial(frozen: Any) -> Trial:
    attrs = frozen.user_attrs
    complete = frozen.state.name == "COMPLETE"
    return Trial(
        number=frozen.number,
        state={"FAIL": "failed", "WAITING": "running"}.get(
            frozen.state.name, frozen.state.name.lower()
        ),
        reason=attrs.get(REASON, ""),
        drawn=dict(frozen.params),
        value=frozen.values[0] if complete else None,
        macs=attrs.get(MACS),
        parameters=attrs.get(PARAMETERS),
        curve=tuple((epoch, value) for epoch, value in attrs.get(CURVE, [])),
        seconds=None if frozen.duration is None else round(frozen.duration.total_seconds(), 1),
        checkpoint=attrs.get(CHECKPOINT, "") if complete else "",
    )


def _importance(study: Any, values: Sequence[float | None]) -> dict[str, float]:
    """Share of each option, the highest first: how far the better half of the trials drew otherwise.

    PED-ANOVA takes options that only some trials drew, too; fewer than four trials tell nothing, nor do
    those that are all worth the same. `values`: of the complete trials.
    """
    if len(values) < FEWEST or len(set(values)) == 1:
        return {}
    package = optuna()
    judge = package.importance.PedAnovaImportanceEvaluator(target_quantile=0.5)
    target = (lambda trial: -trial.values[0]) if len(study.directions) > 1 else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = package.importance.get_param_importances(study, evaluator=judge, target=target)
        except (RuntimeError, ValueError):
            return {}
    known = [(name, float(share)) for name, share in found.items() if math.isfinite(share)]
    return dict(sorted(known, key=lambda one: (-one[1], one[0])))
