"""What is asked of an evaluation."""

from dataclasses import dataclass
from pathlib import Path

from host.errors import BadInput
from host.nearest import did_you_mean
from model_gen.data.reopen import EVALUATION_OVERLAP
from model_gen.evaluation.bootstrap import DRAWS, SEED
from model_gen.evaluation.thresholds import JUDGED, VALIDATION


@dataclass(frozen=True)
class EvaluateOptions:
    """One evaluation; at least one of `checkpoint`, `bundle` and `tflite`.

    split: train, val, test or all. max_duration: seconds of a recording; None: as in training, 60
    for a bundle. cache_dir: None is the cache `windows`. tflite: a bare model, like the checkpoint
    or bundle `like`. against: a second model to compare with. thresholds: "judged", "val", or a
    number for every class. annotations: a folder of tables. group_by, labels: who belongs together,
    as in training. timed: whether latency is measured.
    """

    data_path: Path
    checkpoint: Path | None = None
    bundle: Path | None = None
    split: str = "test"
    overlap: float = EVALUATION_OVERLAP
    max_duration: float | None = None
    num_workers: int = 2
    cache_dir: Path | None = None
    tflite: Path | None = None
    like: Path | None = None
    against: Path | None = None
    pooling: str = "lme"
    thresholds: str | float = JUDGED
    top_k: int = 3
    annotations: Path | None = None
    group_by: str | None = None
    labels: Path | None = None
    draws: int = DRAWS
    seed: int = SEED
    timed: bool = True


def thresholds_of(given: str) -> str | float:
    """What --thresholds says.

    Raises:
        BadInput: it is no number from 0 to 1 and no word that is known; with the nearest one.
    """
    if given in (JUDGED, VALIDATION):
        return given
    near = did_you_mean(given.lower(), (JUDGED, VALIDATION))
    try:
        number = float(given)
    except ValueError:
        number = float("nan")
    if 0 <= number <= 1:
        return number
    if number == number and not near:
        near = f" The nearest is {min(max(number, 0), 1):g}."
    raise BadInput(
        f"--thresholds must be {JUDGED}, {VALIDATION} or a number from 0 to 1",
        evidence=f"Received: {given!r}.{near}",
        next_step=f"give {JUDGED}: the best F1 of each class on the judged recordings; {VALIDATION}:"
        " on those of validation; or one threshold for every class",
    )
