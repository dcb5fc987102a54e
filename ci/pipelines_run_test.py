"""The commands of the pipelines, run in their order in a copy of the example repository.

Three things are other than at GitHub's and GitLab's: the board is `native`, also that of the bench, which a bench.toml
declares; pip is told to look and to install nothing; and apt-get only says what it would install.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from host.boards.virtual_n6.build import find
from model_gen.codegen.testing.net import make_net

HERE = Path(__file__).resolve().parent
BENCH = '[board.n6-01]\nkind = "native"\npower = { cycle = "echo cycle >> powered" }\n'
APT = """#!/bin/sh
[ -x /usr/bin/apt-get ] || exit 0
case "$1" in install) exec /usr/bin/apt-get --simulate "$@";; esac
"""
# What the expressions of a workflow stand for here.
VALUES = {
    "matrix.board": "native",
    "secrets.NIGHTJAR_HISTORY || 'history.sqlite'": "history.sqlite",
}


@dataclass(frozen=True)
class Step:
    """A command, and whether it is run behind one that failed, and may fail itself."""

    command: str
    always: bool = False
    may_fail: bool = False


@dataclass(frozen=True)
class Job:
    steps: tuple[Step, ...]
    environment: dict[str, str]


def load(path: Path) -> dict[str, Any]:
    return YAML(typ="safe").load(path)


def text_of(value: Any) -> str:
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: VALUES[found[1]], str(value))


def github(path: Path, name: str) -> Job:
    """A job's commands, without those of a board that is not this one."""
    flow = load(path)
    job = flow["jobs"][name]
    steps = tuple(
        Step(step["run"], step.get("if") == "always()", step.get("continue-on-error", False))
        for step in job["steps"]
        if "run" in step and step.get("if", "always()") == "always()"
    )
    given = {**flow["env"], **job.get("env", {})}
    return Job(steps, {key: text_of(value) for key, value in given.items()})


def of_n6_virtual(where: str) -> Job:
    """What is done only where the board is n6-virtual: packages that build QEMU, and its build."""
    path = HERE / where / "virtual.yml"
    if where == "github":
        steps = load(path)["jobs"]["virtual"]["steps"]
        lines = [one["run"] for one in steps if one.get("if") == "matrix.board == 'n6-virtual'"]
    else:
        lines = load(path)["virtual"]["before_script"]
        lines = [one for one in lines if one.startswith('if [ "$BOARD" = n6-virtual ]')]
    return Job(tuple(map(Step, lines)), {"BOARD": "n6-virtual"})


def gitlab(path: Path, name: str) -> Job:
    flow = load(path)
    job = flow[name]
    steps = [Step(line) for line in (*job.get("before_script", ()), *job["script"])]
    steps += [Step(line, always=True, may_fail=True) for line in job.get("after_script", ())]
    given = {**flow["variables"], **job.get("variables", {})}
    return Job(tuple(steps), {key: str(value) for key, value in given.items()})


READ = {"github": github, "gitlab": gitlab}


def run(
    job: Job, folder: Path, *, bench: Sequence[str] = BENCH.splitlines(), **more: str
) -> tuple[int, str]:
    """The first failing command's code and what all have said."""
    tools = folder.parent / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "apt-get").write_text(APT)
    (tools / "apt-get").chmod(0o755)
    path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {
        **os.environ,
        **job.environment,
        **{"PATH": path, "NIGHTJAR_BENCH": str(folder.parent / "bench.toml"), "VECTORS": "1"},
        **{"PIP_DRY_RUN": "1", "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1"},
        **{"KIND": "native", "CI": "true", **more},
    }
    if "BOARD" not in job.environment:  # GitLab's matrix
        environment["BOARD"] = "native"
    environment.pop("XDG_CACHE_HOME", None)
    (folder.parent / "bench.toml").write_text("\n".join(bench))
    code, said = 0, ""
    for step in job.steps:
        if code and not step.always:
            continue
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step.command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        said += f"$ {step.command}\n{done.stdout}"
        if done.returncode and not step.may_fail:
            code = code or done.returncode
    return code, said


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    shutil.copytree(HERE.parent / "examples" / "own-repository", folder)
    (folder / "models").mkdir()
    (folder / "models" / "birds.tflite").write_bytes(make_net(1).tflite())
    return folder


@pytest.mark.parametrize("where", ["github", "gitlab"])
def test_a_runner_without_a_board(where: str, repository: Path) -> None:
    job = READ[where](HERE / where / "virtual.yml", "virtual")
    code, said = run(job, repository, GITHUB_STEP_SUMMARY=str(repository / "summary.md"))
    assert code == 0, said
    for name in ("hil.xml", "hil.html", "verdict.json", "history.html", "history.sqlite"):
        assert (repository / name).stat().st_size > 0, name
    assert "| 0 OK | native |" in (repository / "summary.md").read_text()


@pytest.mark.skipif(find() is None, reason="make n6-virtual")
@pytest.mark.parametrize("where", ["github", "gitlab"])
def test_what_builds_qemu(where: str, repository: Path) -> None:
    """Where it is built, which ends its build at once; its packages are looked for, and not installed."""
    job = of_n6_virtual(where)
    assert len(job.steps) == 2
    code, said = run(job, repository)
    assert code == 0, said
    assert "n6-virtual: is built" in said


@pytest.mark.parametrize("where", ["github", "gitlab"])
def test_a_runner_with_a_board_judges_what_another_has_built(
    where: str, repository: Path, tmp_path: Path
) -> None:
    read, file = READ[where], HERE / where / "bench.yml"
    bench = tmp_path / "bench"
    shutil.copytree(repository, bench)
    code, said = run(read(file, "build"), repository)
    assert code == 0, said
    shutil.move(repository / "firmware.tar.gz", bench)
    shutil.rmtree(repository)
    code, said = run(read(file, "bench"), bench)
    assert code == 0, said
    assert (bench / "powered").read_text() == "cycle\n"
    for name in ("hil.xml", "hil.html", "verdict.json", "history.html"):
        assert (bench / name).stat().st_size > 0, name


def test_behind_a_red_step_only_what_always_runs_is_run(repository: Path) -> None:
    """The board has no power commands: nothing is judged, the lock is looked at all the same."""
    job = github(HERE / "github" / "bench.yml", "bench")
    packed = [step for step in job.steps if "tar -xzf" not in step.command]
    code, said = run(replace(job, steps=tuple(packed)), repository, bench=BENCH.splitlines()[0:2])
    assert code == 2, said
    assert "add power commands to bench.toml" in said
    assert "$ nightjar hil" not in said
    assert "$ nightjar board unlock" in said


def test_what_the_container_file_runs(tmp_path: Path) -> None:
    """Its folders lie in a scratch folder here, and packages are looked for as in a pipeline."""
    text = (HERE / "Containerfile").read_text().replace(" \\\n", " ")
    lines = [line.removeprefix("RUN ") for line in text.splitlines() if line.startswith("RUN ")]
    assert len(lines) == 3
    steps = []
    for line in lines:
        for there in ("/var/lib/apt/lists", "/opt/nightjar"):
            line = line.replace(there, f"{tmp_path}/root{there}")
        steps.append(Step(line))
    seen = {"NIGHTJAR": "nightjar", "PYTHONPATH": sysconfig.get_path("purelib")}
    folder = tmp_path / "work"
    folder.mkdir()
    code, said = run(Job(tuple(steps), seen), folder)
    assert code == 0, said
    assert (tmp_path / "root/opt/nightjar/bin/pip").exists()
    assert "already satisfied: nightjar" in said
