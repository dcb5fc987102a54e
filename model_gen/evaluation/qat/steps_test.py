"""The page of what steps cost holds what QAT promises; costs themselves have a test beside them."""

import pytest

from host.installed import DOCS
from model_gen.evaluation.qat import steps
from model_gen.training.presets import PRESETS

PAGE = DOCS / "qat-steps.md"


def test_a_row_a_preset_and_step(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"float": 0.1, "shadow": 0.1049, "faithful": 0.14}
    monkeypatch.setattr(steps, "_measured", lambda preset: found)
    lines = list(steps.page())
    assert lines[-1] == "| april | faithful | 140 | 1.40 |"
    assert len([line for line in lines if line.startswith("| ")]) == 1 + 3 * len(PRESETS)


def test_a_step_costs_half_a_float_one_more_at_most() -> None:
    """`python -m model_gen.evaluation.qat.steps > docs/qat-steps.md` measures it anew."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines()]
    costs = {(row[0], row[1]): float(row[3]) for row in rows if row[0] in PRESETS}
    kinds = ("float", "shadow", "faithful")
    assert list(costs) == [(preset, kind) for preset in PRESETS for kind in kinds]
    assert max(costs.values()) <= 1.5
