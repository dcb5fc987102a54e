"""When a run ends before its last epoch, by name."""

from collections.abc import Callable

from model_gen.training.options import TrainOptions
from model_gen.training.schedule import warmup_of


def late_start(options: TrainOptions) -> int:
    """Epochs before the last third of the cosine, where the rate is below a quarter of its peak."""
    warmup = warmup_of(options)
    return warmup + -(-2 * (options.epochs - warmup) // 3)


# Name -> the epoch from which those without a better one count.
STOPPINGS: dict[str, Callable[[TrainOptions], int]] = {
    "patience": lambda options: 0,
    "late-patience": late_start,
}


def ended(options: TrainOptions, done: int, best_epoch: int) -> bool:
    """Whether a run with `done` epochs is over: all are, or `patience` brought nothing better.

    Where the last epoch is the best, there is nothing to wait for.
    """
    if options.select == "last":
        return done >= options.epochs
    since = max(best_epoch, STOPPINGS[options.stopping](options))
    return done >= options.epochs or done - since >= options.patience
