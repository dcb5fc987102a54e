import time

import numpy as np
import pytest

from model_gen.evaluation.bootstrap import Interval, compare, draw, interval
from model_gen.evaluation.pooling import POOLINGS
from model_gen.evaluation.quality import FIGURES, judge, statistics
from model_gen.evaluation.testing import example
from model_gen.evaluation.thresholds import best_f1


def test_every_draw_is_the_figures_of_the_recordings_drawn() -> None:
    """Naively: the recordings of each draw are listed, as often as drawn, and judged anew."""
    wanted, scores = example()
    thresholds = best_f1(wanted, scores)
    weights = draw([str(i) for i in range(40)], draws=25).weights
    whole, classes = statistics(wanted, scores, thresholds, 2, weights)
    assert set(whole) == set(FIGURES)
    for i, row in enumerate(weights.astype(int)):
        w, s = np.repeat(wanted, row, axis=0), np.repeat(scores, row, axis=0)
        again = judge(
            w, s, ("a", "b", "c"), thresholds=thresholds, k=2, weights=np.ones((1, len(w)))
        )
        for name in FIGURES:
            assert whole[name][i] == pytest.approx(again.figures[name]), name
        for label, place in zip("abc", range(3), strict=True):
            for name, value in again.per_class[label].items():
                assert classes[name][i, place] == pytest.approx(value), (label, name)


def test_what_belongs_together_is_drawn_together() -> None:
    drawn = draw(["anna", "bob", "anna", "carl"], draws=500, seed=7)
    assert (drawn.units, drawn.what) == (3, "group")
    np.testing.assert_array_equal(drawn.weights[:, 0], drawn.weights[:, 2])
    counts = drawn.weights[:, [0, 1, 3]]
    np.testing.assert_array_equal(counts.sum(axis=1), 3)
    assert counts.mean(axis=0) == pytest.approx([1, 1, 1], abs=0.1)
    assert draw(["a", "b"]).what == "recording"
    np.testing.assert_array_equal(
        draw(["a", "b"], seed=3).weights, draw(["c", "d"], seed=3).weights
    )


def test_the_interval_is_of_percentiles_as_a_naive_loop_finds_them() -> None:
    _, scores = example(60)
    values = scores[:, 0]
    drawn = draw([str(i) for i in range(60)], draws=4000)
    got = interval(drawn.weights @ values / 60)
    rng = np.random.default_rng(1)
    means = sorted(float(rng.choice(values, 60).mean()) for _ in range(4000))
    assert got is not None
    assert (got.low, got.high) == pytest.approx((means[100], means[3899]), abs=0.005)
    assert interval(np.array([np.nan, np.nan, 1.0, 2.0])) is None
    assert interval(np.array([1.0, 1.0, np.nan])) == Interval(1, 1)


def test_two_models_are_compared_draw_by_draw() -> None:
    """What both get wrong alike does not widen the interval of their difference."""
    wanted, scores = example(120)
    weights = draw([str(i) for i in range(120)], draws=300).weights
    better = np.clip(scores + 0.1 * wanted, 0, 1)
    made = [
        judge(wanted, s, ("a", "b", "c"), thresholds=best_f1(wanted, s), k=2, weights=weights)
        for s in (better, scores)
    ]
    found = compare(made[0].figures, made[1].figures, made[0].draws, made[1].draws)
    apart = found["average_precision"]
    assert apart is not None
    assert 0 < apart.low <= apart.difference <= apart.high
    assert apart.above == 1
    own = made[0].intervals["average_precision"]
    assert own is not None
    assert apart.high - apart.low < own.high - own.low
    same = compare(made[0].figures, made[0].figures, made[0].draws, made[0].draws)
    assert all(one is not None and (one.low, one.high) == (0, 0) for one in same.values())


def test_a_thousand_draws_of_three_poolings_are_quick() -> None:
    wanted, scores = example(300, 10)
    weights = draw([str(i) for i in range(300)]).weights
    judge(
        wanted, scores, tuple("abcdefghij"), thresholds=np.full(10, 0.5), k=3, weights=weights[:2]
    )
    begun = time.process_time()
    for _ in POOLINGS:
        statistics(wanted, scores, np.full(10, 0.5), 3, weights)
    assert time.process_time() - begun < 4  # 1.0 s measured


def test_one_unit_has_no_interval() -> None:
    wanted, scores = example()
    drawn = draw(["anna"] * 40, draws=20)
    assert (drawn.units, drawn.what) == (1, "group")
    got = judge(wanted, scores, ("a", "b", "c"), thresholds=np.zeros(3), k=1, weights=drawn.weights)
    assert set(got.intervals.values()) == {None}
    assert got.figures["average_precision"] is not None
