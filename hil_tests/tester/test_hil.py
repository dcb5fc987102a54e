"""`nightjar hil` as a CI calls it: its reports, GitHub's annotations, and its deadline."""

import json
import os
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from host.compare.flip import copy_project

ROOT = Path(__file__).resolve().parents[2]
HERE = {**os.environ, "PYTHONPATH": str(ROOT)}
VERIFY = (sys.executable, "-m", "host.entry", "verify", "--board", "native")
# Plugins of pytest that attack the proof when everything is judged. What they leave is no verdict.
ATTACKS = {
    "forged": """
        import hashlib
        lines = [json.loads(line) for line in proof.read_bytes().splitlines()][:-1]
        for line in lines:
            if "question" in line:
                line |= {"failure": None, "got": line["want"], "follows": ""}
            if "observed" in line:
                line["observed"]["findings"] = []
        body = b"".join(json.dumps(line).encode() + b"\\n" for line in lines)
        end = {"end": hashlib.sha256(body).hexdigest()}
        proof.write_bytes(body + json.dumps(end).encode() + b"\\n")
    """,
    "too deep": """
        proof.write_bytes(b"[" * 200_000 + b"\\n{}\\n")
    """,
    "a FIFO": """
        proof.unlink()
        os.mkfifo(proof)
    """,
    "a folder": """
        proof.unlink()
        proof.mkdir()
    """,
    "stopped": """
        os.kill(os.getpid(), signal.SIGSTOP)
    """,
}
PLUGIN = """
import json, os, signal
from pathlib import Path
import pytest
@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_unconfigure(config):
    result = yield
    if config.option.hil_proof:
        proof = Path(config.option.hil_proof)
{attack}
    return result
"""


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
        cwd=ROOT,
    )


def verify(model: Path, project: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    line = [*VERIFY, str(model), "--project", str(project), "--vectors", "1", *more]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, env=HERE, check=False)


def test_one_flip_in_every_report(made: Any, net: Any, model_path: Path, tmp_path: Path) -> None:
    spoiled = copy_project(made(model_path, "native")[1], tmp_path / "spoiled")
    net.flip(spoiled.elf, 2, 30, 6)
    summary, quality = tmp_path / "summary.md", tmp_path / "quality.json"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    done = hil(tmp_path, model_path, spoiled.path, "--code-quality", str(quality), **github)
    assert done.returncode == 19, done.stderr
    assert "| 19 FIRMWARE | native | 1 |" in summary.read_text()
    assert [one["check_name"] for one in json.loads(quality.read_text())] == ["FIRMWARE"]
    lines = [line for line in done.stdout.splitlines() if line.startswith("::error ")]
    assert len(lines) == 1
    assert "file=hil_tests/test_tensors.py,line=" in lines[0]
    assert "title=FIRMWARE test_tensor[vec00-layer02-CONV_2D]::" in lines[0]
    for name in ("j.xml", "g.xml"):
        suite = ET.parse(tmp_path / name).getroot()[0]
        assert (suite.get("failures"), suite.get("errors")) == ("1", "0")
        values = {one.get("name"): one.get("value") for one in suite.iter("property")}
        said = [values[name] for name in ("tier", "board", "class", "exit_code")]
        assert said == ["native", "native", "FIRMWARE", "19"]
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
        PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}",
    )
    assert done.returncode == 10, done.stdout + done.stderr
    assert "pytest was ended at the deadline" in done.stderr
    assert time.monotonic() - started < 300
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
        cwd=ROOT,
    )
    assert done.returncode == 10, done.stderr
    assert time.monotonic() - started < 300


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_plugin_that_attacks_the_proof_makes_no_verdict(
    made: Any, net: Any, model_path: Path, tmp_path: Path, attack: str
) -> None:
    spoiled = copy_project(made(model_path, "native")[1], tmp_path / "spoiled")
    net.flip(spoiled.elf, 2, 30, 6)
    (tmp_path / "attacks.py").write_text(PLUGIN.format(attack=ATTACKS[attack]))
    started = time.monotonic()
    done = hil(
        tmp_path,
        *(model_path, spoiled.path, "--deadline", "20", "--", "-p", "attacks"),
        PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}",
    )
    # What was judged before pytest was stopped stands in the proof.
    assert done.returncode == (19 if attack == "stopped" else 10), done.stdout + done.stderr
    assert time.monotonic() - started < 300
    assert not (tmp_path / "v.json").exists() or attack == "stopped"


@pytest.mark.parametrize("result", ["--json", "--html", "--junit"])
@pytest.mark.parametrize("spoil", [True, False])
def test_a_full_disk_hides_no_difference(
    made: Any, net: Any, model_path: Path, tmp_path: Path, result: str, spoil: bool
) -> None:
    project = copy_project(made(model_path, "native")[1], tmp_path / "project")
    if spoil:
        net.flip(project.elf, 2, 30, 6)
    more = (result, "/dev/full")
    done = (
        hil(tmp_path, model_path, project.path, *more)
        if result == "--junit"
        else verify(model_path, project.path, *more)
    )
    assert done.returncode == (19 if spoil else 10), done.stdout + done.stderr
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_stream_changes_no_code(
    made: Any, net: Any, model_path: Path, tmp_path: Path, closed: int
) -> None:
    project = copy_project(made(model_path, "native")[1], tmp_path / "project")
    for code in (0, 19):
        line = shlex.join([*VERIFY, str(model_path), "--project", str(project.path)])
        shell = ["sh", "-c", f"exec {line} --vectors 1 --json v.json {closed}>&-"]
        done = subprocess.run(shell, cwd=tmp_path, timeout=300, env=HERE, check=False)
        assert done.returncode == code
        assert json.loads((tmp_path / "v.json").read_text())["exit_code"] == code
        net.flip(project.elf, 2, 30, 6)


@pytest.mark.parametrize("option", ["--soak=1", "--hil-nonce=x", "--board=virtual"])
def test_own_options_are_not_given_behind_the_commands_back(
    made: Any, model_path: Path, tmp_path: Path, option: str
) -> None:
    done = hil(tmp_path, model_path, made(model_path, "native")[1].path, "--", option)
    assert done.returncode == 2
    assert "stand before `--`" in done.stderr
