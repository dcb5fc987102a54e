"""All trainings that are asked for, one process at a time; what is there already is not made again."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from model_gen.evaluation.child import ask
from model_gen.evaluation.family.jobs import Job, options_for
from model_gen.evaluation.kept import keep

SCORES = "scores.npz"


def train_all(jobs: Sequence[Job], out: Path) -> list[Path]:
    """The folder of each job under `out`, with a checkpoint, a bundle and scores.

    A job that was broken off is begun again; a finished one of other options, too.

    Raises:
        BadInput: a folder of data is unusable.
        HostFailure: a training fails.
    """
    folders = []
    for number, job in enumerate(jobs, 1):
        folder = out / job.name
        keep(
            folder,
            SCORES,
            {**asdict(job), "recipe": options_for(job, folder).recipe()},
            partial(_run, job, folder),
            f"training {number} of {len(jobs)}: {job.what}",
        )
        folders.append(folder)
    return folders


def _run(job: Job, folder: Path) -> None:
    ask(
        "model_gen.evaluation.family.child",
        job,
        folder / SCORES,
        failed="a training failed",
        of=job.what,
    )
