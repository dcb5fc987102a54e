"""The page of an evaluation: whole in itself, every name stays text, and a browser shows it whole."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.report.browser_test import DESK, PHONE, SCRIPT
from host.report.evaluation_html import render, write_evaluation_html
from host.report.testing_browser import chromium, measured
from host.report.testing_verdicts import HOSTILE
from model_gen.evaluation.alarms import alarms
from model_gen.evaluation.bootstrap import compare, draw
from model_gen.evaluation.curves import curves
from model_gen.evaluation.events import Peaks, recall_of
from model_gen.evaluation.latency import Latency
from model_gen.evaluation.quality import judge
from model_gen.evaluation.result import EvaluateResult, Kind
from model_gen.evaluation.testing import example
from model_gen.evaluation.thresholds import best_f1

# Text in plots: at least this many pixels high, and nowhere outside its plot.
PLOTS = """
  const text = [...page.querySelectorAll(".plots svg text")];
  const light = color => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(value => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const card = light(view.getComputedStyle(page.querySelector(".card")).backgroundColor);
  return {
    plots: page.querySelectorAll(".plots svg").length,
    small: Math.min(...text.map(node => {
      const box = node.ownerSVGElement;
      const scale = box.getBoundingClientRect().width / box.viewBox.baseVal.width;
      return parseFloat(view.getComputedStyle(node).fontSize) * scale;
    })),
    outside: text.filter(node => {
      const one = node.getBoundingClientRect(), all = node.ownerSVGElement.getBoundingClientRect();
      return one.left < all.left - 2 || one.right > all.right + 2 || one.top < all.top - 2
        || one.bottom > all.bottom + 2;
    }).map(node => node.textContent),
    faint: text.filter(node => {
      const [low, high] = [light(view.getComputedStyle(node).fill), card].sort((a, b) => a - b);
      return (high + 0.05) / (low + 0.05) < 4.5;
    }).map(node => node.textContent),
  };
"""


def result(labels: tuple[str, ...] = ("wren", "robin", "owl"), kinds: int = 2) -> EvaluateResult:
    """Two models, one a little worse; the last class has no recording."""
    wanted, scores = example(60, len(labels))
    wanted[:, -1] = 0
    drawn = draw([str(i) for i in range(60)], draws=50)
    folders = ["noise"] * 60
    made = {}
    for number, name in enumerate(("float", "int8", "board")[:kinds]):
        own = np.clip(scores + 0.1 * number * np.sin(np.arange(scores.size)).reshape(60, -1), 0, 1)
        limits = best_f1(wanted, own)
        quality = judge(wanted, own, labels, thresholds=limits, k=2, weights=drawn.weights)
        peaks = Peaks(np.arange(20), np.zeros(20, np.int64), own[:20, 0], 1)
        made[name] = Kind(
            kernels="tensorflow 2.21.0 BUILTIN_REF",
            quality=dict.fromkeys(("max", "average", "lme"), quality),
            pooled=dict.fromkeys(("max", "average", "lme"), own),
            curves=curves(wanted, own),
            alarms=alarms(wanted, own, limits, folders),
            events=recall_of(peaks, labels, limits, drawn.weights),
            peaks=peaks,
            latency=Latency(20, 1.5, 2.5, 1.4, 0.2, 43904, 123 << 20),
        )
    pairs = {}
    if kinds > 1:
        one, other = made["float"].quality["lme"], made["int8"].quality["lme"]
        apart = compare(one.figures, other.figures, one.draws, other.draws)
        pairs[("float", "int8")] = {"lme": apart}
    return EvaluateResult(
        split="test",
        labels=labels,
        recordings=60,
        chunks=240,
        skipped=(),
        kinds=made,
        pooling="lme",
        wanted=wanted.astype(np.float32),
        folders=tuple(folders),
        thresholds_from="0.5, as given",
        units=60,
        unit="recording",
        draws=50,
        seed=42,
        compared=pairs,
        annotated=20,
    )


def test_the_page_is_self_contained_and_always_the_same(tmp_path: Path) -> None:
    found = result()
    write_evaluation_html(tmp_path / "page.html", found, title="bundle")
    page = (tmp_path / "page.html").read_text()
    assert page == render(found, title="bundle")
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert not re.search(r"url\((?!#)", page)
    used = re.findall(r'(?:href="|url\()#([^")]+)', page)
    ids = re.findall(r' id="([^"]+)"', page)
    assert set(used) == set(ids)
    assert len(ids) == len(set(ids))
    assert "No recording is of" in page
    assert "float less int8" in page
    for one in found.kinds.values():
        assert one.quality["lme"].figures["average_precision"] is not None
        assert f"{one.quality['lme'].figures['average_precision']:.3f}" in page


def test_a_hostile_name_is_text() -> None:
    page = render(result((HOSTILE, "$x_1$", "</svg><b>")), title=HOSTILE)
    plain = render(result(), title="x")
    assert page.count("<script") == plain.count("<script") == 0
    assert page.count("<b>") == plain.count("<b>")
    assert page.count("</svg>") == plain.count("</svg>")
    assert "$x_1$" in page


def test_one_model_without_events_or_negatives() -> None:
    found = result(kinds=1)
    one = replace(found.kinds["float"], events=None, peaks=None, curves=None, latency=None)
    page = render(replace(found, kinds={"float": one}), title="x")
    assert "Events" not in page
    assert "Side by side" not in page


@pytest.mark.skipif(chromium() is None, reason="needs chromium")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_is_seen_whole(dark: bool) -> None:
    labels = ("Troglodytes troglodytes", "w" * 70, "owl")
    page = render(result(labels, 3), title="t" * 90).replace("<details", "<details open")
    script = f"return [(() => {{ {SCRIPT} }})(), (() => {{ {PLOTS} }})()];"
    shown: list[list[dict[str, Any]]] = measured(page, script, [DESK, PHONE], dark=dark)
    for width, (seen, plots) in zip((DESK, PHONE), shown, strict=True):
        assert seen["scrolls"] == [width, width]
        for fault in ("outside", "hidden", "broken", "faint"):
            assert seen[fault] == [], (width, fault)
        assert (seen["paper"] < 0.1) == dark
        assert plots["plots"] == 7 + 3
        assert plots["small"] >= 9, width
        assert plots["outside"] == []
        assert plots["faint"] == []
