"""The page of a history in a browser: filter, search, trends and any two runs, whatever names there are."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.history.comparison_test import run
from host.history.run import Run
from host.history.store import opened
from host.history.testing_runs import fill, with_cost
from host.report.browser_test import DESK, PHONE, SCRIPT
from host.report.history_html import render
from host.report.testing_browser import chromium, measured
from host.report.testing_verdicts import DIFFERENT, HOSTILE

browser = pytest.mark.skipif(chromium() is None, reason="needs chromium")
TOOLS = """
const at = id => page.getElementById(id);
const text = id => at(id).textContent;
const set = (id, value) => {
  at(id).value = value;
  at(id).dispatchEvent(new view.Event(at(id).tagName === "SELECT" ? "change" : "input"));
};
const cells = id => [...at(id).querySelectorAll("tr")].map(row => [...row.children].map(cell => cell.textContent));
"""


def few() -> list[Run]:
    """Six runs: two boards, a branch, one that differs, a layer that became dearer, a model exchanged."""
    base = with_cost(1000)
    slower = with_cost(1100, layer=3)
    exchanged = replace(slower, model_sha256="f" * 64)
    return [
        replace(run(1, base), commit="1" * 40),
        replace(run(2, base), commit="2" * 40, board="bench-1"),
        replace(run(3, base), commit="3" * 40, branch="topic"),
        replace(run(4, DIFFERENT), commit="4" * 40),
        replace(run(5, slower), commit="5" * 40),
        replace(run(6, exchanged), commit="6" * 40, dirty=True),
    ]


def test_what_became_worse_is_named_by_layer_and_commit() -> None:
    page = render(few(), "h.sqlite")
    row = page[page.index('id="worse"') : page.index("</table>")]
    assert "5555555555" in row
    assert "layer 3 ADD" in row
    assert "cost.model" in row
    assert "1 runs" not in page
    assert f"run 6: model: {few()[0].model_sha256[:12]}, now {'f' * 12}" in page


def test_no_run_has_a_page() -> None:
    page = render([], "h.sqlite")
    assert "No run yet" in page
    assert "<script" not in page


def test_the_page_holds_what_it_shows() -> None:
    page = render(few(), "h.sqlite")
    assert re.findall(r"(?:src|href)=|url\(|@import|https?:(?!//www\.w3\.org/2000/svg)", page) == []
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert len(data["runs"]) == 6
    assert len(data["costs"]) == 2  # each once
    assert data["costs"][0] == list(few()[0].counted)


@browser
def test_a_user_finds_filters_and_compares() -> None:
    asks = f"""{TOOLS}
    const found = {{all: text("said"), rows: cells("runs").map(row => row[0]), last: text("compared")}};
    found.layers = cells("layers").filter(row => row[5] !== "=").map(row => [row[0], row[5]]);
    set("search", "TOPIC 333"); found.search = cells("runs").map(row => row[0]);
    set("search", "no such"); found.none = [text("said"), cells("runs").length, cells("layers").length];
    set("search", ""); set("series", "1"); found.series = cells("runs").map(row => row[0]);
    set("series", ""); set("state", "Different"); found.state = cells("runs").map(row => row[0]);
    set("state", ""); set("branch", "=topic"); found.branch = cells("runs").map(row => row[0]);
    set("branch", "");
    at("worse").querySelector("button").click();
    found.compared = [at("a").value, at("b").value, cells("changes")];
    set("a", "99"); found.unknown = [text("compared"), cells("changes").length];
    page.querySelector('[aria-label="compare run 2"]').click(); found.chosen = at("a").value;
    return found;
    """
    desk, phone = measured(render(few(), "h.sqlite"), asks, [DESK, PHONE])
    assert desk == phone
    assert desk["all"] == "4 exact runs of birds on virtual, cm55, of 6 runs that were asked for."
    assert desk["rows"] == ["6", "5", "4", "3", "2", "1"]
    assert "Costs are void: another model." in desk["last"]
    assert desk["layers"] == [["3", "+10.00\u202f%"]]
    assert desk["search"] == ["3"]
    assert desk["none"] == ["No run of that kind.", 0, 0]
    assert desk["series"] == ["2"]
    assert desk["state"] == ["4"]
    assert desk["branch"] == ["3"]
    before, now, changes = desk["compared"]
    assert (before, now) == ("1", "5")
    assert [row[0].split("nightjar_1")[0] for row in changes] == [
        "modelinstructions",
        "layer 3 ADD",
        "53 other figures are the same",
    ]
    assert changes[1][1:] == ["23\u202f758", "26\u202f133", "+10.00\u202f%"]
    assert desk["unknown"] == ["Give the numbers of two runs.", 0]
    assert desk["chosen"] == "2"


def test_a_thousand_runs_are_a_page_at_once(tmp_path: Path) -> None:
    """In processor time; of 10,000, `nightjar history list` and `page` have 2 seconds (docs/history.md)."""
    fill(tmp_path / "h", 1_000)
    begin = time.process_time()
    with opened(str(tmp_path / "h")) as store:
        runs = store.runs()
        page = render(runs, store.address.name)
    took = time.process_time() - begin
    assert len(runs) == 1_000
    assert "runs that became worse" in page
    assert took < 1.0


@browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_is_seen_whole(tmp_path: Path, dark: bool) -> None:
    fill(tmp_path / "h", 120)
    with opened(str(tmp_path / "h")) as store:
        page = render(store.runs(), "history.sqlite")
    found: list[dict[str, Any]] = measured(page, SCRIPT, [DESK, PHONE], dark=dark)
    for width, seen in zip((DESK, PHONE), found, strict=True):
        assert seen["scrolls"] == [width, width]
        for fault in ("outside", "hidden", "broken", "faint"):
            assert seen[fault] == [], (width, fault)
        assert (seen["paper"] < 0.1) == dark


@browser
def test_a_hostile_name_in_every_field_is_text() -> None:
    names = ("commit", "branch", "model", "board", "kind", "compiler", "backend")
    hostile: dict[str, Any] = dict.fromkeys(names, HOSTILE)
    runs = [
        replace(one, **hostile, layers=json.dumps([[i, HOSTILE, HOSTILE] for i, _, _ in one.named]))
        for one in few()
    ]
    asks = """return [view.hacked === undefined && window.hacked === undefined, page.images.length,
      page.scripts.length, page.body.innerText.includes("<script>parent.hacked")];"""
    for seen in measured(render(runs, HOSTILE), asks, [DESK, PHONE]):
        assert seen == [True, 0, 2, True]
