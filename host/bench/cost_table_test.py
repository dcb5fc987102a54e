"""The table of costs as it is measured, and what it predicts, on the virtual board."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from host.bench import cost_table
from host.bench.cost_table import counted, measure_table
from host.bench.family_sources import stale
from host.errors import BadInput
from model_gen.codegen.testing import keras_models
from model_gen.profile.cost import Point, read_table
from model_gen.profile.grid import FAMILIES
from model_gen.profile.profile import profile_tflite
from model_gen.profile.work import LOOKUP, rows_of

WITHIN = 0.15  # of the virtual board's count
TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch")
needs_board = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason="needs " + str(TOOLS)
)


@needs_board
def test_a_whole_model_is_predicted() -> None:
    """The keyword spotter's prediction is held against its counts by host/profile/profile_test.py."""
    content = keras_models.quantized("ds_cnn")
    found = profile_tflite(content)
    assert found.uncosted == 0
    measured = counted(content)
    assert [step.work for step in found.steps if step.work is not None] == [
        work for work, _ in measured
    ]
    total = sum(instructions for _, instructions in measured)
    assert found.instructions == pytest.approx(total, rel=WITHIN)


def test_a_run_that_was_interrupted_goes_on_where_it_was_and_counts_only_what_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.json"
    counted_now: list[str] = []
    last = list(FAMILIES)[2]

    def measured(family: str) -> Iterator[Point]:
        if family == last and "interrupted" not in counted_now:
            counted_now.append("interrupted")
            raise KeyboardInterrupt
        counted_now.append(family)
        yield Point(family, rows_of(LOOKUP, 1, 16 * len(counted_now)), 40 + len(counted_now))

    monkeypatch.setattr(cost_table, "measured", measured)
    with pytest.raises(KeyboardInterrupt):
        measure_table(path, on_family=lambda done, name: None)
    assert [point.case for point in read_table(path).points] == list(FAMILIES)[:2]
    told: list[tuple[int, str]] = []
    made = measure_table(path, on_family=lambda done, name: told.append((done, name)))
    assert counted_now == [*list(FAMILIES)[:2], "interrupted", *list(FAMILIES)[2:]]
    assert told[-1] == (len(FAMILIES), "")
    assert read_table(path) == made
    older = replace(made, families={**made.families, last: "of other sources"})
    path.write_text(older.to_json())
    assert stale(older) == (last,)
    measure_table(path, on_family=lambda done, name: None)
    assert counted_now[-1] == last
    assert len(counted_now) == len(FAMILIES) + 2
    assert stale(read_table(path)) == ()


def test_another_file_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text('{"mine": 1}')
    with pytest.raises(BadInput, match="cost table"):
        measure_table(path, on_family=lambda done, name: None)
    assert path.read_text() == '{"mine": 1}'
