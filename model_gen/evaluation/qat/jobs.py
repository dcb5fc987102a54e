"""What is measured: of each training and seed the float model, and four ways to an int8 one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from model_gen.evaluation.family import jobs as family
from model_gen.evaluation.family.jobs import SEED
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of

FLOAT, CONVERTER, OWN, SHADOW, FAITHFUL = KINDS = (
    "float",
    "converter",
    "own",
    "shadow",
    "faithful",
)
NAMES = {
    FLOAT: "float",
    CONVERTER: "PTQ, the converter's ranges",
    OWN: "PTQ, own ranges",
    SHADOW: "QAT, shadow",
    FAITHFUL: "QAT, faithful",
}
LEARN = (SHADOW, FAITHFUL)  # what is quantization-aware training; the name is its --qat-mode
MODEL = "model.keras"
WINDOWS = "windows"
# Options that decide nothing of a training without --qat.
_OF_QAT = ("qat_mode", "calibration_samples", "qat_bits", "qat_per_tensor")


@dataclass(frozen=True)
class Job:
    """One model.

    Attributes:
        training: data set, preset, and who tests and validates.
        seed: 1, 2, ...; 1 is that of `bench family`, whose float model is the very same.
        kind: of KINDS; all but FLOAT begin with the float model of the same training and seed.
    """

    training: family.Job
    seed: int
    kind: str

    @property
    def drawn(self) -> int:
        """The seed of weights, order and what calibrates."""
        return SEED + self.seed - 1

    @property
    def name(self) -> str:
        """Of the folder that keeps what came out."""
        return f"{self.training.name}-seed-{self.seed}/{self.kind}"

    @property
    def what(self) -> str:
        """For people."""
        return f"{self.training.what}, seed {self.seed}: {NAMES[self.kind]}"


def seeds_of(trainings: Sequence[family.Job], seeds: int) -> list[list[Job]]:
    """The jobs of each seed of each data set and preset, a seed behind the other, so that what an early end leaves
    can be compared."""
    of = dict.fromkeys((one.data, one.preset) for one in trainings)
    return [
        [
            Job(training, seed, kind)
            for training in trainings
            if (training.data, training.preset) == which
            for kind in KINDS
        ]
        for seed in range(1, seeds + 1)
        for which in of
    ]


def options_for(job: Job, out: Path) -> TrainOptions | None:
    """The options of what a job trains; None of those that train nothing.

    `out`: what holds the folders of all jobs; the checkpoint lies in the job's own.
    """
    folder = out / job.name
    if job.kind == FLOAT:
        made = family.options_for(job.training, folder)
        return replace(made, seed=job.drawn, cache_dir=out / WINDOWS)
    if job.kind not in LEARN:
        return None
    given = {
        "data_path_train": Path(job.training.data_path),
        "checkpoint_path": folder / MODEL,
        "cache_dir": out / WINDOWS,
        "seed": job.drawn,
        "num_workers": 2,
        "qat": True,
        "qat_mode": job.kind,
        "epochs": job.training.epochs,
    }
    return options_of(job.training.preset, given)


def float_recipe(recipe: dict[str, Any]) -> dict[str, Any]:
    """What decides a training that is none of --qat, by its recipe, of whatever version's options of --qat."""
    return {name: value for name, value in recipe.items() if name not in _OF_QAT}


def asked(job: Job, out: Path, base: str) -> dict[str, Any]:
    """All that decides what comes out of a job; `base`: digest of the float model that it begins with."""
    options = options_for(job, out)
    return {
        **asdict(job),
        "base": base,
        "recipe": {} if options is None else options.recipe(),
    }
