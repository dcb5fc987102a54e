"""The page of a comparison: whole in itself, and every name on it stays text."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.npu.comparison.budget import budgets
from host.npu.comparison.compare import Comparison, compare
from host.npu.comparison.payload import Report
from host.npu.comparison.predicted import Predicted
from host.npu.comparison.side import FUSED, Place
from host.npu.compiler.model import compile_model
from host.report.npu_html import render, write_npu_html
from model_gen.codegen.testing.net import make_net

NET = make_net(3).tflite()
HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture(scope="module")
def found() -> Comparison:
    side = Predicted(compile_model(NET, "2.2"))
    value = np.random.default_rng(5).integers(-128, 128, (1, 10, 8, 3), dtype=np.int8)
    return compare(side, NET, [(value,)])


def _report(found: Comparison, **given: object) -> Report:
    fields = {
        "subject": "models/bird.tflite",
        "model_sha256": "a" * 64,
        "contract_sha256": "b" * 64,
        "inputs": "1 drawn with seed 0",
        "comparison": found,
        "budgets": budgets(found),
        "given": None,
        "max_steps": None,
    }
    return Report(**(fields | given))  # type: ignore[arg-type]


def test_the_page_is_self_contained_and_shows_every_layer(
    found: Comparison, tmp_path: Path
) -> None:
    write_npu_html(tmp_path / "page.html", _report(found))
    page = (tmp_path / "page.html").read_text()
    assert not re.search(r"(?:src|href)=\"(?!data:)", page)
    assert page.count("data:image/png;base64,") == 2
    plain = page.replace("<wbr>", "")
    for layer in found.layers:
        assert f'<td class="n op">{layer.op}</td>' in page
        assert layer.name in plain
    assert "At most a step" in page
    assert re.search(r"op [0-9, ]+: at most 1 step, rounding", page)


def test_what_is_not_observed_says_why_and_the_gate_what_it_stops(found: Comparison) -> None:
    hidden = replace(found.layers[1], place=Place(FUSED, "it goes on to the next unit"))
    changed = replace(found, layers=(found.layers[0], hidden, *found.layers[2:]))
    page = render(_report(changed, max_steps=0))
    assert "Not observed" in page
    assert "op 1: it goes on to the next unit" in page
    assert "More than 0 steps:" in page


def test_hostile_names_stay_text(found: Comparison) -> None:
    layers = tuple(
        replace(layer, label=HOSTILE, name=HOSTILE, place=replace(layer.place, name=HOSTILE))
        for layer in found.layers
    )
    effects = tuple(replace(effect, label=HOSTILE) for effect in found.effects)
    about = replace(found.about, statement=HOSTILE, tool=HOSTILE)
    page = render(
        _report(replace(found, layers=layers, effects=effects, about=about), subject=HOSTILE)
    )
    assert "<script" not in page
    assert "\u202e" not in page
