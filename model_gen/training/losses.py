"""Losses by name, from logits. Each gives a value a cell or a row, whose mean is the loss.

A class's weight counts on the positive term of its column: what a label that is there costs, and
not what one that is absent does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from keras import ops

from model_gen.training.options import TrainOptions


@dataclass(frozen=True)
class Loss:
    """A loss with what it was told.

    values(targets, logits, positive): both [B, labels]; `positive` is the classes' weights
    [labels], or None for all the same; gives [B, labels] or [B].
    """

    values: Callable[[Any, Any, Any], Any]
    smoothing: float  # share that hard labels lose
    smoothed_to: float  # what each column gets of that share

    def smooth(self, targets: Any) -> Any:
        """Targets [B, labels] with the share of hard labels taken from them."""
        if not self.smoothing:
            return targets
        return targets * (1 - self.smoothing) + self.smoothing * self.smoothed_to


def bce(targets: Any, logits: Any, positive: Any = None) -> Any:
    """Binary cross-entropy of each column: [B, labels]."""
    if positive is None:
        return ops.binary_crossentropy(targets, logits, from_logits=True)
    there, absent = _terms(targets, logits)
    return positive * there + absent


def focal(targets: Any, logits: Any, positive: Any = None, *, gamma: float) -> Any:
    """Binary cross-entropy, each term times (1 - p of what it asks for) ** gamma: [B, labels].

    In logarithms, so that neither value nor gradient leaves the finite numbers (Lin et al. 2017).
    """
    there, absent = _terms(targets, logits)
    there = there * ops.exp(-gamma * ops.softplus(logits))
    absent = absent * ops.exp(-gamma * ops.softplus(-logits))
    return (there if positive is None else positive * there) + absent


def cce(targets: Any, logits: Any, positive: Any = None) -> Any:
    """Categorical cross-entropy of each row: [B]. Rows of several labels share it equally."""
    shares = targets / ops.sum(targets, axis=-1, keepdims=True)
    if positive is not None:
        shares = shares * positive
    return -ops.sum(shares * ops.log_softmax(logits, axis=-1), axis=-1)


def _terms(targets: Any, logits: Any) -> tuple[Any, Any]:
    """What the labels that are there cost, and those that are not: both [B, labels]."""
    return targets * ops.softplus(-logits), (1 - targets) * ops.softplus(logits)


# Name -> what gives the values of it, as the options ask.
LOSSES: dict[str, Callable[[TrainOptions], Callable[[Any, Any, Any], Any]]] = {
    "bce": lambda options: bce,
    "cce": lambda options: cce,
    "focal": lambda options: partial(focal, gamma=options.focal_gamma),
}


def loss_of(options: TrainOptions, labels: int) -> Loss:
    """The loss that the options ask for; of a softmax head, smoothing spreads over the classes."""
    to = 1 / labels if options.class_activation == "softmax" else 0.5
    return Loss(LOSSES[options.loss_name](options), options.label_smoothing, to)


def class_weights(positives: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """n / (C n_c) from the rows n_c [labels] of each class: float32 [labels]; 1 where it has none."""
    seen = np.maximum(positives, 1)
    weights = positives.sum() / (np.count_nonzero(positives) * seen)
    return np.where(positives > 0, weights, 1.0).astype(np.float32)
