"""What is in quarantine is not judged and never reads as a PASS; what is not in it fails as ever."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hil_tests.tester.recorded import Done, nightjar, same
from host.compare import answers
from host.compare.answers import Answer
from host.compare.bench import Bench
from host.compare.flip import copy_project
from host.compare.quarantine import Entry, Quarantine
from host.compare.questions import Kind, Question
from host.compare.session import Session
from host.errors import FirmwareFailure
from host.project import Project
from host.soak import sitting

BEHIND = [f"test_tensor[*-layer0{layer}-*]" for layer in range(2, 10)]
WRONG = [*BEHIND, "test_scores*", "test_untapped*", "test_soak"]


@pytest.fixture
def flipped(made: Any, net: Any, model_path: Path, tmp_path: Path) -> Project:
    """Layer 2 is wrong, and what follows from it."""
    project = copy_project(made(model_path, "native")[1], tmp_path / "flipped")
    net.flip(project.elf, 2, 30, 6)
    return project


def entry(folder: Path, *tests: str, expires: str = "9999-12-31") -> Path:
    file = folder / "quarantine.toml"
    file.write_text(
        f'[under-repair]\ntests = {json.dumps(tests)}\nissue = "https://example.org/issues/7"\n'
        f'expires = {expires}\nreason = "the weights are read wrong"\n'
    )
    return file


def verify(model: Path, project: Project, file: Path, cwd: Path, *more: object) -> Done:
    words = ["--board", "native", "--project", project.path, "--vectors", 2, "--quarantine", file]
    return nightjar("verify", model, *words, *more, cwd=cwd)


ALLOW = ("--allow-quarantined", "under-repair")


def test_right_firmware_is_incomplete_and_never_exact(
    made: Any, model_path: Path, tmp_path: Path
) -> None:
    project, file = made(model_path, "native")[1], entry(tmp_path, "*layer02*")
    barred = verify(model_path, project, file, tmp_path)
    assert barred.code == 18
    done = verify(model_path, project, file, tmp_path, *ALLOW, "--record", tmp_path / "s.njs")
    assert done.code == 0
    for one in (barred, done):
        assert not one.verdict["exact"]
        assert not one.verdict["complete"]
        assert "IN QUARANTINE: under-repair" in one.text
        assert "EXACT" not in one.text
    assert done.verdict["quarantined"][0]["tests"] == 2
    same(done, tmp_path / "s.njs", tmp_path / "elsewhere")
    void = verify(model_path, project, file, tmp_path, *ALLOW, "--gate", "cost.model <= 5")
    assert void.code == 18  # native counts nothing: gates are judged, and stay strict
    beyond = verify(model_path, project, file, tmp_path, *ALLOW, "--gate", "footprint.ram <= 5")
    assert beyond.code == 16
    nothing = verify(model_path, project, entry(tmp_path, "*"), tmp_path, *ALLOW)
    assert nothing.code == 18  # allowed, and yet nothing was judged


def test_a_wrong_byte_is_a_failure_unless_its_tests_are_named(
    flipped: Project, model_path: Path, tmp_path: Path
) -> None:
    done = verify(model_path, flipped, entry(tmp_path, "*layer02*"), tmp_path, *ALLOW)
    assert done.code == 19
    assert done.verdict["first_difference"]["layer"] == 3  # what follows is judged
    done = verify(model_path, flipped, entry(tmp_path, *WRONG), tmp_path)
    assert done.code == 18
    done = verify(model_path, flipped, entry(tmp_path, *WRONG), tmp_path, *ALLOW)
    assert done.code == 0
    assert done.verdict["first_difference"] is None
    assert not done.verdict["exact"]
    assert done.verdict["quarantined"][0]["differing"] > 0
    assert done.verdict["layers"][2]["differing"] > 0
    assert "SEEN TO DIFFER" in done.text


def test_expired_or_matching_nothing_is_said(made: Any, model_path: Path, tmp_path: Path) -> None:
    project = made(model_path, "native")[1]
    old = verify(model_path, project, entry(tmp_path, "*", expires="2020-01-01"), tmp_path, *ALLOW)
    assert old.code == 2
    assert "the quarantine of under-repair has expired" in old.error["what"]
    assert not old.verdict
    stale = verify(model_path, project, entry(tmp_path, "test_tensor[vec99*"), tmp_path)
    assert (stale.code, stale.verdict["exact"]) == (0, True)
    assert "quarantine under-repair matches no test" in stale.text


def test_the_suite_skips_them_and_verifies_them(
    flipped: Project, model_path: Path, tmp_path: Path
) -> None:
    file = entry(tmp_path, *WRONG)
    words: list[object] = ["--bundle", model_path, "--project", flipped.path, "--board", "native"]
    words += ["--vectors", 2, "--soak", 4, "--quarantine", file]
    junit, session = tmp_path / "junit.xml", tmp_path / "s.njs"
    more = ("--junit", junit, "--record", session)
    done = nightjar("hil", *words, *ALLOW, *more, "--", "-n", 0, cwd=tmp_path)
    assert done.code == 0, done.text
    assert "EXACT" not in done.text
    skipped = {
        str(case.get("name")): str(found.get("message"))
        for case in ET.parse(junit).iter("testcase")
        if (found := case.find("skipped")) is not None
    }
    assert {"test_scores[vec00]", "test_soak"} <= {*skipped}
    assert all(text.startswith("in quarantine: under-repair") for text in skipped.values())
    again = tmp_path / "again.xml"
    same(done, session, tmp_path / "elsewhere", "--junit", again)
    assert cases(again) == cases(junit)

    lifted = nightjar("hil", *words, "--quarantine-verify", cwd=tmp_path)
    assert lifted.code == 19, lifted.text
    said = lifted.verdict["quarantined"][0]
    assert 0 <= said["passing"] < said["tests"] == len(skipped)
    assert f"{said['passing']} of {said['tests']} tests pass now, it stays" in lifted.text


def cases(file: Path) -> list[tuple[str | None, list[str]]]:
    return [
        (case.get("name"), [f"{one.tag} {one.get('message')}" for one in case])
        for case in ET.parse(file).iter("testcase")
    ]


def test_a_failure_that_is_no_tensors_difference_leaves_no_verdict(
    made: Any, model_path: Path, boards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All tensors are exact, and the soak is not: nothing may say so, with quarantine and without."""

    def ask(bench: Bench, question: Question, *, soak: int) -> Answer:
        wrong = FirmwareFailure("3 of 4 inferences gave other scores than the reference")
        answer = answers.ask(bench, question, soak=soak)
        return replace(answer, failure=wrong) if question.kind is Kind.SOAK else answer

    monkeypatch.setattr(sitting, "ask", ask)
    subject, project = made(model_path, "native")
    session = Session(project, subject, "native", vectors=1, seed=0, root=boards)
    held = Entry("noise", ("*layer02*",), "https://example.org/7", "9999-12-31", "noise")
    for quarantine in (Quarantine(), Quarantine((held,), ("noise",))):
        _, found = sitting.sit(replace(session, quarantine=quarantine), 1, 4)
        assert (found.code, found.verdict) == (19, None)
        assert "3 of 4 inferences" in str(found.error)
