"""What draws the trials: Optuna's TPE, with random numbers that the trial's number alone decides."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.samplers import BaseSampler, PartialFixedSampler, TPESampler


class NumberedSampler(BaseSampler):  # type: ignore[misc]
    """TPE anew for each trial, seeded by its number.

    So two processes of one seed draw different trials, and a study that was broken off goes on with
    those that it would have drawn. Trial 0 is what there is without a search: it takes `defaults`.
    """

    def __init__(self, seed: int, defaults: Mapping[str, Any]) -> None:
        self._seed, self._defaults = seed, dict(defaults)
        self._number, self._own = -1, TPESampler()

    def _of(self, trial: Any) -> Any:
        if trial.number != self._number:
            (seed,) = np.random.SeedSequence([self._seed, trial.number]).generate_state(1)
            own = TPESampler(seed=int(seed))
            if trial.number == 0:
                own = PartialFixedSampler(self._defaults, own)
            self._number, self._own = trial.number, own
        return self._own

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._of(trial).infer_relative_search_space(study, trial)
        return found

    def sample_relative(
        self, study: Any, trial: Any, search_space: dict[str, Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = self._of(trial).sample_relative(study, trial, search_space)
        return found

    def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
        return self._of(trial).sample_independent(study, trial, name, distribution)

    def before_trial(self, study: Any, trial: Any) -> None:
        self._of(trial).before_trial(study, trial)

    def after_trial(
        self, study: Any, trial: Any, state: Any, values: Sequence[float] | None
    ) -> None:
        self._of(trial).after_trial(study, trial, state, values)
