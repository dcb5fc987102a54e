"""`nightjar history` as a user calls it, from an empty folder to a page."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.cli import run
from host.errors import HostFailure
from host.history.commit import Commit
from host.history.run import Place
from host.history.store import opened
from host.history.testing_runs import raw, with_cost
from host.history.written import Keeping
from host.report.testing_verdicts import DIFFERENT, EXACT


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of three runs, which is the user's: no one is named by an option."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTJAR_HISTORY", "h.sqlite")
    (tmp_path / "v.json").write_text(json.dumps(raw(DIFFERENT)))
    with opened("h.sqlite", write=True) as history:
        for number, verdict in enumerate((with_cost(1000), with_cost(1100, layer=3), DIFFERENT)):
            commit = Commit(f"{number}" * 40, "main")
            history.add(raw(verdict), Place(commit, "birds", "virtual"))
    return tmp_path / "h.sqlite"


def read(file: str) -> Any:
    return json.loads(Path(file).read_text())


def test_a_verdict_is_added_and_twice_is_two_runs(store: Path) -> None:
    named = ["--model", "birds", "--board", "bench-1", "--commit", "c" * 40, "--branch", "topic"]
    assert run(["history", "add", "v.json", *named, "--json", "a.json"]) == 0
    assert run(["history", "add", "v.json"]) == 0
    assert read("a.json") == {"schema": "nightjar/history-add/1", "run": 4}
    with opened("h.sqlite") as history:
        *_, first, second = history.runs()
    assert (first.model, first.board, first.commit, first.branch, first.state) == (
        *("birds", "bench-1", "c" * 40, "topic", "Different"),
    )
    # No repository is around the folder of a test.
    assert (second.model, second.board, second.commit) == (
        *(EXACT.model_sha256[:12], "virtual", ""),
    )


def test_runs_are_listed_and_shown(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["history", "list", "--json", "list.json"]) == 0
    assert [one["id"] for one in read("list.json")["runs"]] == [1, 2, 3]
    assert read("list.json")["runs"][0]["layers"][3]["cost"] == 23_758
    assert run(["history", "list", "--last", "1", "--commit", "0" * 40]) == 0
    output = capsys.readouterr().out
    assert "0000000000" in output.splitlines()[-1]
    assert run(["history", "show", "1", "--json", "one.json"]) == 0
    assert read("one.json") == json.loads(json.dumps(raw(with_cost(1000))))
    assert "23,758  nightjar_1/frontend_relu_3" in capsys.readouterr().out


def test_what_became_dearer_is_named(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["history", "compare", "1", "2", "--json", "c.json"]) == 0
    worse = [one["name"] for one in read("c.json")["changes"] if one["worse"]]
    assert worse == ["cost.model", "layer 3 ADD"]
    assert "layer 3 ADD     23,758     26,133  +10.00 %  worse" in capsys.readouterr().out
    assert run(["history", "regressions", "--json", "r.json"]) == 0
    (found,) = read("r.json")["found"]
    assert (found["run"], found["commit"], found["before"]) == (2, "1" * 40, 1)
    assert found["worse"][0]["name"] == "layer 3 ADD"


def test_a_page_and_a_benchmark_are_written(store: Path) -> None:
    assert run(["history", "page", "--html", "p.html"]) == 0
    assert "layer 3 ADD" in Path("p.html").read_text()
    assert run(["history", "benchmark", "--out-file", "b.json"]) == 0
    found = read("b.json")
    assert {tuple(one) for one in found} == {("name", "unit", "value", "extra")}
    named = {one["name"]: one for one in found}
    assert len(named) == len(found) == 2 + len(EXACT.layers) + 5 + 2
    layer = named["birds on virtual (cm55): layer 3 ADD"]
    assert (layer["unit"], layer["value"]) == ("instructions", 26_133)
    assert named["birds on virtual (cm55): code not reached"]["unit"] == "%"
    assert "run 2" in layer["extra"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["list", "--history", "none.sqlite"], 2, "no history yet"),
        (["list", "--history", "v.json"], 2, "no history of nightjar"),
        (["list", "--history", "mysql://h/x"], 2, "by its URL"),
        (["show", "4"], 2, "no run 4"),
        (["compare", "1", "4"], 2, "no run 4"),
        (["add", "h.sqlite"], 2, "must be a verdict"),
        (["add", "none.json"], 2, "none.json"),
        (["list", "--model", "other"], 0, ""),
    ],
)
def test_what_cannot_be_is_said(
    store: Path, words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = store.read_bytes()
    assert run(["history", *words]) == code
    assert said in capsys.readouterr().err
    assert store.read_bytes() == before
    assert not Path("none.sqlite").exists()


def test_a_store_is_looked_at_before_anything_runs(tmp_path: Path) -> None:
    assert Keeping.begin(None) is None
    assert Keeping.begin("") is None
    with pytest.raises(HostFailure, match="cannot be opened"):
        Keeping.begin("/proc/h.sqlite")
    keeping = Keeping.begin(str(tmp_path / "h"))
    assert keeping is not None
    assert keeping.keep(replace(EXACT), tmp_path / "bundle", "virtual").startswith(
        "history: run 1 in "
    )
    with opened(str(tmp_path / "h")) as history:
        assert history.run(1).model == f"{tmp_path.name}/bundle"
