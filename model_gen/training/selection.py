"""Which epoch a checkpoint is of, by name; validation loss decides between equals."""

import math
from collections.abc import Callable

from model_gen.training.options import TrainOptions
from model_gen.training.state import EpochResult

# Name -> what is to be highest; NaN where it cannot be computed.
SELECTIONS: dict[str, Callable[[EpochResult], float]] = {
    "loss": lambda result: -result.val_loss,
    "ap": lambda result: result.val_ap,
    "roc-auc": lambda result: result.val_roc_auc,
    "top1": lambda result: result.val_top1,
    "last": lambda result: result.epoch,
}


def is_judged(options: TrainOptions, epoch: int) -> bool:
    """Whether an epoch, from 1, is validated: each where that chooses, else some and the last."""
    every = options.validate_every if options.select == "last" else 1
    return epoch % every == 0 or epoch == options.epochs


def better(name: str, new: EpochResult, old: EpochResult | None) -> bool:
    """Whether `new` is above `old`, or there is none; of equals the earlier stays.

    Of `last`, only an epoch that was judged takes the place of another: the last one always is.
    """
    if old is None:
        return True
    return (name != "last" or new.judged) and _key(name, new) > _key(name, old)


def _key(name: str, result: EpochResult) -> tuple[float, float]:
    value = SELECTIONS[name](result)
    return (-math.inf if math.isnan(value) else value, -result.val_loss)
