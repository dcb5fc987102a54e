"""Gates say what is beyond its limit, and what could not be judged; nothing is green in silence."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.errors import BadInput, Incomplete, RegressionFailure
from host.report.gates import Against, failure_of, judged, parse_gate
from host.report.gates_file import read_gates
from host.report.testing_verdicts import EXACT

RAW: dict[str, Any] = json.loads(json.dumps(EXACT.as_json()))


def changed(**members: Any) -> dict[str, Any]:
    """The verdict with other members; those of `proved` and `cost` are replaced one by one."""
    raw = json.loads(json.dumps(RAW))
    for name, value in members.items():
        raw[name] = {**raw[name], **value} if isinstance(value, dict) else value
    return raw  # type: ignore[no-any-return]


def states(gate: str, raw: dict[str, Any] = RAW, against: Against | None = None) -> list[str]:
    found = judged([parse_gate(gate)], raw, against or Against(RAW))
    return [one.state for one in found]


@pytest.mark.parametrize(
    ("gate", "state"),
    [
        ("cost.model <= 4_572_110", "passed"),
        ("cost.model <= 4572109", "failed"),
        ("footprint.flash<=157715", "passed"),
        ("coverage.code >= 94", "passed"),
        ("coverage.code >= 94.2 %", "failed"),
        ("coverage.constants >= 100", "passed"),
        ("layer 3 <= 23757", "passed"),
        ("layer 3 <= 23756", "failed"),
        ("layer 99 <= 1", "void"),
    ],
)
def test_absolute_limits(gate: str, state: str) -> None:
    layers = [
        {**one, "instructions": 23_757} if one["index"] == 3 else one for one in RAW["layers"]
    ]
    assert states(gate, changed(layers=layers)) == [state]


def test_growth_is_to_the_unit() -> None:
    before = changed(cost={"model": 1_000}, footprint={"flash": 1_000})
    for now, state in ((1_010, "passed"), (1_011, "failed"), (900, "passed")):
        raw = changed(cost={"model": now}, footprint={"flash": now})
        assert states("cost.model <= +1%", raw, Against(before)) == [state]
        assert states("footprint.flash <= +1%", raw, Against(before)) == [state]


def test_coverage_falls_in_points() -> None:
    before = changed(coverage={"code": {"bytes": 1000, "reached": 950}})
    for reached, state in ((940, "passed"), (939, "failed")):
        raw = changed(coverage={"code": {"bytes": 1000, "reached": reached}})
        assert states("coverage.code >= -1%", raw, Against(before)) == [state]


def test_a_group_is_each_of_it() -> None:
    assert len(states("layers <= +0%")) == len(EXACT.layers)
    assert states("footprint <= +0%") == ["passed"] * 5
    assert states("cost <= +0%") == ["passed"] * 2
    assert states("cost <= +0%", changed(cost={"frontend": None})) == ["passed"]
    assert states("coverage >= 1") == ["passed"] * 2


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"board": "stm32n6570-dk"}, "board"),
        ({"tier": "n6-virtual"}, "tier"),
        ({"proved": {"compiler": "gcc 13"}}, "compiler"),
        ({"proved": {"cost_unit": "cycles"}}, "cost unit"),
        ({"proved": {"rounding": "x"}}, "rounding"),
    ],
)
def test_another_baseline_is_void_and_said(members: dict[str, Any], word: str) -> None:
    found = judged([parse_gate("cost.model <= +5%")], RAW, Against(changed(**members)))
    assert [one.state for one in found] == ["void"]
    failure = failure_of(found)
    assert isinstance(failure, Incomplete)
    assert f"another {word}" in failure.evidence


@pytest.mark.parametrize("name", ["clocks", "caches", "placement"])
def test_cycles_are_void_under_another_clock_cache_or_placement(name: str) -> None:
    value = {"clocks": [400_000_000], "caches": 3, "placement": {".text": "flash"}}[name]
    now = changed(proved={"cost_unit": "cycles"})
    before = changed(proved={"cost_unit": "cycles", name: value})
    assert states("cost.model <= +5%", now, Against(before)) == ["void"]
    assert states("cost.model <= +5%", before, Against(before)) == ["passed"]
    assert states("footprint <= +5%", now, Against(before)) == ["passed"] * 5


def test_what_is_not_there_is_void() -> None:
    bare = changed(coverage=None, cost={"model": None, "frontend": None})
    assert states("coverage >= 1", bare) == ["void"] * 2
    assert states("cost <= 1", bare) == ["void"] * 2
    assert states("cost.model <= +1%", RAW, Against(bare)) == ["void"]
    found = judged([parse_gate("cost.model <= +1%")], RAW, Against(None, "no run of main yet"))
    assert "no run of main yet" in str(failure_of(found))


def test_latency_is_a_figure_like_others() -> None:
    taken = {"n": 7, "warm_ups": 1, "minimum": 90, "median": 95.5, "p99": 101}
    raw = changed(latency=None)
    assert states("latency <= 200", raw) == ["void"] * 3
    raw["latency"] = taken
    assert states("latency.median <= 95.5", raw) == ["passed"]
    assert states(
        "latency.p99 <= +0%", {**raw, "latency": {**taken, "p99": 102}}, Against(raw)
    ) == ["failed"]


def test_a_layer_of_another_op_is_void_and_another_model_is_not() -> None:
    layers = [{**one, "op": "MUL"} if one["index"] == 3 else one for one in RAW["layers"]]
    before = changed(layers=layers, model_sha256="f" * 64)
    found = states("layers <= +0%", RAW, Against(before))
    assert [i for i, state in enumerate(found) if state == "void"] == [3]
    assert states("cost <= +0%", RAW, Against(before)) == ["passed"] * 2


def test_what_is_beyond_comes_before_what_is_void() -> None:
    gates = [parse_gate("layer 99 <= 1"), parse_gate("cost.model <= 1")]
    failure = failure_of(judged(gates, RAW, Against()))
    assert isinstance(failure, RegressionFailure)
    assert failure.evidence == "cost.model 4,572,110, beyond cost.model <= 1"
    assert failure_of(judged([parse_gate("cost <= 9_999_999")], RAW, Against())) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "cost", "cost.model", "cost.model < 1", "cost.model <= x", "cost.model <= 1 %"),
        *("cost.model >= 1", "coverage.code <= 1", "cost.model <= -1%", "coverage >= +1%"),
        *(
            "cost.modle <= 1",
            "layer -1 <= 2",
            "layer x <= 2",
            "cost.model <= +1",
            "footprint.ram <= 1e3",
        ),
        "cost.model <= nan",
    ],
)
def test_what_is_no_gate_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_gate(text)
    assert repr(text) in caught.value.evidence


def test_a_file_has_gates_for_all_a_tier_and_a_board(tmp_path: Path) -> None:
    file = tmp_path / "gates.toml"
    file.write_text(
        'gates = ["footprint <= +1%"]\n[tier.virtual]\ngates = ["cost.model <= 5"]\n'
        '[board.bench-1]\ngates = ["layers <= +2%"]\n'
    )
    found = read_gates(file)
    assert [gate.figure for gate in found.of("virtual", "virtual")] == ["footprint", "cost.model"]
    assert [gate.figure for gate in found.of("stm32n6570-dk", "bench-1")] == ["footprint", "layers"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "gates = []",
            'branch = "main"',
            "gates = [1]",
            'gates = "x <= 1"',
            'gate = ["cost <= 1"]',
        ),
        *(
            "[tier.virtual]\n",
            '[tier.virtual]\ngates = ["cost = 1"]',
            "gates = [",
            '[gates]\na = "b"',
        ),
    ],
)
def test_what_is_no_file_of_gates_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "gates.toml").write_text(text)
    with pytest.raises(BadInput):
        read_gates(tmp_path / "gates.toml")


def test_a_verdict_is_judged_as_it_is_made() -> None:
    """As JSON of it is, tuples and all."""
    clocked = replace(EXACT, proved=replace(EXACT.proved, cost_unit="cycles", clocks=(1, 2)))
    stored = json.loads(json.dumps(clocked.as_json()))
    assert states("cost <= +0%", clocked.as_json(), Against(stored)) == ["passed"] * 2
