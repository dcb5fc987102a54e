"""What is measured, how it is summed up, and that a run that was cut off goes on."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput, HostFailure
from model_gen.evaluation.family import measure
from model_gen.evaluation.family.jobs import BIRDS, DIGITS, Job, jobs_of, options_for
from model_gen.evaluation.family.measure import train_all
from model_gen.evaluation.family.page import DATA, text
from model_gen.evaluation.family.scores import KINDS, Scores, macro_precision
from model_gen.evaluation.family.table import HEADING, Cost, rows_of
from model_gen.evaluation.metrics import evaluate_scores

SPEAKERS = ("ann", "bea", "cid", "dot")


def some(seed: int, count: int = 40) -> Scores:
    rng = np.random.default_rng(seed)
    wanted = np.eye(4, dtype=np.int8)[rng.integers(0, 4, count)]
    noise = {kind: rng.random((count, 4)) for kind in KINDS}
    return Scores(wanted, {k: 0.5 * wanted + 0.5 * v for k, v in noise.items()}, 7, 1000)


def test_jobs_are_each_speaker_once_and_the_birds() -> None:
    jobs = jobs_of(Path("d"), SPEAKERS, Path("b"))
    assert [(job.data, job.test, job.val, job.preset) for job in jobs[:3]] == [
        (DIGITS, "ann", "bea", "release"),
        (DIGITS, "ann", "bea", "april"),
        (DIGITS, "bea", "cid", "release"),
    ]
    assert len(jobs) == 10
    assert [job.data for job in jobs[-2:]] == [BIRDS, BIRDS]
    assert len({job.name for job in jobs}) == 10
    assert len(jobs_of(None, (), Path("b"))) == 2
    assert len(jobs_of(Path("d"), SPEAKERS, Path("b"), tests=["cid"])) == 4
    with pytest.raises(BadInput, match="--speakers must name"):
        jobs_of(Path("d"), SPEAKERS, Path("b"), tests=["cit"])


def test_a_preset_s_options_are_its_own_but_for_geometry_and_split() -> None:
    release, april = (
        options_for(Job(DIGITS, "d", preset, "ann", "bea"), Path("out"))
        for preset in ("release", "april")
    )
    assert (release.test_group, release.val_group) == (("ann",), ("bea",))
    assert (release.sample_rate, april.sample_rate) == (8000, 8000)
    assert (release.se, april.se) == (False, True)
    assert (release.epochs, april.epochs) == (36, 50)
    birds = options_for(Job(BIRDS, "b", "april", epochs=3), Path("out"))
    assert (birds.chunk_duration, birds.epochs, birds.test_group) == (3.0, 3, ())


def test_the_mean_over_folds_and_its_interval() -> None:
    folds = [some(1), some(2)]
    found = macro_precision(folds, "int8")
    labels = ("a", "b", "c", "d")
    each = [evaluate_scores(f.wanted, f.kinds["int8"], labels).average_precision for f in folds]
    assert found.value == pytest.approx(np.mean([value for value in each if value is not None]))
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(200):  # the same, by drawing recordings themselves
        values = []
        for fold in folds:
            rows = rng.integers(0, len(fold.wanted), len(fold.wanted))
            one = evaluate_scores(fold.wanted[rows], fold.kinds["int8"][rows], labels)
            assert one.average_precision is not None
            values.append(one.average_precision)
        drawn.append(np.mean(values))
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert found.low == pytest.approx(low, abs=0.02)
    assert found.high == pytest.approx(high, abs=0.02)


def test_scores_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "scores.npz"
    path.write_bytes(some(3).to_npz())
    back = Scores.read(path)
    assert (back.epochs, back.parameters) == (7, 1000)
    for kind in KINDS:
        np.testing.assert_array_equal(back.kinds[kind], some(3).kinds[kind])


def test_rows_gather_folds_and_name_the_dearest_cost() -> None:
    jobs = jobs_of(Path("d"), SPEAKERS[:3], Path("b"))
    costs = [Cost(10 + i, 20 + i, 30 + i) for i in range(len(jobs))]
    rows = rows_of(jobs, [some(i) for i in range(len(jobs))], costs)
    assert [(row.data, row.preset, row.kind) for row in rows[:3]] == [
        (DIGITS, "release", "float"), (DIGITS, "release", "int8"), (DIGITS, "april", "float"),
    ]  # fmt: skip
    assert (rows[0].folds, rows[0].recordings, rows[0].macs) == (3, 120, 14)
    assert all(len(row.cells()) == len(HEADING) for row in rows)
    assert rows[0].cells()[-3:] == ("", "", "")
    assert rows[1].cells()[-1] == "34"


def test_what_was_made_is_not_made_again_and_what_was_cut_off_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def run(job: Job, folder: Path) -> None:
        assert list(folder.iterdir()) == []
        ran.append(job.name)
        if len(ran) == 2:
            (folder / "half").write_text("")
            raise HostFailure("a training failed", evidence="killed", next_step="again")
        (folder / "scores.npz").write_bytes(some(1).to_npz())

    monkeypatch.setattr(measure, "_run", run)
    jobs = jobs_of(None, (), tmp_path / "b")
    with pytest.raises(HostFailure):
        train_all(jobs, tmp_path / "out")
    folders = train_all(jobs, tmp_path / "out")
    assert ran == [jobs[0].name, jobs[1].name, jobs[1].name]
    assert all((folder / "scores.npz").is_file() for folder in folders)
    told = json.loads((folders[0] / "job.json").read_text())
    assert {key: told[key] for key in asdict(jobs[0])} == asdict(jobs[0])


@pytest.mark.skipif(not DATA.is_file(), reason="not measured yet")
def test_the_page_is_the_data_s() -> None:
    """`python -m model_gen.evaluation.family.page > docs/family.md` mends it."""
    data: dict[str, Any] = json.loads(DATA.read_text())
    assert DATA.with_name("family.md").read_text() == text(data)
