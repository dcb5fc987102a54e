"""A step's summary on GitHub, and GitLab's code quality report: every failure once, and no text is markup."""

import json
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from host.report.code_quality import code_quality
from host.report.junit_test import CASES
from host.report.step_summary import append_summary, step_summary

PROPERTIES = {"tier": "virtual", "class": "FIRMWARE", "exit_code": "19", "attempts": "2"}


def test_a_row_of_counts_and_a_row_a_failure() -> None:
    said = step_summary("birds on n6-01", ["DIFFERENT: vec00"], CASES, PROPERTIES).splitlines()
    assert said[0] == "### birds on n6-01"
    assert "| 19 FIRMWARE | virtual | 2 | 1 | 1 | 1 | 1 | 1.8 |" in said
    assert "<pre>DIFFERENT: vec00</pre>" in said
    assert said[-3:] == [
        "| FIRMWARE | t&#91;vec00&#93; | a &#60; b &#38; c |",
        "| LINK | u | lost |",
        "",
    ]


def test_what_is_too_much_is_counted() -> None:
    many = [replace(CASES[1], name=f"t{index}") for index in range(53)]
    said = step_summary("birds", [], many, PROPERTIES)
    assert said.count("| FIRMWARE | t") == 50
    assert "and 3 more" in said


@given(st.text())
def test_no_text_is_markup_or_another_row(text: str) -> None:
    case = replace(CASES[1], name=text, message=text)
    row = step_summary("birds", [], [case], PROPERTIES).rsplit("| --- | --- | --- |\n", 1)[1]
    assert row.count("\n") == 2  # the row's, and that of the empty line behind it
    assert row.count("|") == 4
    assert not set(row) & set("<>`*_[]")


def test_it_comes_behind_what_the_step_said_before(tmp_path: Path) -> None:
    for text in ("one\n", "two \udcff\n"):
        append_summary(tmp_path / "summary.md", text)
    assert (tmp_path / "summary.md").read_text() == "one\ntwo \\udcff\n"


def test_gitlab_is_told_every_failure_once_with_its_place() -> None:
    found = json.loads(code_quality([*CASES, CASES[1]]))
    assert [(one["check_name"], one["severity"]) for one in found] == [
        ("FIRMWARE", "blocker"),
        ("LINK", "major"),
    ]
    assert found[0]["location"] == {"path": "f.py", "lines": {"begin": 9}}
    assert len({one["fingerprint"] for one in found}) == 2
    assert json.loads(code_quality(CASES[:1])) == []
