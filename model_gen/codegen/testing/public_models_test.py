"""The list of public models: its page is printed from it, and a refusal is told in one line."""

import pytest

from model_gen.codegen.testing.public_models import (
    DIFFERS,
    EXACT,
    FAILED,
    GENERATED,
    LIST,
    Public,
    page,
    read,
    reason,
    summary,
    unjudged,
)


def test_page_is_printed_from_the_list() -> None:
    models = read()
    assert page(models) == LIST.with_suffix(".md").read_text(), (
        "python -m model_gen.codegen.testing.public_models prints it"
    )
    readme = " ".join((LIST.parents[1] / "README.md").read_text().split())
    assert summary(models) in readme, "the README's sentence is that of the page"
    assert len({one.sha256 for one in models}) == len(models)
    assert not any({DIFFERS, FAILED} & set(one.said.values()) for one in models)


@pytest.mark.parametrize(
    ("said", "taken", "exact"),
    [
        ({"tflite": EXACT, "tflm": EXACT}, True, True),
        ({"tflite": EXACT, "tflm": "EXP: not in int8"}, True, True),
        ({"tflite": EXACT, "tflm": GENERATED}, True, True),
        ({"tflite": EXACT, "tflm": DIFFERS}, True, False),
        ({"tflite": FAILED}, True, False),
        ({"tflite": GENERATED}, True, False),
        ({"tflite": "a custom op", "tflm": "a custom op"}, False, False),
    ],
)
def test_what_counts(said: dict[str, str], taken: bool, exact: bool) -> None:
    one = Public("00", "a/b", "c.tflite", 1, "2026-11-29", said)
    assert (one.taken, one.exact) == (taken, exact)


def test_what_was_only_generated_is_run_and_what_was_judged_is_not() -> None:
    def left(said: dict[str, str]) -> list[str]:
        return unjudged(Public("00", "a/b", "c.tflite", 1, "2026-11-29", said))

    assert unjudged(None) == left({"tflite": GENERATED}) == ["tflite", "tflm"]
    assert left({"tflite": EXACT, "tflm": GENERATED}) == left({"tflite": "a custom op"}) == ["tflm"]
    assert left({"tflite": EXACT, "tflm": "a custom op"}) == []


def test_a_refusal_is_one_line() -> None:
    findings = [{"name": "DIV", "why": "unknown"}, {"name": "", "why": "a port of int16"}]
    error = {"what": "it is not taken", "evidence": "Received: x"}
    assert reason({**error, "findings": findings}) == "DIV: unknown, and 1 more findings"
    assert reason({**error, "findings": findings[1:]}) == "a port of int16"
    assert reason(error) == "it is not taken (Received: x)"
