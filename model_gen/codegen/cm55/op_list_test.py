"""The page of ops is the table's."""

from pathlib import Path

from model_gen.codegen.cm55 import op_list

_PAGE = Path(__file__).parents[3] / "docs/ops.md"


def test_every_line_of_the_page_is_the_tables() -> None:
    """An op that the page lacks is no lie; one that it says otherwise is."""
    lines = _PAGE.read_text().splitlines()
    assert set(lines) <= set(op_list.page().splitlines())
    assert len(lines) > 60


def test_no_op_is_listed_twice() -> None:
    names = [one.name for one in op_list.listed_ops()]
    assert len(names) == len(set(names))
