"""Data sets for looking at, and what a look finds in them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from host.errors import BadInput
from model_gen.data.hearing import LookOptions
from model_gen.data.look import SCHEMA_FILE, Look, look

RATE = 8000
OPTIONS = LookOptions(
    data_path_train=Path(),
    sample_rate=RATE,
    chunk_duration=0.25,
    max_duration=60,
    max_chunks_per_file=3,
    val_split=0.2,
    test_split=0.2,
    seed=42,
)
Samples = npt.NDArray[Any]


def song(seed: int, seconds: float = 0.3) -> Samples:
    """Sound that no other seed gives, float [samples]."""
    return np.random.default_rng(seed).normal(0, 0.1, round(RATE * seconds)).clip(-0.5, 0.5)


def write(path: Path, samples: Samples, rate: int = RATE, **more: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **more)


def folder(root: Path, *classes: str, files: int = 6) -> Path:
    """Class folders of good recordings, all different."""
    for number, name in enumerate(classes):
        for i in range(files):
            write(root / name / f"{i}.wav", song(1000 * number + i))
    return root


def see(root: Path, **options: Any) -> Look:
    """A look, whose JSON follows its schema."""
    found = look(replace(OPTIONS, data_path_train=root, **options))
    payload = json.loads(json.dumps(found.as_json(), allow_nan=False))
    jsonschema.validate(payload, json.loads(SCHEMA_FILE.read_text()))
    return found


def hits(found: Look) -> dict[str, list[tuple[str, ...]]]:
    """Rule -> the paths of each of its findings."""
    made: dict[str, list[tuple[str, ...]]] = {}
    for finding in found.findings:
        made.setdefault(finding.rule.name, []).append(finding.hit.paths)
    return made


def refused(found: Look) -> set[str]:
    names = {finding.rule.name for finding in found.refusals}
    if names:
        with pytest.raises(BadInput) as caught:
            found.require()
        assert caught.value.evidence.startswith("Received: ")
        assert caught.value.next_step
    else:
        found.require()
    return names
