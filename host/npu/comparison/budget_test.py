"""Budgets: for what is explained, never for a fault, never more than was seen; in a bundle."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.bundle import load_subject
from host.contract import Contract, NpuBudget, NpuLayerBudget
from host.errors import BadInput
from host.npu.comparison.budget import budgets, write_budget
from host.npu.comparison.cause import FUSED_STEP, Cause
from host.npu.comparison.compare import Comparison, compare
from host.npu.comparison.executed import Executed
from host.npu.comparison.predicted import Predicted
from host.npu.comparison.side import FUSED, HIDDEN, Place
from host.npu.comparison.testing_network import exchanged, write
from host.npu.compiler.model import compile_model
from model_gen.codegen.neural_art.output_folder import read_output
from model_gen.codegen.testing.bundle import write_small_bundle
from model_gen.codegen.testing.net import make_net

NET = make_net(3).tflite()


def _executed(folder: Path, wrong: int | None = None) -> Comparison:
    model = compile_model(NET, "2.2")
    write(folder, model, NET, lambda i, layer: exchanged(layer) if i == wrong else layer)
    side = Executed(folder / "network.c", read_output(folder), model, "")
    numbers = np.random.default_rng(5)
    try:
        return compare(
            side, NET, [(numbers.integers(-128, 128, (1, 10, 8, 3), dtype=np.int8),)] * 2
        )
    finally:
        side.close()


def test_a_layer_gets_what_was_seen_of_it_and_no_more(tmp_path: Path) -> None:
    found = _executed(tmp_path)
    made = budgets(found)
    assert made.refused == {}
    assert {int(op): one.steps for op, one in made.budget.layers.items()} == {
        row.op: row.forced.largest for row in found.layers if row.forced.largest
    }
    assert {one.cause for one in made.budget.layers.values()} == {"rounding"}
    assert (made.budget.dialect, made.budget.tool) == ("2.2", "stedgeai 2.2.0-20266")


@pytest.mark.parametrize("op", [0, 1, 2])
def test_a_fault_gets_none(tmp_path: Path, op: int) -> None:
    made = budgets(_executed(tmp_path, op))
    assert str(op) not in made.budget.layers
    assert "no cause in the NPU's arithmetic" in made.refused[op]


def test_the_bundle_is_written_again_with_them_and_is_whole(tmp_path: Path) -> None:
    subject = load_subject(write_small_bundle(tmp_path / "bundle"))
    vectors = subject.vectors()
    assert vectors is not None
    side = Predicted(compile_model(subject.model, "4.0"))
    made = budgets(compare(side, subject.model, [(one[None],) for one in vectors.inputs]))
    write_budget(subject, made, tmp_path / "out")
    again = load_subject(tmp_path / "out")
    assert again.contract is not None
    assert subject.contract is not None
    assert again.contract.npu_budget == made.budget
    assert made.budget.tool == "compiler model"
    assert again.files == subject.files
    assert subject.contract.npu_budget is None
    assert b"npu_budget" not in subject.contract.to_json(), "other bundles keep their bytes"
    raw = json.loads((tmp_path / "out" / "model.json").read_text())["npu_budget"]
    assert set(raw) == {"dialect", "tool", "layers"}
    assert all(set(layer) == {"steps", "cause"} for layer in raw["layers"].values())
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(subject.model)
    model = load_subject(bare)
    with pytest.raises(BadInput, match="written to a bundle"):
        write_budget(model, made, tmp_path / "other")


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ({"1": {"steps": 0, "cause": "rounding"}}, "1 to 255 steps"),
        ({"1": {"steps": 256, "cause": "rounding"}}, "1 to 255 steps"),
        ({"1": {"steps": 2, "cause": ""}}, "names its cause"),
        ({"-1": {"steps": 2, "cause": "rounding"}}, "by its index"),
        ({"01": {"steps": 2, "cause": "rounding"}}, "by its index"),
        ({"1": {"steps": 2}}, "cause is missing"),
    ],
)
def test_a_bundle_with_a_senseless_budget_is_refused(
    tmp_path: Path, layers: dict[str, object], told: str
) -> None:
    contract = json.loads((write_small_bundle(tmp_path / "b") / "model.json").read_text())
    contract["npu_budget"] = {"dialect": "2.2", "tool": "x", "layers": layers}
    with pytest.raises(BadInput) as refused:
        Contract.from_json(json.dumps(contract).encode())
    assert told in str(refused.value)


def test_budgets_alike_are_told_together_and_the_largest_first() -> None:
    layers = {op: NpuLayerBudget(n, "rounding") for op, n in (("10", 1), ("11", 2), ("9", 1))}
    assert NpuBudget("2.2", "x", layers).lines() == [
        "op 11: at most 2 steps, rounding",
        "op 9, 10: at most 1 step, rounding",
    ]


def test_floats_that_no_bytes_are_behind_get_none(tmp_path: Path) -> None:
    """They are equal or "a step" apart, however far: a budget would allow any difference."""
    found = _executed(tmp_path)
    row = next(row for row in found.layers if row.forced.largest)
    for unit, given in ((None, False), (0.1, True)):
        floats = replace(row, dtype="float32", unit=unit)
        made = budgets(replace(found, layers=(floats,)))
        assert (str(row.op) in made.budget.layers) == given
        assert (row.op in made.refused) != given


def test_a_layer_behind_what_is_hidden_gets_none(tmp_path: Path) -> None:
    """What it differs by is not its own: nobody saw what it reads."""
    found = _executed(tmp_path)
    row = next(row for row in found.layers if row.forced.largest and row.op)
    last = replace(row, covers=(0,), cause=Cause((FUSED_STEP,), ""))
    for state, given in ((HIDDEN, False), (FUSED, True)):
        first = replace(found.layers[0], place=Place(state, "no list"))
        made = budgets(replace(found, layers=(first, last)))
        assert (str(row.op) in made.budget.layers) == given
        assert ("not observable" in made.refused.get(row.op, "")) != given
