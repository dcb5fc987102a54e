"""What a trial is judged by, by name."""

import math
from collections.abc import Callable

from host.errors import BadInput, HostFailure
from model_gen.training.options import TrainOptions
from model_gen.training.run import TrainResult

# Objective -> what of an epoch's logs shows it while it trains.
WHILE_TRAINING = {"roc-auc": "val_roc_auc", "ap": "val_ap", "int8-ap": "val_ap"}
INT8_BUNDLE = "bundle"


class NoValue(Exception):
    """A trained model has no value; the text says why."""


def judged(options: TrainOptions, result: TrainResult, objective: str) -> float:
    """The value of a trained model, the higher the better.

    Raises:
        NoValue: it has none.
    """
    value = _OBJECTIVES[objective](options, result)
    if value is None or math.isnan(value):
        raise NoValue(f"validation gives no {objective}: no class of it has one")
    return value


def _roc_auc(options: TrainOptions, result: TrainResult) -> float | None:
    best = result.progress.best
    return None if best is None else best.val_roc_auc


def _ap(options: TrainOptions, result: TrainResult) -> float | None:
    best = result.progress.best
    return None if best is None else best.val_ap


def _int8_ap(options: TrainOptions, result: TrainResult) -> float | None:
    """Of the bundle that is written beside the checkpoint; whatever it lost is what is judged."""
    from model_gen.quantization.run import QuantizeOptions, quantize

    asked = QuantizeOptions(
        checkpoint=options.checkpoint_path,
        data_path=options.data_path_train,
        out=options.checkpoint_path.with_name(INT8_BUNDLE),
        max_drop=1.0,
        seed=options.seed,
        num_workers=options.num_workers,
        cache_dir=options.cache_dir,
        force=True,
    )
    try:
        found = quantize(asked)
    except (BadInput, HostFailure) as error:
        raise NoValue(f"quantization: {error.what}; {error.evidence}") from error
    if found.contract is None:
        raise NoValue(f"quantization refused: {'; '.join(found.gates.refused)}")
    return found.gates.int8_ap


_OBJECTIVES: dict[str, Callable[[TrainOptions, TrainResult], float | None]] = {
    "roc-auc": _roc_auc,
    "ap": _ap,
    "int8-ap": _int8_ap,
}
