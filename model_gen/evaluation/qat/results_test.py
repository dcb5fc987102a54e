"""Results that several sittings add to; what was measured is made up, and the draws are real."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from host.cli import bench_qat, main
from host.errors import BadInput
from model_gen.evaluation.family.jobs import BIRDS, DIGITS
from model_gen.evaluation.family.jobs import Job as Training
from model_gen.evaluation.learning.testing import write_clips
from model_gen.evaluation.qat.jobs import Job, seeds_of
from model_gen.evaluation.qat.kept_seed import KeptSeed, asked_of, content_of
from model_gen.evaluation.qat.results import Results
from model_gen.evaluation.qat.table import tables
from model_gen.evaluation.qat.table_test import SEEDS


def written(path: Path, results: Results) -> Results:
    path.write_text(json.dumps(results.to_json(), allow_nan=False))
    return Results.read(path)


def test_a_seed_at_a_time_comes_to_the_rows_of_all_at_once(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results = written(path, Results.read(path).add(SEEDS[1]))  # in whatever order
    results = written(path, results.add(SEEDS[0]))
    assert [list(results.rows), list(results.pairs)] == list(tables(SEEDS))
    assert [one.seed for one in results.seeds] == [1, 2]


def test_other_rows_stay_and_what_was_asked_otherwise_goes(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    before = Results().add(SEEDS[0]).add(SEEDS[1])
    unknown = tuple(
        replace(one, asked="", kinds={}) for one in before.seeds
    )  # rows are all there is
    before = written(path, replace(before, seeds=unknown))
    april = written(path, before.add(replace(SEEDS[0], preset="april")))
    assert april.rows[:5] == before.rows
    assert {(row.preset, row.seeds) for row in april.rows} == {("release", 2), ("april", 1)}
    birds = written(path, Results().add(replace(SEEDS[0], data=BIRDS)).add(SEEDS[0]))
    assert [row.data for row in birds.rows] == [DIGITS] * 5 + [BIRDS] * 5
    again = written(path, april.add(SEEDS[1]))
    assert {(row.preset, row.seeds) for row in again.rows} == {("release", 1), ("april", 1)}


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "nightjar/qat-bench/1"}', '{"schema": 2}'])
def test_a_file_of_something_else_is_not_written_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(BadInput, match="are added to a file of"):
        bench_qat.bench_qat(None, results_path=path, data_path=tmp_path / "none", seeds=1)
    assert path.read_text() == text


def test_what_is_asked_is_of_recipes_and_recordings_whatever_the_seed(tmp_path: Path) -> None:
    clips = write_clips(tmp_path / "one")
    content = content_of(clips)
    assert content == content_of(write_clips(tmp_path / "two"))
    first, second = seeds_of([Training(DIGITS, str(clips), "release", "ada", "bo")], 2)
    assert asked_of(first, content) == asked_of(second, content)
    few = [replace(job, training=replace(job.training, epochs=1)) for job in first]
    others = [replace(job, training=replace(job.training, test="cy")) for job in first]
    assert len({asked_of(jobs, content) for jobs in (first, few, others)}) == 3
    next(clips.rglob("*.wav")).unlink()
    assert content_of(clips) != content


def test_the_command_adds_what_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = write_clips(tmp_path / "clips")
    measured: list[tuple[str, int]] = []

    def of(jobs: list[Job], asked: str) -> KeptSeed:
        first = jobs[0]
        measured.append((first.training.data, first.seed))
        if measured[2:] == [(DIGITS, 2)]:
            raise KeyboardInterrupt  # the end of a sitting
        return replace(SEEDS[0], data=first.training.data, seed=first.seed, asked=asked)

    monkeypatch.setattr(bench_qat, "_measured", of)
    monkeypatch.chdir(tmp_path)
    data = (clips, ("ada", "bo", "cy"), clips)
    monkeypatch.setattr(bench_qat, "folders_of_data", lambda *_: data)
    path, told = Path("-"), tmp_path / "told.json"  # a file, which a stream would not add up

    def bench(seeds: int) -> object:
        words = ["bench", "qat", "--preset", "release", "--data-path", str(clips)]
        with pytest.raises(SystemExit) as ended:
            main([*words, "--seeds", str(seeds), "--results", str(path), "--json", str(told)])
        return ended.value.code

    assert bench(2) == 130
    assert {row.seeds for row in Results.read(path).rows} == {1}
    assert not told.exists()
    assert not bench(2)
    assert measured == [(DIGITS, 1), (BIRDS, 1), (DIGITS, 2), (DIGITS, 2), (BIRDS, 2)]
    content = path.read_bytes()
    assert told.read_bytes() == content
    capsys.readouterr()
    assert not bench(1)
    assert len(measured) == 5
    assert path.read_bytes() == content
    assert {row.seeds for row in Results.read(path).rows} == {2}
    assert "release on birds: faithful" in capsys.readouterr().out
