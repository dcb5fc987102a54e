"""For tests: conversions in a process that has TensorFlow already."""

import hashlib
import importlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from host.files import sha256_file
from host.reference.model import stdout_to_stderr
from model_gen.quantization.apart import ARRAY, JOB, RESULT


def run_here(module: str, job: dict[str, Any], features: Any) -> bytes:
    """`run_apart` without a process of its own: seconds less, and bytes that differ from its."""
    with tempfile.TemporaryDirectory(prefix="nightjar-") as name:
        folder = Path(name)
        (folder / JOB).write_text(json.dumps(job))
        if features is not None:
            np.save(folder / ARRAY, features)
        with stdout_to_stderr():
            importlib.import_module(module).main(folder)
        return (folder / RESULT).read_bytes()


class Conversions:
    """`run_here`, once of the same checkpoint, form and features: for tests that convert a model again."""

    def __init__(self) -> None:
        self.made: dict[str, bytes] = {}

    def key(self, module: str, job: dict[str, Any], features: Any) -> str:
        """Of `made`: the module, the job with the checkpoint's content for its path, and the features."""
        told = {**job, "checkpoint": sha256_file(Path(job["checkpoint"]))}
        digest = hashlib.sha256(json.dumps([module, told], sort_keys=True).encode())
        digest.update(b"" if features is None else features.tobytes())
        return digest.hexdigest()

    def __call__(self, module: str, job: dict[str, Any], features: Any) -> bytes:
        key = self.key(module, job, features)
        if key not in self.made:
            self.made[key] = run_here(module, job, features)
        return self.made[key]
