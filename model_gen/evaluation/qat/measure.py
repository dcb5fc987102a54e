"""All models that are asked for, one process at a time; what is there already is not made again."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from host.files import sha256_file
from model_gen.evaluation.child import ask
from model_gen.evaluation.family.measure import SCORES
from model_gen.evaluation.kept import keep
from model_gen.evaluation.qat.base import copy_checkpoint, is_of
from model_gen.evaluation.qat.child import TAKEN
from model_gen.evaluation.qat.jobs import FLOAT, MODEL, Job, asked, options_for


def measure(jobs: Sequence[Job], out: Path, family: Path) -> list[Path]:
    """The folder of each job under `out`, with scores, and a bundle of all but the float model.

    A float model that `family`, the folder of `bench family`, has of the same recipe is taken from there.

    Raises:
        BadInput: a folder of data is unusable.
        HostFailure: a training fails.
    """
    folders = []
    for number, job in enumerate(jobs, 1):
        folder = out / job.name
        base = "" if job.kind == FLOAT else sha256_file(folder.with_name(FLOAT) / MODEL)
        keep(
            folder,
            SCORES,
            asked(job, out, base),
            partial(_make, job, folder, out, family / job.training.name),
            f"model {number} of {len(jobs)}: {job.what}",
        )
        folders.append(folder)
    return folders


def _make(job: Job, folder: Path, out: Path, before: Path) -> None:
    options = options_for(job, out)
    if job.kind == FLOAT and options is not None and is_of(before, options):
        copy_checkpoint(before / MODEL, folder)
        shutil.copy(before / SCORES, folder / TAKEN)
    _run(job, folder)


def _run(job: Job, folder: Path) -> None:
    ask(
        "model_gen.evaluation.qat.child",
        job,
        folder / SCORES,
        failed="a model could not be made",
        of=job.what,
    )
