import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_gen.training.options import TrainOptions
from model_gen.training.selection import SELECTIONS, better, is_judged
from model_gen.training.state import EpochResult

ROW = EpochResult(1, 0.1, 0.5, val_loss=0.5, val_ap=0.5, val_roc_auc=0.5, val_top1=0.5)
FIELDS = {"ap": "val_ap", "roc-auc": "val_roc_auc", "top1": "val_top1"}


def row(name: str, score: float, **more: Any) -> EpochResult:
    """ROW with another score of that selection's."""
    changes: dict[str, Any] = {FIELDS[name]: score, **more}
    return replace(ROW, **changes)


def test_the_first_epoch_is_the_best_so_far() -> None:
    assert all(better(name, ROW, None) for name in SELECTIONS)


@pytest.mark.parametrize("name", FIELDS)
def test_of_equals_the_lower_loss_is_better_and_then_the_earlier(name: str) -> None:
    worse_loss = row(name, 0.6, val_loss=0.9)
    assert better(name, worse_loss, ROW)
    assert not better(name, ROW, worse_loss)
    assert better(name, replace(ROW, val_loss=0.4), ROW)
    assert not better(name, replace(ROW, epoch=2), ROW)


@pytest.mark.parametrize("name", FIELDS)
def test_without_a_score_the_loss_decides(name: str) -> None:
    unknown = row(name, math.nan)
    assert better(name, ROW, unknown)
    assert not better(name, unknown, ROW)
    assert better(name, replace(unknown, val_loss=0.4), unknown)


@given(st.floats(0, 9), st.floats(0, 9))
def test_loss_alone(new: float, old: float) -> None:
    got = better("loss", replace(ROW, val_loss=new, val_ap=0.1), replace(ROW, val_loss=old))
    assert got == (new < old)


def test_the_last_judged_epoch_is_kept_however_good_it_is() -> None:
    worse = replace(ROW, epoch=2, val_loss=9, val_ap=0)
    unjudged = replace(worse, epoch=3, val_loss=math.nan)
    assert better("last", worse, ROW)
    assert not better("last", unjudged, worse)
    assert better("last", replace(worse, epoch=4), unjudged)


@given(st.integers(1, 40), st.integers(1, 50))
def test_where_the_last_is_kept_some_epochs_are_judged_and_the_last_is(
    epochs: int, every: int
) -> None:
    options = TrainOptions(Path("data"), epochs=epochs, validate_every=every)
    judged = [epoch for epoch in range(1, epochs + 1) if is_judged(options, epoch)]
    assert judged == sorted({*range(every, epochs + 1, every), epochs})
    assert is_judged(replace(options, select="ap"), 1)
