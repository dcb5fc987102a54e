"""The suite itself, as a user runs it: exit codes, classes in JUnit, the same node ids on every tier."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host.compare.flip import copy_project, find_symbol, overwrite
from host.elf_record import write_record

SUITE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Ran:
    code: int
    text: str
    cases: list[ET.Element]
    verdict: dict[str, Any] | None

    @property
    def ids(self) -> list[str]:
        return [f"{case.get('classname')}::{case.get('name')}" for case in self.cases]

    def types(self, tag: str) -> dict[str, str | None]:
        return {
            str(case.get("name")): found.get("type")
            for case in self.cases
            if (found := case.find(tag)) is not None
        }


def run(model: Path, project: Path | None, board: str, out: Path, *more: str) -> Ran:
    junit, verdict = out / "junit.xml", out / "verdict.json"
    line = [sys.executable, "-m", "pytest", str(SUITE), "-q"]
    line += ["-p", "no:cacheprovider", "--board", board, "--bundle", str(model), "--vectors", "2"]
    line += ["--junitxml", str(junit), "--hil-json", str(verdict), "--soak", "4", *more]
    line += ["--hil-html", str(out / "report.html"), "--hil-out", str(out)]
    if project is not None:
        line += ["--project", str(project)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=SUITE.parent, timeout=120)
    return Ran(
        done.returncode,
        done.stdout + done.stderr,
        list(ET.parse(junit).iter("testcase")) if junit.exists() else [],
        json.loads(verdict.read_text()) if verdict.exists() else None,
    )


def test_green_on_both_tiers_with_the_same_ids(
    made: Any, bundle_path: Path, tmp_path: Path
) -> None:
    ran = {}
    for board in ("native", "virtual"):
        out = tmp_path / board
        out.mkdir()
        ran[board] = run(bundle_path, made(bundle_path, board)[1].path, board, out)
        assert ran[board].code == 0, ran[board].text
        verdict = ran[board].verdict
        assert verdict is not None
        assert verdict["exact"] is True
        assert (verdict["board"], verdict["vectors"]) == (board, 4)
        page = (out / "report.html").read_text()
        assert "data:image/png;base64," in page
    assert ran["native"].ids == ran["virtual"].ids
    assert (
        "hil_tests.test_tensors::test_tensor[vec03-layer01-DEPTHWISE_CONV_2D]" in ran["native"].ids
    )


def test_flip_fails_that_layer_and_exits_1(
    made: Any, net: Any, model_path: Path, tmp_path: Path
) -> None:
    _, project = made(model_path, "native")
    spoiled = copy_project(project, tmp_path / "spoiled")
    net.flip(spoiled.elf, 2, 30, 6)
    ran = run(model_path, spoiled.path, "native", tmp_path)
    assert ran.code == 1
    failed = ran.types("failure")
    assert set(failed.values()) == {"FIRMWARE"}
    assert "test_tensor[vec00-layer02-CONV_2D]" in failed
    assert not [name for name in failed if "layer00" in name or "layer01" in name]
    assert ran.types("error") == {}
    assert ran.verdict is not None
    assert ran.verdict["first_difference"]["layer"] == 2


def test_identity_is_a_failure_and_exits_15(
    made: Any, model_path: Path, bundle_path: Path, tmp_path: Path
) -> None:
    _, project = made(bundle_path, "native")
    ran = run(model_path, project.path, "native", tmp_path)
    assert ran.code == 15, ran.text
    assert set(ran.types("failure").values()) == {"IDENTITY"}
    assert ran.verdict is None


def test_infrastructure_is_an_error_of_its_class(
    made: Any, model_path: Path, tmp_path: Path
) -> None:
    """A program that says nothing in the firmware's place: BOARD, not a failed test."""
    _, project = made(model_path, "native")
    spoiled = copy_project(project, tmp_path / "spoiled")
    overwrite(spoiled.elf, find_symbol(spoiled.elf, "main", "STT_FUNC"), b"\x31\xc0\xc3")
    write_record(spoiled.elf)
    ran = run(model_path, spoiled.path, "native", tmp_path)
    assert ran.types("failure") == {}
    classes = set(ran.types("error").values())
    assert len(classes) == 1
    assert classes <= {"BOARD", "FLASH"}
    assert ran.code == {"BOARD": 11, "FLASH": 13}[str(classes.pop())]
    assert ran.verdict is None


def test_a_part_of_the_suite_gives_no_verdict(made: Any, model_path: Path, tmp_path: Path) -> None:
    """-k must not turn a part into a PASS of the whole."""
    _, project = made(model_path, "native")
    ran = run(model_path, project.path, "native", tmp_path, "-k", "vec00 and tensor")
    assert ran.code == 0
    assert ran.verdict is None
    assert "no verdict was written" in ran.text


def test_a_part_that_skips_everything_is_no_pass(
    made: Any, model_path: Path, tmp_path: Path
) -> None:
    _, project = made(model_path, "native")
    ran = run(model_path, project.path, "native", tmp_path, "-k", "test_features")
    assert ran.code == 5
    assert ran.verdict is None
    assert "nothing was judged" in ran.text


def test_a_difference_that_no_chosen_test_shows_fails_all_the_same(
    made: Any, net: Any, model_path: Path, tmp_path: Path
) -> None:
    _, project = made(model_path, "native")
    spoiled = copy_project(project, tmp_path / "spoiled")
    net.flip(spoiled.elf, 2, 30, 6)
    ran = run(model_path, spoiled.path, "native", tmp_path, "-k", "layer00 or layer01")
    assert ran.code == 1
    assert set(ran.types("failure").values()) == {"FIRMWARE"}
    assert ran.types("error") == {}
