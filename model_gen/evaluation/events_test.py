import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_gen.evaluation.events import peaks_of, recall_of


def test_an_event_is_found_by_a_window_that_covers_a_quarter_of_a_second() -> None:
    begins, owner = np.array([0.0, 1.0, 0.0]), np.array([0, 0, 1])
    scores = np.array([[0.9, 0.0], [0.1, 0.8], [0.7, 0.2]])
    events: list[list[tuple[float, float, int]]] = [
        [(0.5, 0.7, 0), (1.8, 2.3, 1), (1.75, 4, 1), (1.8, 4, 1), (0.99, 0.99, 0)],
        [(5, 6, 0)],
    ]
    got = peaks_of(events, begins, owner, 1.0, scores)
    # Whole in the first window; 0.2 of 0.5 s of the second; just 0.25 s of it; less; a point.
    assert got.peak.tolist() == [0.9, 0.8, 0.9]
    assert got.label.tolist() == [0, 1, 0]
    assert got.unheard == 3


@given(st.integers(0, 500))
def test_recall_beside_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(4), 5)
    begins = np.tile(np.arange(5) * 0.5, 4)
    scores = rng.random((20, 2))
    events = [
        [(t, t + rng.random(), int(rng.integers(0, 2))) for t in rng.random(3) * 2]
        for _ in range(4)
    ]
    thresholds = np.array([0.6, 0.8])
    peaks = peaks_of(events, begins, owner, 1.0, scores)
    got = recall_of(peaks, ("a", "b"), thresholds, np.ones((1, 4)))
    assert got is not None
    found: dict[int, list[bool]] = {0: [], 1: []}
    for recording, own in enumerate(events):
        for start, end, label in own:
            hit = False
            for begin, of, score in zip(begins, owner, scores, strict=True):
                common = min(end, begin + 1) - max(start, begin)
                if of == recording and common >= min(0.25, end - start):
                    hit |= bool(score[label] >= thresholds[label])
            found[label].append(hit)
    every = found[0] + found[1]
    assert got.micro == pytest.approx(np.mean(every))
    assert got.events + got.unheard == 12
    shares = [np.mean(f) for f in found.values() if f]
    assert got.macro == pytest.approx(np.mean(shares))


def test_no_event_is_no_recall() -> None:
    none = peaks_of([[], []], np.zeros(2), np.arange(2), 1.0, np.ones((2, 1)))
    assert recall_of(none, ("a",), np.ones(1), np.ones((1, 2))) is None
