"""Programs of their own: what a module does with a checkpoint in a fresh process, as `python -m MODULE FOLDER`.

A model converted in the process that made it, and the same model reloaded, give different bytes; so a conversion
always runs in a fresh process, from the saved checkpoint.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import HostFailure

JOB, ARRAY, RESULT = "job.json", "features.npy", "result"


def run_apart(module: str, job: dict[str, Any], features: npt.NDArray[np.float32] | None) -> bytes:
    """What `module` writes to the file RESULT of its folder.

    Args:
        module: a program that reads JOB and, where there is one, ARRAY in the folder it is given.
        job: JSON.
        features: float32 [n, rows, frames].

    Raises:
        HostFailure: it failed, with the end of what it said.
    """
    with tempfile.TemporaryDirectory(prefix="nightjar-convert-") as name:
        folder = Path(name)
        (folder / JOB).write_text(json.dumps(job))
        if features is not None:
            np.save(folder / ARRAY, features)
        done = subprocess.run(
            [sys.executable, "-m", module, name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONHASHSEED": "0", "CUDA_VISIBLE_DEVICES": "-1"},
            check=False,
        )
        result = folder / RESULT
        if done.returncode or not result.is_file():
            raise HostFailure(
                "TensorFlow's converter failed",
                evidence=f"exit code {done.returncode}: {done.stdout[-1500:].strip()}",
                next_step="`nightjar doctor` checks the installation; free memory if it was killed",
            )
        return result.read_bytes()
