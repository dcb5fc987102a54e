"""The study: made by who comes first, and joined by the others."""

from typing import Any

from host.errors import BadInput
from model_gen.tuning.extra import optuna
from model_gen.tuning.identity import KEY, check_identity
from model_gen.tuning.plan import Plan
from model_gen.tuning.storage import hidden, not_a_store, open_storage

STARTUP = 5  # trials that no median is taken of
WARMUP = 0.25  # share of the epochs in which no trial is pruned


def open_study(plan: Plan, of: dict[str, Any]) -> Any:
    """An `optuna.Study` in the store of the plan, new or as it was left.

    Args:
        plan: the search.
        of: what it is of, as `identity` gives it.

    Raises:
        BadInput: the store cannot be opened, or its study of that name is of something else.
    """
    package = optuna()
    import sqlalchemy

    from model_gen.tuning.sampler import NumberedSampler

    options = plan.options
    if options.storage is None:
        plan.folder.mkdir(parents=True, exist_ok=True)
    storage = open_storage(plan.storage)
    directions = ["maximize", "minimize"] if options.pareto else ["maximize"]
    try:
        study = package.create_study(
            storage=storage,
            study_name=plan.study,
            directions=directions,
            load_if_exists=True,
            sampler=NumberedSampler(options.seed, plan.space.defaults),
            pruner=_pruner(package, plan),
        )
    except (package.exceptions.StorageInternalError, sqlalchemy.exc.SQLAlchemyError) as error:
        raise not_a_store(plan.storage, error) from error
    if KEY not in study.user_attrs:
        if study.get_trials(deepcopy=False):
            raise BadInput(
                "a study must be one that `nightjar train --tune` began",
                evidence=f"Received: --study {plan.study} in {hidden(plan.storage)}, of something else",
                next_step="give another --study",
            )
        study.set_user_attr(KEY, of)  # of two at once the later one stays, and the other is refused
    check_identity(study.user_attrs[KEY], of, plan.study)
    return study


def _pruner(package: Any, plan: Plan) -> Any:
    if plan.options.pruner == "none":
        return package.pruners.NopPruner()
    return package.pruners.MedianPruner(
        n_startup_trials=STARTUP, n_warmup_steps=int(WARMUP * plan.options.epochs)
    )
