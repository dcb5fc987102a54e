"""All trainings that are asked for, one process at a time; what is there already is not made again."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from host.files import write_atomically
from model_gen.evaluation.child import ask
from model_gen.evaluation.family.jobs import Job, options_for
from model_gen.progress import line

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
        what = f"training {number} of {len(jobs)}: {job.what}"
        folder = out / job.name
        asked = json.dumps({**asdict(job), "recipe": options_for(job, folder).recipe()}, indent=1)
        told, done = folder / "job.json", folder / SCORES
        folders.append(folder)
        if done.is_file() and told.is_file() and told.read_text() == asked:
            line(f"{what}: made before")
            continue
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        began = time.monotonic()
        _run(job, folder)
        write_atomically(told, asked.encode())
        line(f"{what}: {time.monotonic() - began:.0f} s; {folder}")
    return folders


def _run(job: Job, folder: Path) -> None:
    ask(
        "model_gen.evaluation.family.child",
        job,
        folder / SCORES,
        failed="a training failed",
        of=job.what,
    )
