"""The paired bootstrap of an epoch, beside scikit-learn on each draw and on what is known."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from model_gen.evaluation.bootstrap import draw
from model_gen.training.qat.gain import Gain, Heard

METRICS = ("ap", "roc-auc", "top1", "loss")


def _heard(quality: float, seed: int, recordings: int = 60) -> tuple[np.ndarray, list[str], Heard]:
    """Three labels; each recording at three places, which score alike."""
    rng = np.random.default_rng(seed)
    wanted = np.repeat(np.eye(3)[np.arange(recordings) % 3], 3, axis=0)
    noise = np.repeat(rng.normal(0, 1, (recordings, 3)), 3, axis=0)
    scores = 1 / (1 + np.exp(-(quality * (2 * wanted - 1) + noise)))
    losses = -(wanted * np.log(scores) + (1 - wanted) * np.log(1 - scores)).mean(axis=1)
    names = [f"{i}.wav" for i in np.repeat(np.arange(recordings), 3)]
    return wanted, names, Heard(scores, losses)


@pytest.mark.parametrize("metric", METRICS)
def test_a_gain_is_sure_where_it_is_large_and_not_where_it_is_none(metric: str) -> None:
    wanted, names, poor = _heard(0.2, seed=1)
    good = _heard(2.0, seed=1)[2]
    assert Gain(metric, wanted, names, poor).is_sure(good)
    assert not Gain(metric, wanted, names, good).is_sure(poor)
    assert not Gain(metric, wanted, names, poor).is_sure(poor)


@pytest.mark.parametrize("metric", METRICS)
def test_what_another_noise_gives_is_mostly_not_sure(metric: str) -> None:
    """Of equally good models, one is surely better in few of many pairs, whatever its own figure."""
    sure = 0
    for seed in range(40):
        wanted, names, one = _heard(0.5, seed=2 * seed)
        sure += Gain(metric, wanted, names, _heard(0.5, seed=2 * seed + 1)[2]).is_sure(one)
    assert sure <= 5  # 2.5 % of 40 is one


def test_places_of_a_recording_are_drawn_together() -> None:
    """A gain in one recording of two is not made sure by its being judged thrice."""
    wanted = np.repeat(np.eye(2), 3, axis=0)
    names = ["a"] * 3 + ["b"] * 3
    before = Heard(np.full((6, 2), 0.5), np.full(6, 1.0))
    now = Heard(before.scores, np.array([0.1] * 3 + [1.1] * 3))
    assert not Gain("loss", wanted, names, before).is_sure(now)


def test_one_recording_says_nothing() -> None:
    wanted, before = np.eye(2)[:1], Heard(np.full((1, 2), 0.5), np.ones(1))
    assert not Gain("loss", wanted, ["a"], before).is_sure(Heard(before.scores, np.zeros(1)))
    assert not Gain("ap", wanted, ["a"], before).is_sure(before)


def test_the_macro_metrics_are_scikit_learn_s_on_each_draw() -> None:
    wanted, names, heard = _heard(0.7, seed=5, recordings=12)
    weights = draw(names, draws=5).weights
    for metric, naive in (("ap", average_precision_score), ("roc-auc", roc_auc_score)):
        found = Gain(metric, wanted, names, heard)._values(heard, weights)
        for row, value in zip(weights, found, strict=True):
            columns = [
                naive(wanted[:, i], heard.scores[:, i], sample_weight=row)
                for i in range(3)
                if 0 < (row * wanted[:, i]).sum() < row.sum()
            ]
            assert value == pytest.approx(np.mean(columns))
