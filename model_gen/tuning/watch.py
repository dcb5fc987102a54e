"""A trial while it trains: its curve goes into the study, and the pruner may end it."""

import math
from typing import Any

import keras

from model_gen.tuning.outcome import CURVE


class Pruned(Exception):
    """The pruner ended a trial; the text says where it was behind."""


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports what an epoch was judged to be.

    Args:
        trial: an `optuna.Trial`.
        measure: of the logs, the higher the better.
        epochs: of the whole training; after the last one nothing is pruned.
        prunes: whether the study's pruner is asked. It cannot be of a study of two objectives.
    """

    goes_on = "the same command"  # with an interrupted trial

    def __init__(self, trial: Any, measure: str, epochs: int, *, prunes: bool) -> None:
        super().__init__()
        self._trial, self._measure, self._epochs = trial, measure, epochs
        self._prunes = prunes
        self._curve = [list(point) for point in trial.user_attrs.get(CURVE, [])]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        value = float((logs or {}).get(self._measure, math.nan))
        if math.isnan(value):  # of an epoch that was not judged
            return
        done = epoch + 1
        self._curve = [point for point in self._curve if point[0] < done] + [[done, value]]
        self._trial.set_user_attr(CURVE, self._curve)
        if not self._prunes:
            return
        self._trial.report(value, done)
        if done < self._epochs and self._trial.should_prune():
            raise Pruned(f"epoch {done} of {self._epochs}: {value:.4f} is below the median")
