"""A gate that cannot compare refuses: each way a baseline can be of something else, before or after the run."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.bundle import Subject
from host.cli.outcome import held_against
from host.compare.session import Session
from host.errors import BadInput, RegressionFailure
from host.project import Project, ProjectDescription, Tap
from host.report.regression import Baseline
from host.report.verdict import (
    CostVerdict,
    FootprintVerdict,
    LayerVerdict,
    Proved,
    Verdict,
)
from model_gen.codegen.testing.models import builder


def two_layers() -> bytes:
    tensor = builder().Tensor
    tensors = [tensor((1, 4), 0.1, 0) for _ in range(3)]
    ops = [("RELU", [0], [1], None, 1), ("RELU", [1], [2], None, 1)]
    content: bytes = builder().model(ops, tensors)
    return content


SUBJECT = Subject(Path("model.tflite"), two_layers())
TAPS = tuple(
    Tap(i, i + 1, f"t{i + 1}", "RELU", (1, 4), "int8", 4, True, "", i, i, (i,)) for i in range(2)
)
PROJECT = Project(
    Path("project"),
    ProjectDescription(
        board="virtual",
        backend="cm55",
        model_sha256=SUBJECT.model_sha256,
        contract_sha256=SUBJECT.contract_sha256,
        rounding={},
        arena_bytes=8,
        steps=2,
        inputs=(),
        outputs=(),
        taps=TAPS,
    ),
)
SESSION = Session(PROJECT, SUBJECT, "virtual", vectors=3, seed=0)
VERDICT = Verdict(
    exact=True,
    board="virtual",
    backend="cm55",
    build_id="ab" * 20,
    model_sha256=SUBJECT.model_sha256,
    reference="tensorflow 2.21.0 BUILTIN_REF",
    vectors=3,
    first_difference=None,
    layers=tuple(
        LayerVerdict(layer.index, layer.name, layer.op, 4, True, "", 0, 0, 100 + layer.index)
        for layer in SESSION.structure.layers
    ),
    cost=CostVerdict(None, 1300),
    footprint=FootprintVerdict(5, 4, 3, 2, 1),
    proved=Proved(
        SUBJECT.contract_sha256, "e" * 64, 2, "gcc 12", "", "instructions", 3, 9, 12, {"retries": 0}
    ),
    tier="virtual",
)
Change = Callable[[dict[str, Any]], Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps(VERDICT.as_json()))
    return path


def test_like_is_compared_with_like(file: Path) -> None:
    baseline = Baseline.read(file)
    baseline.check(SESSION)
    assert baseline.compare(VERDICT) is None
    assert baseline.compare(replace(VERDICT, cost=CostVerdict(None, 1299))) is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cost": CostVerdict(None, 1301)}, "cost.model 1,300 -> 1,301 (+0.08 %)"),
        ({"footprint": FootprintVerdict(5, 4, 3, 3, 1)}, "footprint.arena 2 -> 3"),
        (
            # One layer costs more and another less: the sum hides it.
            {
                "layers": (
                    replace(VERDICT.layers[0], instructions=99),
                    replace(VERDICT.layers[1], instructions=102),
                )
            },
            "layer 1 RELU 101 -> 102",
        ),
    ],
)
def test_growth_is_a_regression(file: Path, change: dict[str, Any], says: str) -> None:
    failure = Baseline.read(file).compare(replace(VERDICT, **change))
    assert isinstance(failure, RegressionFailure)
    assert failure.exit_code == 16
    assert says in failure.evidence


def doubled(raw: dict[str, Any]) -> None:
    raw["layers"].append(raw["layers"][0])


BEFORE: dict[str, tuple[Change, str]] = {
    "model": (lambda raw: raw.update(model_sha256="0" * 64), "another model"),
    "contract": (lambda raw: raw["proved"].update(contract_sha256="0" * 64), "another contract"),
    "board": (lambda raw: raw.update(board="native"), "another board"),
    "tier": (lambda raw: raw.update(tier="native"), "another tier"),
    "backend": (lambda raw: raw.update(backend="neural_art"), "another backend"),
    "fewer vectors": (lambda raw: raw.update(vectors=2), "another number of vectors"),
    "doubled layer": (doubled, "another list of layers"),
    "a layer less": (lambda raw: raw["layers"].pop(), "another list of layers"),
    "cost null": (lambda raw: raw["cost"].update(model=None), "has no cost"),
    "layer null": (lambda raw: raw["layers"][1].update(instructions=None), "has no cost"),
    "not exact": (lambda raw: raw.update(exact=False), "is not exact"),
    "not whole": (lambda raw: raw.update(complete=False), "is not exact"),
    "cost missing": (lambda raw: raw["cost"].pop("model"), "must be a verdict"),
    "cost a word": (lambda raw: raw["cost"].update(model="1300"), "must be a verdict"),
    "cost true": (lambda raw: raw["cost"].update(model=True), "must be a verdict"),
    "cost Infinity": (lambda raw: raw["cost"].update(model=float("inf")), "must be a verdict"),
    "footprint NaN": (lambda raw: raw["footprint"].update(ram=float("nan")), "must be a verdict"),
    "cost below 0": (lambda raw: raw["cost"].update(model=-1), "must be a verdict"),
    "schema": (lambda raw: raw.update(schema="nightjar/bench/1"), "must be a verdict"),
}


@pytest.mark.parametrize("name", BEFORE)
def test_what_cannot_be_compared_is_refused_before_anything_runs(file: Path, name: str) -> None:
    change, says = BEFORE[name]
    raw = json.loads(file.read_text())
    change(raw)
    file.write_text(json.dumps(raw))
    with pytest.raises(BadInput, match=says) as refused:
        Baseline.read(file).check(SESSION)
    assert refused.value.exit_code == 2
    assert str(file) in refused.value.evidence


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, '{"schema": 1}'])
def test_what_is_no_verdict_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(BadInput, match="must be a verdict"):
        Baseline.read(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="baseline must be a file that can be read"):
        Baseline.read(tmp_path / "absent.json")


@pytest.mark.parametrize("where", ["sparse", "endless"])
def test_a_file_of_any_size_is_refused_unread(where: str, tmp_path: Path) -> None:
    path = Path("/dev/zero")
    if where == "sparse":
        path = tmp_path / "sparse.json"
        path.touch()
        os.truncate(path, 1 << 40)
    with pytest.raises(BadInput, match="baseline must"):
        Baseline.read(path)


@pytest.mark.parametrize("name", ["compiler", "rounding", "cost_unit"])
def test_what_only_the_board_tells_is_refused_after_the_run(file: Path, name: str) -> None:
    change: dict[str, Any] = {name: "other"}
    other = replace(VERDICT, proved=replace(VERDICT.proved, **change))
    failure = Baseline.read(file).compare(other)
    assert isinstance(failure, BadInput)
    assert failure.exit_code == 2


def test_members_of_a_later_version_are_ignored(file: Path) -> None:
    file.write_text(json.dumps({**VERDICT.as_json(), "weather": "fine"}))
    Baseline.read(file).check(SESSION)


def test_a_verdict_of_an_earlier_version_can_be_a_baseline(file: Path) -> None:
    raw = VERDICT.as_json()
    for name in ("complete", "exit_code", "tier", "not_applicable", "attempts"):
        del raw[name]
    file.write_text(json.dumps(raw))
    baseline = Baseline.read(file)
    baseline.check(SESSION)
    assert baseline.compare(VERDICT) is None


def test_cycles_are_void_under_another_clock_caches_or_placement(tmp_path: Path) -> None:
    """Neither passed nor failed; instructions do not depend on them."""
    proved = replace(
        VERDICT.proved,
        cost_unit="cycles",
        clocks=(600_000_000, 400_000_000),
        caches=3,
        placement={".text": "AXISRAM1", ".bss": "AXISRAM2"},
    )
    before = replace(VERDICT, proved=proved)
    path = tmp_path / "cycles.json"
    path.write_text(json.dumps(before.as_json()))
    baseline = Baseline.read(path)
    assert baseline.compare(before) is None
    for name, change in (
        ("clock", {"clocks": (800_000_000, 400_000_000)}),
        ("setting of the caches", {"caches": 0}),
        ("placement in memory", {"placement": {".text": "AXISRAM1", ".bss": "NOR"}}),
        ("compiler", {"compiler": "gcc 13"}),
    ):
        failure = baseline.compare(replace(before, proved=replace(proved, **change)))
        assert isinstance(failure, BadInput)
        assert f"is of another {name}" in failure.what
        verdict, _ = held_against(replace(before, proved=replace(proved, **change)), baseline, None)
        assert (verdict.exact, verdict.exit_code) == (True, 2)
        assert f"is of another {name}" in verdict.as_json()["gate"]
    all_at_once = replace(proved, clocks=(800_000_000,), caches=0, placement={}, compiler="clang")
    failure = baseline.compare(replace(before, proved=all_at_once))
    assert failure is not None
    for name in ("clock", "setting of the caches", "placement in memory", "compiler"):
        assert f"another {name}" in failure.what
        assert f"{name}: " in failure.evidence
    counted = replace(proved, cost_unit="instructions")
    path.write_text(json.dumps(replace(before, proved=counted).as_json()))
    other = replace(counted, clocks=(), caches=0, placement={})
    assert Baseline.read(path).compare(replace(before, proved=other)) is None
