"""Every way to call the suite, on good, damaged and foreign firmware and over a dead link: each gives its code."""

import json
import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from host.compare.flip import copy_project
from host.compare.prepare import prepare
from host.exit_codes import Exit
from host.installed import ROOT, SUITE
from host.project import Project
from host.selftest.commands import called
from host.selftest.invocations import CODES, Invocation
from host.selftest.stock import swapped
from model_gen.codegen.testing.net import make_net

CONDITIONS = ("good", "damaged", "foreign", "dead")
_DEAD = "seed=1,rate=0.5"  # nothing that passes means anything
_DEADLINE = 120.0  # seconds; a dead link ends a call before that
_LIMIT = 600.0  # seconds, of one call


@dataclass(frozen=True)
class Cell:
    """One call on one kind of firmware or link. wrong: what is not as it must be; "" where all is."""

    invocation: str
    condition: str
    wanted: int
    got: int
    wrong: str


@dataclass(frozen=True)
class Scene:
    """A small model and its native firmware: as it was built, with a flipped weight, and of another model."""

    model: Path
    projects: dict[str, Project]

    @classmethod
    def make(cls, folder: Path) -> "Scene":
        """Write models and firmware to `folder`."""
        net, other = make_net(1), make_net(9)
        model, stranger = folder / "small.tflite", folder / "other.tflite"
        model.write_bytes(net.tflite())
        stranger.write_bytes(other.tflite())
        good = prepare(model, "native", out=folder / "good")[1]
        damaged = copy_project(good, folder / "damaged")
        net.flip(damaged.elf, 2, 30, 6)
        foreign = swapped(
            good, prepare(stranger, "native", out=folder / "other")[1], folder / "foreign"
        )
        return cls(model, {"good": good, "damaged": damaged, "foreign": foreign, "dead": good})


def run_matrix(
    invocations: Sequence[Invocation], *, workers: int, done: Callable[[Cell], None]
) -> list[Cell]:
    """Every cell, in order; `done` is told of each as it ends."""
    with TemporaryDirectory(prefix="nightjar-matrix-") as name:
        scene = Scene.make(Path(name))

        def run(pair: tuple[int, tuple[Invocation, str]]) -> Cell:
            number, (invocation, condition) = pair
            folder = Path(name) / f"cell{number}"
            folder.mkdir()
            cell = run_cell(scene, invocation, condition, folder)
            done(cell)
            return cell

        pairs = [(one, condition) for one in invocations for condition in CONDITIONS]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(run, enumerate(pairs)))


def run_cell(scene: Scene, invocation: Invocation, condition: str, folder: Path) -> Cell:
    """One call on one kind of firmware or link; what it writes lies in `folder`."""
    verdict, junit = folder / "verdict.json", folder / "junit.xml"
    # Of yesterday: a question that ends in any way must not leave it.
    verdict.write_text('{"exact": true}')
    junit.write_text(
        '<testsuites><testsuite tests="1"><testcase name="a"/></testsuite></testsuites>'
    )
    with _plugin(invocation, folder) as (arguments, environment):
        line = _line(scene, invocation, condition, folder) + arguments
        ended = called(line, folder, environment, _LIMIT)
    wanted = CODES[invocation.asked][condition]
    wrong = ""
    if ended.returncode != wanted:
        wrong = f"code {ended.returncode}; it said: {ended.stdout[-1500:]}"
    elif invocation.bundle:
        wrong = _wrong_results(wanted, verdict, None if invocation.direct else junit)
    return Cell(invocation.name, condition, int(wanted), ended.returncode, wrong)


def _line(scene: Scene, invocation: Invocation, condition: str, folder: Path) -> list[str]:
    given = ["--board", "native", "--bundle", str(scene.model), "--vectors", "1", "--soak", "2"]
    given += ["--project", str(scene.projects[condition].path)]
    if condition == "dead":
        given += ["--faults", _DEAD, "--deadline", str(_DEADLINE)]
    results = {"--json": "verdict.json", "--junit": "junit.xml", "--out": "out"}
    if invocation.direct:
        line = [sys.executable, "-m", "pytest", "-q"]
        line += [str(SUITE / module) for module in invocation.modules or ("",)]
        results = {"--hil-json": "verdict.json", "--hil-out": "out"}
        given = given if invocation.bundle else []
    else:
        line = [sys.executable, "-m", "host.entry", "hil"]
    for option, name in results.items() if invocation.bundle else ():
        given += [option, str(folder / name)]
    return line + given + ([] if invocation.direct else ["--", "-q"])


@contextmanager
def _plugin(invocation: Invocation, folder: Path) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The arguments for pytest and the environment of the call."""
    (folder / "nj_plugin.py").write_text(invocation.plugin)
    arguments = [*invocation.arguments, "-o", f"cache_dir={folder / 'cache'}"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    if "PYTEST_ADDOPTS" in invocation.environment:
        environment["PYTEST_ADDOPTS"] = "-p nj_plugin"
    elif invocation.plugin:
        arguments += ["-p", "nj_plugin"]
    yield arguments, environment


def _wrong_results(code: int, verdict: Path, junit: Path | None) -> str:
    """What the files say that the code does not."""
    exact = verdict.is_file() and json.loads(verdict.read_text())["exact"]
    if exact != (code == Exit.OK):
        return f"the verdict says exact: {exact}, the code is {code}"
    if junit is None or not junit.is_file():
        return "there is no JUnit file" if junit is not None and not code else ""
    suites = ET.parse(junit).getroot().iter("testsuite")
    bad = sum(int(s.get("failures", 0)) + int(s.get("errors", 0)) for s in suites)
    if (bad == 0) != (code == Exit.OK):
        return f"JUnit has {bad} failures and errors, the code is {code}"
    return ""
