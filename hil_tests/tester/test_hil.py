"""`nightjar hil` as a CI calls it: its reports, GitHub's annotations, and its deadline."""

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from host.compare.flip import copy_project


def hil(
    folder: Path, model: Path, project: Path, *more: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "host.entry", "hil", "--board", "native", "--bundle", str(model)]
    line += ["--project", str(project), "--vectors", "1", "--soak", "2", "--out", str(folder)]
    line += ["--json", str(folder / "v.json"), "--junit", str(folder / "j.xml")]
    line += ["--junit-gitlab", str(folder / "g.xml"), *more]
    return subprocess.run(
        line,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **environment},
        cwd=Path(__file__).resolve().parents[2],
    )


def test_one_flip_in_every_report(made: Any, net: Any, model_path: Path, tmp_path: Path) -> None:
    spoiled = copy_project(made(model_path, "native")[1], tmp_path / "spoiled")
    net.flip(spoiled.elf, 2, 30, 6)
    done = hil(tmp_path, model_path, spoiled.path, GITHUB_ACTIONS="true")
    assert done.returncode == 19, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("::error ")]
    assert len(lines) == 1
    assert "file=hil_tests/test_tensors.py,line=" in lines[0]
    assert "title=FIRMWARE test_tensor[vec00-layer02-CONV_2D]::" in lines[0]
    for name in ("j.xml", "g.xml"):
        suite = ET.parse(tmp_path / name).getroot()[0]
        assert (suite.get("failures"), suite.get("errors")) == ("1", "0")
        values = {one.get("name"): one.get("value") for one in suite.iter("property")}
        assert (values["tier"], values["class"], values["exit_code"]) == (
            "native",
            "FIRMWARE",
            "19",
        )
        cases = list(suite.iter("testcase"))
        assert all(("file" in case.attrib) == (name == "g.xml") for case in cases)
        assert [found.get("type") for found in suite.iter("failure")] == ["FIRMWARE"]
    verdict = json.loads((tmp_path / "v.json").read_text())
    assert (verdict["exact"], verdict["complete"], verdict["exit_code"]) == (False, True, 19)


def test_a_part_is_not_green_in_any_report(made: Any, model_path: Path, tmp_path: Path) -> None:
    project = made(model_path, "native")[1]
    done = hil(tmp_path, model_path, project.path, "--", "-k", "identity")
    assert done.returncode == 18
    suite = ET.parse(tmp_path / "j.xml").getroot()[0]
    assert [found.get("type") for found in suite.iter("error")] == ["INCOMPLETE"]


def test_a_deadline_holds_what_pytest_does(made: Any, model_path: Path, tmp_path: Path) -> None:
    """A plugin that hangs is ended; what was found until then counts."""
    (tmp_path / "hangs.py").write_text(
        "import time\ndef pytest_runtest_logreport(report):\n"
        "    if 'soak' in report.nodeid:\n        time.sleep(600)\n"
    )
    project = made(model_path, "native")[1]
    started = time.monotonic()
    done = hil(
        tmp_path,
        *(model_path, project.path, "--deadline", "15", "--", "-p", "hangs"),
        PYTHONPATH=f"{Path(__file__).resolve().parents[2]}{os.pathsep}{tmp_path}",
    )
    assert done.returncode == 10, done.stdout + done.stderr
    assert "pytest was ended at the deadline" in done.stderr
    assert time.monotonic() - started < 60
    assert not (tmp_path / "v.json").exists()


def test_a_deadline_holds_the_compiler(model_path: Path, tmp_path: Path) -> None:
    """The whole command, not only what it asks a board."""
    (tmp_path / "bin").mkdir()
    gcc = tmp_path / "bin" / "gcc"
    gcc.write_text("#!/bin/sh\nexec sleep 600\n")
    gcc.chmod(0o755)
    line = [sys.executable, "-m", "host.entry", "verify", str(model_path), "--board", "native"]
    started = time.monotonic()
    done = subprocess.run(
        [*line, "--out", str(tmp_path / "out"), "--deadline", "3"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PATH": f"{gcc.parent}{os.pathsep}{os.environ['PATH']}"},
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.returncode == 10, done.stderr
    assert time.monotonic() - started < 30
