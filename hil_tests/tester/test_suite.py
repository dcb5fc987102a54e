"""The suite itself, as a user runs it: exit codes, classes in JUnit, the same node ids on every tier."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from host.compare.flip import copy_project, find_symbol, overwrite
from host.elf_record import write_record
from host.selftest.stock import swapped
from model_gen.codegen.testing.models import builder

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

    @property
    def not_applicable(self) -> list[dict[str, str]]:
        assert self.verdict is not None
        listed: list[dict[str, str]] = self.verdict["not_applicable"]
        return listed

    def messages(self, tag: str) -> dict[str, str]:
        return {
            str(case.get("name")): str(found.get("message"))
            for case in self.cases
            if (found := case.find(tag)) is not None
        }

    def types(self, tag: str) -> dict[str, str | None]:
        return {
            str(case.get("name")): found.get("type")
            for case in self.cases
            if (found := case.find(tag)) is not None
        }


def run(model: Path, project: Path | None, board: str, out: Path, *more: str) -> Ran:
    junit, verdict = out / "junit.xml", out / "verdict.json"
    line = [sys.executable, "-m", "pytest", str(SUITE)]
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
        assert (verdict["exact"], verdict["complete"], verdict["exit_code"]) == (True, True, 0)
        assert (verdict["board"], verdict["tier"], verdict["vectors"]) == (board, board, 4)
        page = (out / "report.html").read_text()
        assert "data:image/png;base64," in page
        assert ran[board].types("skipped") == {}
    # What does not apply is no test, and is listed with its reason.
    counted = [name for name in ran["virtual"].ids if "test_cost" not in name]
    assert ran["native"].ids == counted != ran["virtual"].ids
    absent = {board: [one["what"] for one in ran[board].not_applicable] for board in ran}
    assert absent == {"native": ["cost", "stream"], "virtual": ["stream"]}
    assert (
        "hil_tests.test_tensors::test_tensor[vec03-layer01-DEPTHWISE_CONV_2D]" in ran["native"].ids
    )


def test_a_folded_tensor_makes_nothing_incomplete(made: Any, folder: Path, tmp_path: Path) -> None:
    """A tensor that does not exist in the firmware is no test, and is listed with its reason."""
    model = folder / "folded.tflite"
    model.write_bytes(folded_model())
    ran = run(model, made(model, "native")[1].path, "native", tmp_path)
    assert ran.code == 0, ran.text
    folded = [one for one in ran.not_applicable if one["what"].startswith("layer")]
    assert [one["what"] for one in folded] == ["layer00-PAD"]
    assert "folded" in folded[0]["reason"]
    assert not [name for name in ran.ids if "layer00" in name]


def folded_model() -> bytes:
    """A PAD that the convolution behind it does by itself."""
    tensor = builder().Tensor
    pads = np.array([[0, 0], [1, 1], [1, 1], [0, 0]])
    weights = np.random.default_rng(3).integers(-9, 10, (4, 3, 3, 2)).astype(np.int8)
    tensors = [
        tensor((1, 6, 5, 2), 0.1, 3),
        tensor((4, 2), None, 0, pads, "int32"),
        tensor((1, 8, 7, 2), 0.1, 3),
        tensor((4, 3, 3, 2), 0.02, 0, weights),
        tensor((4,), 0.002, 0, np.arange(4), "int32"),
        tensor((1, 6, 5, 4), 0.1, 0),
    ]
    window = {"padding": 1, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    ops = [
        ("PAD", [0, 1], [2], {"PadOptions": {}}, 2),
        ("CONV_2D", [2, 3, 4], [5], {"Conv2DOptions": window}, 3),
    ]
    content: bytes = builder().model(ops, tensors)
    return content


def test_one_flip_is_one_failure(made: Any, net: Any, model_path: Path, tmp_path: Path) -> None:
    _, project = made(model_path, "native")
    spoiled = copy_project(project, tmp_path / "spoiled")
    net.flip(spoiled.elf, 2, 30, 6)
    ran = run(model_path, spoiled.path, "native", tmp_path)
    assert ran.code == 19, ran.text
    assert ran.types("failure") == {"test_tensor[vec00-layer02-CONV_2D]": "FIRMWARE"}
    assert ran.types("error") == {}
    skipped = ran.messages("skipped")
    assert "test_tensor[vec00-layer04-FULLY_CONNECTED]" in skipped
    assert "test_tensor[vec01-layer02-CONV_2D]" in skipped
    assert "test_soak" in skipped
    assert all("follows from the failure of `tensor vec00 layer2`" in s for s in skipped.values())
    assert not [name for name in skipped if "layer00" in name or "layer01" in name]
    assert ran.verdict is not None
    assert (ran.verdict["exact"], ran.verdict["complete"]) == (False, True)
    assert ran.verdict["exit_code"] == 19
    assert ran.verdict["first_difference"]["layer"] == 2


def test_another_project_is_refused_before_anything_runs(
    made: Any, model_path: Path, bundle_path: Path, tmp_path: Path
) -> None:
    _, project = made(bundle_path, "native")
    ran = run(model_path, project.path, "native", tmp_path)
    assert ran.code == 15, ran.text
    assert "made from another model and contract" in ran.text
    assert ran.verdict is None


def test_identity_is_one_failure(
    made: Any, model_path: Path, bundle_path: Path, tmp_path: Path
) -> None:
    """Of firmware that answers, and is not the one that was asked for."""
    projects = (made(path, "native")[1] for path in (model_path, bundle_path))
    foreign = swapped(*projects, tmp_path / "foreign")
    ran = run(model_path, foreign.path, "native", tmp_path)
    assert ran.code == 15, ran.text
    assert ran.types("failure") == {"test_identity": "IDENTITY"}
    assert ran.types("error") == {}
    assert ran.verdict is None


def test_infrastructure_is_one_error_of_its_class(
    made: Any, model_path: Path, tmp_path: Path
) -> None:
    """A program that says nothing in the firmware's place: BOARD, not a failed test."""
    _, project = made(model_path, "native")
    spoiled = copy_project(project, tmp_path / "spoiled")
    overwrite(spoiled.elf, find_symbol(spoiled.elf, "main", "STT_FUNC"), b"\x31\xc0\xc3")
    write_record(spoiled.elf)
    ran = run(model_path, spoiled.path, "native", tmp_path)
    assert ran.types("failure") == {}
    assert ran.types("error") in ({"test_identity": "BOARD"}, {"test_identity": "FLASH"})
    assert ran.code in (11, 13)
    assert ran.verdict is None


def test_a_part_is_no_proof_of_the_whole(made: Any, model_path: Path, tmp_path: Path) -> None:
    _, project = made(model_path, "native")
    ran = run(model_path, project.path, "native", tmp_path, "-k", "vec00 and tensor")
    assert ran.code == 18, ran.text
    assert "were not judged" in ran.text
    assert ran.verdict is not None
    assert (ran.verdict["exact"], ran.verdict["complete"]) == (False, False)
    assert (ran.verdict["exit_code"], ran.verdict["vectors"]) == (18, 1)
    assert ran.verdict["first_difference"] is None
    assert ran.verdict["coverage"] is None


def test_a_part_that_judges_nothing_is_no_proof(
    made: Any, model_path: Path, tmp_path: Path
) -> None:
    _, project = made(model_path, "native")
    ran = run(model_path, project.path, "native", tmp_path, "-k", "test_features")
    assert ran.code == 18
    assert ran.verdict is None


def test_a_difference_that_no_chosen_test_shows_fails_all_the_same(
    made: Any, net: Any, model_path: Path, tmp_path: Path
) -> None:
    _, project = made(model_path, "native")
    spoiled = copy_project(project, tmp_path / "spoiled")
    net.flip(spoiled.elf, 2, 30, 6)
    ran = run(model_path, spoiled.path, "native", tmp_path, "-k", "layer00 or layer01")
    assert ran.code == 19
    assert "layer 2 CONV_2D" in ran.text


def test_a_difference_needs_no_terminal(
    made: Any, net: Any, model_path: Path, tmp_path: Path
) -> None:
    spoiled = copy_project(made(model_path, "native")[1], tmp_path / "spoiled")
    net.flip(spoiled.elf, 2, 30, 6)
    ran = run(model_path, spoiled.path, "native", tmp_path, "-p", "no:terminal")
    assert ran.code == 19, ran.text
    assert "exit code 19 FIRMWARE" in ran.text


def test_without_a_bundle_nothing_is_judged_and_nothing_is_green() -> None:
    given = [[f"{SUITE}/{path}"] for path in ("", "test_cost.py", "test_cost.py::test_layer")]
    given += [["--pyargs", name] for name in ("hil_tests", "hil_tests.test_cost")]
    for words in given:
        line = [sys.executable, "-m", "pytest", "-q", *words]
        done = subprocess.run(line, capture_output=True, text=True, cwd=SUITE.parent, timeout=120)
        assert done.returncode == 2, done.stdout
        assert "give --bundle" in done.stdout + done.stderr


def test_a_pytest_that_judges_nothing_imports_next_to_nothing() -> None:
    """Every pytest of an environment with Nightjar loads the plugin and its fixtures."""
    code = "import sys, hil_tests.plugin, hil_tests.fixtures; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "pytest" in loaded
    assert not loaded & {
        "numpy",
        "click",
        "host.compare",
        "host.boards",
        "host.link",
        "host.report",
    }


def test_the_projects_own_run_collects_no_judging_module() -> None:
    """Paths of the configuration, not named by anybody; the project's others have none to collect."""
    line = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-k", "test_identity"]
    line += ["-o", "testpaths=hil_tests"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=SUITE.parent, timeout=300)
    assert "hil_tests/tester/" in done.stdout
    assert "hil_tests/test_" not in done.stdout
