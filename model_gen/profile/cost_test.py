"""The table of costs: what is fitted, what is read, what is refused."""

from pathlib import Path

import pytest

from host.errors import BadInput
from model_gen.profile.cost import TABLE, CostTable, Point, fit, read_table, shipped_table
from model_gen.profile.counts import form_of
from model_gen.profile.work import DENSE, LOOKUP, Work, rows_of

WORST = 0.15  # that a counted call may be off


def _points() -> tuple[Point, ...]:
    """Of a kernel that takes 40 instructions and 7 for each vector of 16."""
    sizes = (16, 33, 160, 4096)
    return tuple(Point("x", rows_of(LOOKUP, 1, n), 40 + 7 * -(-n // 16)) for n in sizes)


def test_the_fit_finds_what_loops_take() -> None:
    loops = fit(_points())
    assert loops[LOOKUP] == pytest.approx({"call": 40, "vectors": 7})
    table = CostTable("virtual", {"x": "0"}, _points(), loops)
    assert table.predict(rows_of(LOOKUP, 1, 320)) == pytest.approx(180)
    assert table.predict(Work(DENSE)) is None
    assert table.errors() == pytest.approx({LOOKUP: 0}, abs=1e-5)


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    table = CostTable("virtual", {"x": "0"}, _points(), fit(_points()))
    path.write_text(table.to_json())
    assert read_table(path) == table
    whole = table.to_json()
    for damaged in (
        "",
        "{",
        "[]",
        whole[:-20],
        whole.replace("/2", "/9"),
        whole.replace("16", '"x"'),
    ):
        path.write_text(damaged)
        with pytest.raises(BadInput, match=r"cost table|JSON") as caught:
            read_table(path)
        assert str(path) in caught.value.evidence


def test_the_table_of_the_repository_follows_from_its_points() -> None:
    table = shipped_table()
    assert TABLE.read_text() == table.to_json()
    fitted = fit(table.points)
    assert fitted.keys() == table.loops.keys()
    for form, loops in fitted.items():
        assert loops == pytest.approx(table.loops[form], rel=1e-3, abs=1e-3), form
    assert {form for form, error in table.errors().items() if error > WORST} == set()
    assert table.errors().keys() == {form_of(point.work) for point in table.points}
