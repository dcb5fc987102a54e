"""What a search is worth: what is asked, by how much one is better, and the page of it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from host.errors import HostFailure
from host.report.tuning_html_test import FOUND
from model_gen.evaluation.bootstrap import draw
from model_gen.evaluation.family import child
from model_gen.evaluation.family.scores import Scores
from model_gen.evaluation.learning.speakers import Fold
from model_gen.tuning import bench, page, run
from model_gen.tuning.bench import BenchOptions, Measured, again, difference, given_for
from model_gen.tuning.bench_payload import payload
from model_gen.tuning.plan import Plan

FOLD = Fold("george", "jackson", ("lucas",))


def _scores(seed: int, good: float) -> Scores:
    """Of 30 recordings in three classes; the higher `good`, the better they are told apart."""
    rng = np.random.default_rng(seed)
    wanted = np.eye(3, dtype=np.int8)[np.arange(30) % 3]
    given = good * wanted + rng.random((30, 3))
    return Scores(wanted, {"float": given, "int8": given.round(1)}, epochs=36, parameters=100)


def _naive(scores: Sequence[Scores], rows: Any) -> float:
    """Macro average precision of recordings, as often as they are in `rows`; the mean over seeds."""
    of = [average_precision_score(s.wanted[rows], s.kinds["float"][rows]) for s in scores]
    return float(np.mean(of))


def test_the_difference_is_of_the_same_draws() -> None:
    first, second = ([_scores(seed, good) for seed in (1, 2)] for good in (0.9, 0.4))
    found = difference(first, second, "float")
    everything = np.arange(30)
    assert found.difference == pytest.approx(_naive(first, everything) - _naive(second, everything))
    weights = draw([str(i) for i in range(30)]).weights[:40].astype(int)
    several = [np.repeat(everything, row) for row in weights]
    naive = [_naive(first, rows) - _naive(second, rows) for rows in several]
    assert min(naive) - 0.1 < found.low < found.difference < found.high < max(naive) + 0.1
    assert found.above > 0.9
    assert difference(first, first, "int8").difference == 0


def test_what_is_asked_is_a_search_of_the_fold_and_the_same_of_another_seed(tmp_path: Path) -> None:
    options = BenchOptions(tmp_path, tmp_path, trials=7, budget_macs=9)
    plan = Plan.of("release", given_for(options, FOLD))
    assert plan.options.test_group == ("george",)
    assert plan.options.val_group == ("jackson",)
    assert (plan.options.n_trials, plan.options.budget_macs, plan.study) == (7, 9, "george-9-macs")
    made = again(plan, {"alpha": 0.5}, 3, 2, tmp_path / "x")
    assert (made.alpha, made.seed, made.tune) == (0.5, 2, False)
    assert made.checkpoint_path == tmp_path / "x" / "model.keras"


def test_a_model_is_trained_again_for_other_options_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def scores_of(options: Any) -> Scores:
        asked.append(options.seed)
        options.checkpoint_path.parent.mkdir(exist_ok=True)
        return _scores(options.seed, 0.5)

    monkeypatch.setattr(child, "scores_of", scores_of)
    plan = Plan.of("release", given_for(BenchOptions(tmp_path, tmp_path), FOLD))
    (tmp_path / "george").mkdir()
    first = bench._scores(plan, FOUND, 0, 1)
    again = bench._scores(plan, FOUND, 0, 1)
    assert np.array_equal(first.kinds["float"], again.kinds["float"])
    other = Plan.of("release", {**given_for(BenchOptions(tmp_path, tmp_path), FOLD), "l2": 0.1})
    bench._scores(other, FOUND, 0, 1)
    assert asked == [1, 1]


def test_the_best_and_the_default_are_trained_again_and_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, int]] = []

    def scores(plan: Plan, found: Any, number: int, seed: int) -> Scores:
        made.append((number, seed))
        return _scores(seed, 0.2 * number)

    monkeypatch.setattr(bench, "_scores", scores)
    monkeypatch.setattr(bench, "_fold", lambda options: FOLD)
    monkeypatch.setattr(run, "tune", lambda preset, given: FOUND)
    found = bench.measure(BenchOptions(tmp_path, tmp_path, seeds=2))
    assert isinstance(found, Measured)
    assert made == [(0, 1), (0, 2), (4, 1), (4, 2)]
    assert [(row.what, row.kind, row.trial) for row in found.rows] == [
        ("default", "float", 0),
        ("default", "int8", 0),
        ("best", "float", 4),
        ("best", "int8", 4),
    ]
    told = json.loads(json.dumps(payload(found)))
    assert str(tmp_path) not in json.dumps(told)
    text = page.text(told)
    for words in (
        "`george` tests, `jackson` validates",
        "7 trials, of 4,500,000 multiply-accumulates at most: 4 complete, 1 failed, 1 pruned",
        "| 1 | pruned | | 3,000,000 | 10 | 61 | epoch 5 of 36: 0.5 is below the median |",
        "| learning_rate | 0.750 |",
        "* float: the best has +",
        "* the best drew `--alpha 0.8139999979698003 --se",
        "| best, trial 4 | int8 |",
    ):
        assert words in text, words


def test_a_search_without_a_complete_trial_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_fold", lambda options: FOLD)
    monkeypatch.setattr(run, "tune", lambda preset, given: replace(FOUND, best=()))
    with pytest.raises(HostFailure, match="no trial of the search is complete"):
        bench.measure(BenchOptions(tmp_path, tmp_path))


@pytest.mark.skipif(not page.DATA.is_file(), reason="nobody has measured it")
def test_the_page_is_what_was_measured() -> None:
    measured = json.loads(page.DATA.read_text(encoding="utf-8"))
    assert page.DATA.with_suffix(".md").read_text(encoding="utf-8") == page.text(measured)
