from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_gen.data.dataset import index_dataset
from model_gen.data.features import Chunks, extract
from model_gen.data.selection import Selection
from model_gen.data.testing import CONTRACT, RATE, TINY, write_clips
from model_gen.training.options import TrainOptions
from model_gen.training.placement import Placement
from model_gen.training.randomness import factor, keyed
from model_gen.training.tempo import at_length

CHUNK = CONTRACT.chunk_samples


@settings(deadline=None)
@given(st.integers(1, 3000), st.floats(2 / 3, 1.5), st.integers(0, 99))
def test_a_sound_of_any_length_and_level_has_the_length_that_is_asked_for(
    samples: int, factor: float, seed: int
) -> None:
    loud = np.random.default_rng(seed).choice([-32768, 0, 32767], samples).astype(np.int16)
    length = max(1, round(samples / factor))
    got = at_length(loud, length)
    assert got.dtype == np.int16
    assert got.shape == (length,)
    assert at_length(loud, length).tobytes() == got.tobytes()
    assert at_length(loud, samples).tobytes() == loud.tobytes()


@pytest.mark.parametrize("factor", [0.67, 0.9, 0.999, 1.05, 1.5])
def test_pitch_and_tempo_change_together_by_the_factor(factor: float) -> None:
    """Against the tone itself, at the times that each sample is then of."""
    length = round(CHUNK * factor)
    tone = 9000 * np.sin(2 * np.pi * 200 * np.arange(length) / RATE)
    got = at_length(np.rint(tone).astype(np.int16), CHUNK)
    want = 9000 * np.sin(2 * np.pi * 200 * np.arange(CHUNK) * (length / CHUNK) / RATE)
    assert np.abs(got - want)[20:-20].max() < 60


def test_speeds_are_log_uniform_and_each_window_s_own() -> None:
    found = np.log([factor(0.25, "speed", 42, 1, "a.wav", window, 0) for window in range(2000)])
    most = np.log(1.25)
    assert -most <= found.min() < -0.99 * most
    assert 0.99 * most < found.max() <= most
    assert np.abs(np.histogram(found, 8, (-most, most))[0] - 250).max() < 70


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Chunks:
    root = tmp_path_factory.mktemp("tempo")
    lengths = (900, CHUNK - 1, CHUNK, CHUNK + 9, 7 * CHUNK)
    recordings = index_dataset(write_clips(root / "data", lengths, ("a", "b"))).recordings
    return extract(recordings, CONTRACT, Selection(salient=2), cache_dir=root / "cache")


@pytest.mark.parametrize("place", ["random", "fixed"])
@pytest.mark.parametrize("factor", [2 / 3, 0.9, 1.0, 1.1, 1.5])
def test_a_window_is_filled_with_what_is_kept_around_it(
    chunks: Chunks, place: str, factor: float
) -> None:
    """It is a stretch of the recording of its own length; zeros only where that has none."""
    given: dict[str, Any] = {**TINY, "placement": place, "background_probability": 0.0}
    placement = Placement(chunks, TrainOptions(Path("data"), **given), None)
    rows, length = np.arange(len(chunks)), round(CHUNK * factor)
    for turn in range(5):
        rngs = [keyed("place", int(row), turn) for row in rows]
        got = placement.pcm(rows, rngs, [factor] * len(rows))
        assert got.shape == (len(rows), CHUNK)
        for row, window in zip(rows, got, strict=True):
            samples = chunks.entries[int(chunks.owner[row])].samples
            heard = np.flatnonzero(window)
            if samples >= length:
                assert heard[-1] - heard[0] > CHUNK - 60
            else:
                assert heard[-1] - heard[0] < samples / factor + 60
                start = 0
                if place == "random":
                    again = keyed("place", int(row), turn)
                    most = max(length - samples, 5 * length // 8)
                    start = -max(0, int(again.integers(-most // 2, most + 1)))
                cut = chunks.pcm_at(chunks.owner[[row]], np.array([start]), length)[0]
                np.testing.assert_array_equal(window, at_length(cut, CHUNK))


@pytest.mark.parametrize("place", ["random", "fixed"])
def test_a_speed_of_1_is_no_change(chunks: Chunks, place: str) -> None:
    given: dict[str, Any] = {**TINY, "placement": place, "background_probability": 0.0}
    placement = Placement(chunks, TrainOptions(Path("data"), **given), None)
    rows = np.arange(len(chunks))
    one, other = (
        placement.pcm(rows, [keyed("place", int(row)) for row in rows], speeds)
        for speeds in (None, [1.0] * len(rows))
    )
    np.testing.assert_array_equal(one, other)
