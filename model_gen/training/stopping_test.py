import math
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from model_gen.training.options import TrainOptions
from model_gen.training.schedule import learning_rate, warmup_of
from model_gen.training.stopping import ended, late_start


@given(st.integers(1, 200), st.integers(0, 9))
def test_late_is_where_the_rate_is_below_a_quarter_of_its_peak(epochs: int, warmup: int) -> None:
    options = TrainOptions(Path("data"), epochs=epochs, warmup_epochs=warmup)
    rates = [
        learning_rate(
            epoch, peak=1, steps_per_epoch=1, epochs=epochs, warmup_epochs=warmup_of(options)
        )
        for epoch in range(warmup_of(options), epochs)
    ]
    early = sum(rate > 0.25 + 1e-9 for rate in rates)
    assert late_start(options) == warmup_of(options) + early


@given(st.integers(1, 40), st.integers(1, 12), st.data())
def test_patience_counts_epochs_without_a_better_one(
    epochs: int, patience: int, data: st.DataObject
) -> None:
    done = data.draw(st.integers(1, epochs))
    best = data.draw(st.integers(1, done))
    for stopping in ("patience", "late-patience"):
        options = TrainOptions(
            Path("data"),
            epochs=epochs,
            patience=patience,
            stopping=stopping,
            warmup_epochs=0,
            select="ap",
        )
        first = 1 if stopping == "patience" else math.ceil(epochs * 2 / 3) + 1
        waited = sum(1 for epoch in range(first, done + 1) if epoch > best)
        assert ended(options, done, best) == (done == epochs or waited >= patience)
        assert ended(replace(options, select="last"), done, best) == (done == epochs)
