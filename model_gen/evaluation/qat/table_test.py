"""The tables of models that were never trained, and the page of what was measured."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from model_gen.evaluation.bootstrap import draw
from model_gen.evaluation.family.jobs import DIGITS
from model_gen.evaluation.family.jobs import Job as Training
from model_gen.evaluation.family.scores import Scores
from model_gen.evaluation.qat import page
from model_gen.evaluation.qat.jobs import FAITHFUL, FLOAT, KINDS, LEARN, OWN, Job, seeds_of
from model_gen.evaluation.qat.kept_seed import kept_seed
from model_gen.evaluation.qat.results import Results
from model_gen.evaluation.qat.table import HEADING, PAIR_HEADING, Pair, tables, verdicts

TRAININGS = [Training(DIGITS, "d", "release", test, "cy") for test in ("ada", "bo")]
GOOD = dict(zip(KINDS, (1.0, 0.2, 0.5, 0.6, 0.99), strict=True))


def said_by(job: Job) -> Scores:
    """The better the kind, the less is drawn besides; the noise is of fold and seed."""
    rng = np.random.default_rng([job.seed, TRAININGS.index(job.training)])
    wanted = np.eye(3, dtype=np.int8)[np.arange(24 + TRAININGS.index(job.training)) % 3]
    scores = 0.6 * GOOD[job.kind] * wanted + rng.random(wanted.shape)
    learns = job.kind in LEARN
    seconds = 10.0 * job.seed if learns else math.nan
    return Scores(wanted, {job.kind: scores}, 8 if learns else 0, 100, seconds, 5 if learns else 0)


GROUPS = seeds_of(TRAININGS, 2)
JOBS = [job for jobs in GROUPS for job in jobs]
SCORES = [said_by(job) for job in JOBS]
MADE = {"date": "2000-01-01", "machine": {"cores": 2, "processor": "P"}, "versions": {"keras": "3"}}
SEEDS = [
    kept_seed(
        jobs, [said_by(job) for job in jobs], [job.kind == FAITHFUL for job in jobs], "a", MADE
    )
    for jobs in GROUPS
]


def naive(kind: str, rows: dict[str | None, Any]) -> float:
    """Macro average precision, the mean over folds and seeds, of recordings as often as `rows` has them."""
    found = [
        average_precision_score(one.wanted[rows[job.training.test]], one.kinds[kind][rows[job.training.test]])
        for job, one in zip(JOBS, SCORES, strict=True)
        if job.kind == kind
    ]  # fmt: skip
    return float(np.mean(found))


def test_pairs_are_over_the_same_draws_of_each_fold() -> None:
    rows, pairs = tables(SEEDS)
    counts = {"ada": 24, "bo": 25}
    whole: dict[str | None, Any] = {name: np.arange(count) for name, count in counts.items()}
    for row in rows:
        assert row.ap == pytest.approx(naive(row.kind, whole))
    weights = {
        name: draw([str(i) for i in range(count)], seed=42 + number).weights.astype(int)
        for number, (name, count) in enumerate(counts.items())
    }
    drawn = []
    for number in range(60):
        taken: dict[str | None, Any] = {
            name: np.repeat(whole[name], weights[name][number]) for name in counts
        }
        if all(len(set(rows % 3)) == 3 for rows in taken.values()):
            drawn.append(naive(OWN, taken) - naive(FLOAT, taken))
    pair = next(one for one in pairs if (one.kind, one.than) == (OWN, FLOAT))
    assert pair.difference == pytest.approx(naive(OWN, whole) - naive(FLOAT, whole))
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert [pair.low, pair.high] == pytest.approx([low, high], abs=0.03)
    assert pair.apart
    faithful = rows[KINDS.index(FAITHFUL)]
    assert (faithful.recordings, faithful.folds, faithful.seeds, faithful.exact) == (49, 2, 2, 4)
    assert (faithful.processor, faithful.kept) == (15, 5)
    assert rows[0].processor is None
    assert all(len(row.cells()) == len(HEADING) for row in rows)


def test_verdicts_hold_release_against_its_limit_and_name_what_is_worse() -> None:
    def told(preset: str, loss: float, beside: tuple[float, float, float]) -> str:
        pairs = [
            Pair("birds", preset, FAITHFUL, FLOAT, -loss, -1, 1),
            Pair("birds", preset, FAITHFUL, OWN, *beside),
        ]
        return verdicts(pairs)[0]

    assert "0.0030 to float (0.003 at most: reached); not" in told("release", 0.003, (0.1, -1, 1))
    assert "MISSED); worse than PTQ by 0.1000" in told("release", 0.004, (-0.1, -0.2, -0.01))
    assert "0.0040 to float; better than PTQ" in told("april", 0.004, (0.1, 0.01, 0.2))


def test_the_page_has_both_tables_and_says_when_each_seed_was_measured() -> None:
    later = replace(SEEDS[1], made={**MADE, "date": "2000-02-02"})
    text = page.text(Results().add(SEEDS[0]).add(later))
    for words in (
        "* release on digits, seed 1: on 2000-01-01, on 2 cores of P, with keras 3.",
        "* release on digits, seed 2: on 2000-02-02, on 2",
        f"| {' | '.join(HEADING)} |",
        f"| {' | '.join(PAIR_HEADING)} |",
        "49 in 2 folds | 2 | 8 | 5.0 | 15 | 4 exact |",
        "| digits | release | QAT, faithful | PTQ, own ranges | +",
        "* release on digits: faithful loses",
    ):
        assert words in text, words


def test_the_page_is_what_was_measured() -> None:
    """`python -m model_gen.evaluation.qat.page > docs/qat-results.md` mends it."""
    measured = page.text(Results.read(page.DATA))
    assert page.DATA.with_suffix(".md").read_text(encoding="utf-8") == measured
