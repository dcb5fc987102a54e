"""Every recipe, from clips to figures, for one epoch; and what is kept of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from host.errors import BadInput, HostFailure
from model_gen.evaluation.learning import run as module
from model_gen.evaluation.learning.child import Job
from model_gen.evaluation.learning.conditions import CONDITIONS
from model_gen.evaluation.learning.recipes import OURS, RECIPES, version_of
from model_gen.evaluation.learning.result import FLOAT, INT8, Run
from model_gen.evaluation.learning.run import LearningOptions, chosen_recipes, measure, run_job
from model_gen.evaluation.learning.speakers import digest_of, read_clips
from model_gen.evaluation.learning.testing import made_up, write_clips
from model_gen.evaluation.lines import line_of, read_lines


@pytest.mark.slow
def test_every_recipe_runs_and_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = LearningOptions(
        write_clips(tmp_path / "data"), tmp_path / "out.jsonl", speakers=("cy",), seeds=1, epochs=1
    )
    runs = measure(options)
    assert [run.recipe for run in runs] == list(RECIPES)
    for run in runs:
        assert (run.test, run.val, run.seed, run.epochs) == ("cy", "ada", 1, 1)
        assert run.processor > 0
        kinds = {FLOAT, INT8} if run.recipe in OURS and not run.int8_refused else {FLOAT}
        assert set(run.top1) == kinds
        for found in run.top1.values():
            assert list(found) == list(CONDITIONS)
            assert all(value * 8 == int(value * 8) for value in found.values())  # of 8 clips
    with options.out.open("ab") as stream:
        stream.write(b'{"recipe": "tod')  # killed while it wrote
    monkeypatch.setattr(module, "run_job", lambda job: pytest.fail(f"{job} is done"))
    assert measure(options) == runs


def test_only_what_is_missing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out = write_clips(tmp_path / "data"), tmp_path / "new" / "out.jsonl"
    digest = digest_of(read_clips(data))
    made: list[Job] = []

    def run_job(job: Job) -> object:
        made.append(job)
        top1 = {FLOAT: dict.fromkeys(CONDITIONS, 0.5)}
        if job.int8:
            top1[INT8] = top1[FLOAT]
        return made_up(
            job.recipe,
            0.5,
            version=version_of(job.recipe),
            data=digest,
            test=job.test,
            seed=job.seed,
            top1=top1,
        )

    monkeypatch.setattr(module, "run_job", run_job)
    options = LearningOptions(data, out, recipes=OURS, seeds=2, float_only=True)
    assert len(measure(options)) == len(made) == 12  # three speakers, two seeds, two recipes
    assert [(j.seed, j.test, j.recipe) for j in made[:3]] == [
        (1, "ada", "today"),
        (1, "ada", "release"),
        (1, "bo", "today"),
    ]
    made.clear()
    # A table of one recipe has what is kept of the other, for the same speakers and seeds alone.
    again = measure(replace(options, recipes=("release",), speakers=("bo",), seeds=1))
    assert not made
    assert [run.key for run in again] == [("today", "bo", 1), ("release", "bo", 1)]
    # Another seed, int8 figures, another recipe of that name or other data are not kept.
    measure(replace(options, seeds=3))
    assert {job.seed for job in made} == {3}
    made.clear()
    measure(replace(options, speakers=("bo",), float_only=False))
    assert len(made) == 4
    made.clear()
    text = out.read_text().replace(version_of("release"), "another")
    out.write_text(text)
    measure(options)
    assert {job.recipe for job in made} == {"release"}
    made.clear()
    out.write_text(text.replace(digest, "another"))
    measure(options)
    assert len(made) == 12


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text(line_of(made_up("today", 0.5)) + "{}\n")
    with pytest.raises(BadInput, match="line 2"):
        read_lines(Run, out, "it")


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(HostFailure, match="is not a folder"):
        run_job(Job("today", str(tmp_path / "none"), "ada", 1, int8=False))


def test_recipes_are_each_once_and_in_order() -> None:
    assert chosen_recipes(()) == RECIPES
    assert chosen_recipes(("release", "today", "release")) == ("today", "release")
