"""Classifying on firmware that is wrong ends as wrong firmware does; a port that differs, too."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from host.cli import run
from host.compare.flip import copy_project


def test_scores_that_differ_are_the_firmwares(
    made: Any, net: Any, bundle_path: Path, tmp_path: Path
) -> None:
    _, project = made(bundle_path, "native")
    sound = tmp_path / "a.wav"
    soundfile.write(sound, np.random.default_rng(1).normal(0, 0.2, 9000), 8000)
    line = ["classify", str(bundle_path), str(sound), "--board", "native", "--json"]
    result = tmp_path / "c.json"
    assert run([*line, str(result), "--project", str(project.path)]) == 0
    spoiled = copy_project(project, tmp_path / "spoiled")
    net.flip(spoiled.elf, 4, 30, 6)
    assert run([*line, str(result), "--project", str(spoiled.path)]) == 19
    assert json.loads(result.read_text())["files"][0]["differing"] > 0


def test_a_port_that_differs_is_wrong_firmware(tmp_path: Path) -> None:
    port = tmp_path / "port"
    assert run(["frontend", "dump", "--out", str(port), "--member", "default"]) == 0
    check = ["frontend", "check", "--port", str(port), "--member", "default"]
    assert run(check) == 0
    stage = port / "default" / "fft.bin"
    data = bytearray(stage.read_bytes())
    data[1000] ^= 1
    stage.write_bytes(data)
    assert run(check) == 19
