"""Each firmware is judged by the reference whose rounding rules it has, and by no other."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from host.compare.prepare import prepare
from host.compare.prove import prove
from host.compare.session import Session
from host.errors import BadInput, HostFailure
from model_gen.codegen.testing.single_ops import SINGLE_OPS

JUDGES = {"tflite": "BUILTIN_REF", "tflm": "tflite-micro "}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A RELU6 that rescales: tflite-micro's does not."""
    pytest.importorskip("tflite_micro")
    path = tmp_path / "relu6.tflite"
    path.write_bytes(SINGLE_OPS["relu6"]())
    return path


@pytest.mark.parametrize("rounding", JUDGES)
def test_the_judge_is_the_one_of_the_rules(
    rounding: str, model: Path, tmp_path: Path, boards: Path
) -> None:
    subject, project = prepare(model, "native", rounding=rounding, out=tmp_path / "out")
    verdict = prove(Session(project, subject, "native", 2, 0, root=boards))
    assert verdict.exact
    assert JUDGES[rounding] in verdict.reference
    # The same firmware before the other judge.
    other = replace(
        project,
        description=replace(
            project.description, rules=next(rules for rules in JUDGES if rules != rounding)
        ),
    )
    verdict = prove(Session(other, subject, "native", 2, 0, root=boards))
    assert not verdict.exact
    assert JUDGES[other.description.rules] in verdict.reference


def test_a_project_of_other_rules_is_refused(model: Path, tmp_path: Path) -> None:
    _, project = prepare(model, "native", rounding="tflm", out=tmp_path / "out")
    with pytest.raises(BadInput, match="other rounding rules") as refused:
        prepare(model, "native", rounding="tflite", project=project.path)
    assert refused.value.next_step == "use --rounding tflm"
    assert prepare(model, "native", rounding=None, project=project.path)[1] == project


def test_nothing_is_built_without_the_judge(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    with pytest.raises(HostFailure, match="tflite-micro"):
        prepare(model, "native", rounding="tflm", out=tmp_path / "out")
    assert not (tmp_path / "out" / "firmware" / "build").exists()


def test_a_bundle_of_other_rules_keeps_its_recorded_spectrograms(
    bundle_path: Path, tmp_path: Path, boards: Path
) -> None:
    """Its recorded scores are TFLite's, and hold under no other rules."""
    pytest.importorskip("tflite_micro")
    subject, project = prepare(bundle_path, "native", rounding="tflm", out=tmp_path / "out")
    verdict = prove(Session(project, subject, "native", 0, 0, root=boards))
    assert verdict.exact
    assert verdict.vectors == 2
    assert JUDGES["tflm"] in verdict.reference


def test_unknown_rules_have_no_judge(model: Path, tmp_path: Path, boards: Path) -> None:
    subject, project = prepare(model, "native", out=tmp_path / "out")
    strange = replace(project, description=replace(project.description, rules="up"))
    with pytest.raises(BadInput, match="nobody judges"):
        prove(Session(strange, subject, "native", 1, 0, root=boards))
