"""The learning rate of each step."""

import math
from typing import Any

import keras

from model_gen.training.options import TrainOptions


def warmup_of(options: TrainOptions) -> int:
    """Epochs in which the rate rises; a short run has fewer than it asks for."""
    return min(options.warmup_epochs, options.epochs // 4)


def learning_rate(
    step: int, *, peak: float, steps_per_epoch: int, epochs: int, warmup_epochs: int
) -> float:
    """Linear from 0 to `peak` over the warm-up epochs, then a half cosine down to about 0.

    `step` counts from 0; the first step already moves.
    """
    warmup = warmup_epochs * steps_per_epoch
    if step < warmup:
        return peak * (step + 1) / warmup
    total = epochs * steps_per_epoch - warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total)))


class Schedule(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the rate before each step, by the engine's number of the epoch."""

    def __init__(self, options: TrainOptions, steps_per_epoch: int) -> None:
        super().__init__()
        self._options, self._steps = options, steps_per_epoch
        self._epoch = 0
        self.rate = 0.0  # of the last step

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        options = self._options
        self.rate = learning_rate(
            self._epoch * self._steps + batch,
            peak=options.learning_rate,
            steps_per_epoch=self._steps,
            epochs=options.epochs,
            warmup_epochs=warmup_of(options),
        )
        self.model.optimizer.learning_rate.assign(self.rate)
