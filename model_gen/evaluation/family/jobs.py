"""What is measured: a data set, whose recordings test, and a preset; one training each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_gen.evaluation.learning.recipes import GEOMETRY
from model_gen.evaluation.learning.speakers import SPEAKER, fold_of
from model_gen.training.options import TrainOptions
from model_gen.training.presets import PRESETS, options_of

DIGITS, BIRDS = "digits", "birds"
SEED = 42


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        data: DIGITS or BIRDS.
        data_path: its folder.
        preset: whose defaults train.
        test, val: the speakers who test and validate; None of birds, which have a split of their own.
        epochs: instead of the preset's; for trials.
    """

    data: str
    data_path: str
    preset: str
    test: str | None = None
    val: str | None = None
    epochs: int | None = None

    @property
    def name(self) -> str:
        """Of the folder that keeps what came out."""
        parts = (self.data, self.test, self.preset, self.epochs and f"{self.epochs}-epochs")
        return "-".join(str(part) for part in parts if part)

    @property
    def what(self) -> str:
        """For people."""
        tests = f", {self.test} tests" if self.test else ""
        return f"{self.preset} on {self.data}{tests}"


def jobs_of(
    digits: Path | None,
    speakers: Sequence[str],
    birds: Path,
    *,
    tests: Sequence[str] = (),
    presets: Sequence[str] = (),
    epochs: int | None = None,
) -> list[Job]:
    """Every job, those of one fold side by side; without `digits`, those of `birds` alone.

    `tests`: who tests, in turn; () is every speaker. `presets`: those that train; () is every one.

    Raises:
        BadInput: nobody of `tests` is among the speakers.
    """
    names = sorted(tests or speakers)
    folds = [] if digits is None else [fold_of(speakers, test) for test in names]
    found = [
        Job(DIGITS, str(digits), preset, fold.test, fold.val, epochs)
        for fold in folds
        for preset in presets or PRESETS
    ]
    return found + [Job(BIRDS, str(birds), one, epochs=epochs) for one in presets or PRESETS]


def options_for(job: Job, folder: Path) -> TrainOptions:
    """The preset's own options but for geometry and split: digits are heard as `bench learning` hears them."""
    given: dict[str, Any] = {
        "data_path_train": Path(job.data_path),
        "checkpoint_path": folder / "model.keras",
        "cache_dir": folder / "windows",
        "seed": SEED,
        "num_workers": 2,
        "epochs": job.epochs,
    }
    if job.test is not None:
        given |= {
            **GEOMETRY,
            "group_by": SPEAKER,
            "test_group": (job.test,),
            "val_group": (job.val,),
        }
    return options_of(job.preset, given)
