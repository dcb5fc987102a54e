"""All trainings that are asked for, one process at a time; what is there already is not made again."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from host.errors import HostFailure
from host.files import write_atomically
from model_gen.evaluation.family.jobs import Job, options_for
from model_gen.progress import line


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
        told, done = folder / "job.json", folder / "scores.npz"
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
    command = [sys.executable, "-m", "model_gen.evaluation.family.child"]
    done = subprocess.run(
        [*command, json.dumps(asdict(job)), str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = [text for text in done.stderr.splitlines() if text.strip()]
        raise HostFailure(
            "a training failed",
            evidence=f"{job.what}: " + "\n".join(said[-20:]),
            next_step="run it again: what was made before is kept",
        )
