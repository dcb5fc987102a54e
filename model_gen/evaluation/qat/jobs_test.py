"""Which models are made, of which options, and that each is made once; training itself has tests of its own."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_gen.evaluation.family.jobs import BIRDS, DIGITS
from model_gen.evaluation.family.jobs import Job as Training
from model_gen.evaluation.family.jobs import options_for as options_of_family
from model_gen.evaluation.family.measure import SCORES
from model_gen.evaluation.family.scores import Scores
from model_gen.evaluation.qat import measure
from model_gen.evaluation.qat.child import TAKEN
from model_gen.evaluation.qat.jobs import (
    FAITHFUL,
    FLOAT,
    KINDS,
    MODEL,
    SHADOW,
    Job,
    asked,
    options_for,
    seeds_of,
)

DIGIT = Training(DIGITS, "d", "release", "ann", "bea")
BIRD = Training(BIRDS, "b", "april")


def test_every_kind_of_every_training_a_seed_behind_the_other() -> None:
    other = replace(DIGIT, test="bea", val="ann")
    groups = seeds_of([DIGIT, BIRD, other], 2)
    assert [(job.training, job.seed, job.kind) for jobs in groups for job in jobs] == [
        (training, seed, kind)
        for seed in (1, 2)
        for trainings in ((DIGIT, other), (BIRD,))
        for training in trainings
        for kind in KINDS
    ]
    assert len({job.name for jobs in groups for job in jobs}) == 30


def test_the_float_model_of_seed_1_is_that_of_the_family_and_qat_has_its_own_defaults() -> None:
    out = Path("out")
    first, second = (options_for(Job(DIGIT, seed, FLOAT), out) for seed in (1, 2))
    assert first is not None
    assert second is not None
    assert first.recipe() == options_of_family(DIGIT, out).recipe()
    assert second == replace(first, seed=43, checkpoint_path=second.checkpoint_path)
    for kind, epochs in ((SHADOW, 10), (FAITHFUL, 8)):
        options = options_for(Job(BIRD, 2, kind), out)
        assert options is not None
        assert (options.qat_mode, options.epochs, options.seed) == (kind, epochs, 43)
        assert options.checkpoint_path == out / "birds-april-seed-2" / kind / MODEL
    few = options_for(Job(replace(BIRD, epochs=1), 1, FAITHFUL), out)
    assert few is not None
    assert few.epochs == 1
    assert options_for(Job(BIRD, 1, "own"), out) is None


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of jobs that were run, by a child that trains nothing."""
    names: list[str] = []

    def run(job: Job, folder: Path) -> None:
        names.append(job.name)
        if job.kind == FLOAT and not (folder / MODEL).is_file():
            (folder / MODEL).write_text(f"trained {len(names)}")
        (folder / SCORES).write_text("")

    monkeypatch.setattr(measure, "_run", run)
    return names


def test_what_begins_with_another_float_model_is_made_again(
    tmp_path: Path, made: list[str]
) -> None:
    (jobs,) = seeds_of([BIRD], 1)
    folders = measure.measure(jobs, tmp_path, tmp_path / "none")
    assert made == [job.name for job in jobs]
    measure.measure(jobs, tmp_path, tmp_path / "none")
    assert len(made) == 5
    (folders[0] / MODEL).unlink()  # the scores are there: nobody misses it but what begins with it
    (folders[0] / "job.json").unlink()
    measure.measure(jobs, tmp_path, tmp_path / "none")
    assert made[5:] == [job.name for job in jobs]


@pytest.mark.parametrize(("said", "taken"), [({}, True), ({"alpha": 0.5}, False)])
def test_a_float_model_of_the_same_recipe_is_taken_from_the_family(
    tmp_path: Path, made: list[str], said: dict[str, Any], taken: bool
) -> None:
    family = tmp_path / "family"
    folder = family / BIRD.name
    folder.mkdir(parents=True)
    for name in (MODEL, "model_model_config.json", "model_labels.txt", "model_split.csv"):
        (folder / name).write_text("of the family")
    scores = Scores(np.ones((1, 1)), {"float": np.ones((1, 1))}, 50, 9)
    (folder / SCORES).write_bytes(scores.to_npz())
    recipe = {**options_of_family(BIRD, folder).recipe(), **said}
    del recipe["qat_bits"]  # from before there was this option
    (folder / "job.json").write_text(json.dumps({"recipe": recipe}))
    job = Job(BIRD, 1, FLOAT)
    (found,) = measure.measure([job], tmp_path / "out", family)
    assert made == [job.name]
    assert ((found / MODEL).read_text() == "of the family") == taken
    assert (found / TAKEN).is_file() == taken
    measure.measure([replace(job, seed=2)], tmp_path / "out", family)
    assert (tmp_path / "out" / replace(job, seed=2).name / MODEL).read_text() == "trained 2"


def test_what_is_asked_tells_seeds_and_bases_apart() -> None:
    job = Job(BIRD, 1, FAITHFUL)
    out = Path("out")
    told = [asked(job, out, "a"), asked(job, out, "b"), asked(replace(job, seed=2), out, "a")]
    assert len({json.dumps(one) for one in told}) == 3
