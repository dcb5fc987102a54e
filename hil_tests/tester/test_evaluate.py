"""Evaluating on a board: its own scores are judged, and firmware that is wrong is found."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from host.bundle import load_subject
from host.cli import run
from host.compare.flip import copy_project


def test_a_board_is_evaluated_by_its_own_scores(
    made: Any, net: Any, bundle_path: Path, tmp_path: Path
) -> None:
    _, project = made(bundle_path, "native")
    contract = load_subject(bundle_path).contract
    assert contract is not None
    rng = np.random.default_rng(1)
    for folder in (*contract.labels[:2], "noise"):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for number in range(3):
            sound = rng.normal(0, 0.2, 9000)
            rate = contract.frontend.sample_rate
            soundfile.write(tmp_path / "data" / folder / f"{number}.wav", sound, rate)
    result = tmp_path / "e.json"
    line = ["evaluate", str(bundle_path), "--data", str(tmp_path / "data"), "--all"]
    line += ["--board", "native", "--draws", "20", "--json", str(result)]
    assert run([*line, "--project", str(project.path)]) == 0
    found = json.loads(result.read_text())
    assert found["differing"] == 0
    assert found["kernels"]["board"].startswith("native, build-id ")
    assert found["metrics"]["board"] == found["metrics"]["int8"]
    assert found["latency"]["board"] is None
    spoiled = copy_project(project, tmp_path / "spoiled")
    net.flip(spoiled.elf, 4, 30, 6)
    assert run([*line, "--project", str(spoiled.path)]) == 19
    assert json.loads(result.read_text())["differing"] > 0
