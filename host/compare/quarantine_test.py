"""quarantine.toml is read strictly, expires, and names tests as pytest does."""

import importlib
from datetime import date
from pathlib import Path

import pytest

from host.compare.layers_test import STRUCTURE
from host.compare.quarantine import Quarantine, fits
from host.compare.questions import Kind, Question, node_name
from host.errors import BadInput

GOOD = """
[noisy-scores]
tests = ["test_scores[vec00]", "hil_tests/test_tensors.py::test_tensor[*-layer02-*]"]
issue = "https://example.org/issues/7"
expires = 2026-12-31
reason = "under repair"
"""
DAY = date(2026, 12, 31)
SUITE = ("cost", "determinism", "frontend", "identity", "soak", "stream", "tensors")


def begin(
    folder: Path, text: str, *allowed: str, today: date = DAY, model: str = "m"
) -> Quarantine:
    file = folder / "quarantine.toml"
    file.write_text(text)
    boards = ("virtual", "nucleo-1")
    return Quarantine.begin(file, allowed, model=model, boards=boards, today=today)


def test_it_holds_to_the_last_day(tmp_path: Path) -> None:
    held = begin(tmp_path, GOOD, "noisy-scores")
    assert held.allowed == ("noisy-scores",)
    found = held.entry("test_tensor[vec03-layer02-CONV_2D]")
    assert found is not None
    assert found.name == "noisy-scores"
    assert held.entry("test_scores[vec00]") == found
    assert held.entry("test_scores[vec01]") is None
    with pytest.raises(BadInput, match="noisy-scores has expired") as caught:
        begin(tmp_path, GOOD, today=date(2027, 1, 1))
    assert "https://example.org/issues/7" in caught.value.evidence


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("expires", "expire", "noisy-scores.expire is not known. Did you mean expires?"),
        ("2026-12-31", '"2026-12-31"', "must be a day, as 2026-12-31 without quotes"),
        ("2026-12-31", "2026-12-31T10:00:00", "must be a day without a time"),
        ("https://example.org/issues/7", "see the wiki", "must be the URL of an issue"),
        ("under repair", " ", "noisy-scores.reason is empty"),
        ('reason = "under repair"', "", "noisy-scores.reason is missing"),
        ("[noisy-scores]", "['']", "a name is letters"),
        ("[noisy-scores]", "", "must be an object"),
        ("tests = [", "tests = []\nmore = [", "more is not known"),
        ("[noisy-scores]", "[noisy-scores", "Received"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(BadInput, match="the quarantine cannot be used") as caught:
        begin(tmp_path, GOOD.replace(old, new))
    assert said in caught.value.evidence


def test_an_allowed_name_is_one_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        begin(tmp_path, GOOD, "noisy-score")
    assert "Did you mean noisy-scores?" in caught.value.evidence
    with pytest.raises(BadInput, match="--allow-quarantined goes with"):
        Quarantine.begin(None, ("a",), model="m", boards=())
    assert Quarantine.begin(None, (), model="m", boards=()) == Quarantine()


def test_entries_of_other_models_and_boards_do_not_hold(tmp_path: Path) -> None:
    for line, holds in (
        ('board = "nucleo-*"', True),
        ('board = "n6-*"', False),
        ('model = "birds/*"', True),
        ('model = "frogs/*"', False),
    ):
        held = begin(tmp_path, f"{GOOD}\n{line}", model="birds/bundle")
        assert bool(held.entries) is holds, line
        with pytest.raises(BadInput, match="expired"):  # wherever it would hold
            begin(tmp_path, f"{GOOD}\n{line}", today=date(2027, 1, 1))


def test_only_the_star_is_special() -> None:
    assert fits("a[b]*", "a[b]c")
    assert not fits("a[bc]", "ab")
    assert not fits("a.c", "abc")


def test_names_are_those_of_the_suites_tests() -> None:
    """The mark of each test says what it asks."""
    asked = {
        Kind(mark.args[0]): name
        for module in SUITE
        for name, found in vars(importlib.import_module(f"hil_tests.test_{module}")).items()
        if name.startswith("test_")
        for mark in getattr(found, "pytestmark", [])
        if mark.name == "asks"
    }
    assert {*asked} == {*Kind}
    for kind, name in asked.items():
        assert node_name(Question(kind), STRUCTURE) == name
    whole = node_name(Question(Kind.TENSOR, 3, 0), STRUCTURE)
    assert whole == f"test_tensor[vec03-{STRUCTURE.layers[0].node_id}]"
