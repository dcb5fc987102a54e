"""The table of rules: each is seen to hold by a test, and the page is made from it."""

from pathlib import Path

from model_gen.codegen.neural_art.lint import TABLE
from model_gen.codegen.neural_art.lint.document import PLACE, text


def test_every_rule_is_seen_to_hold_by_a_test() -> None:
    source = "".join(p.read_text() for p in Path(__file__).parent.glob("*_rules_test.py"))
    assert [rule.name for rule in TABLE if f'"{rule.name}"' not in source] == []
    assert len({rule.name for rule in TABLE}) == len(TABLE)
    assert {rule.code for rule in TABLE} == {f"R{number}" for number in range(1, 10)}


def test_the_document_is_made_from_the_table() -> None:
    assert PLACE.read_text() == text()
