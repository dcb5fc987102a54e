import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_gen.audio.chunks import active, activity, chunk_starts, cut, salient_starts


@settings(deadline=None)
@given(st.integers(1, 5000), st.integers(1, 700), st.floats(0, 0.9))
def test_chunks_cover_the_recording_and_the_last_is_aligned_to_its_end(
    samples: int, chunk: int, overlap: float
) -> None:
    starts = chunk_starts(samples, chunk, overlap)
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    heard = np.zeros(samples, bool)
    for start in starts:
        heard[start : start + chunk] = True
    assert heard.all()
    if samples > chunk:
        assert starts[-1] + chunk == samples


def test_starts_with_and_without_overlap() -> None:
    assert chunk_starts(100, 100) == [0]
    assert chunk_starts(99, 100) == [0]
    assert chunk_starts(250, 100) == [0, 100, 150]
    assert chunk_starts(300, 100) == [0, 100, 200]
    assert chunk_starts(250, 100, 0.5) == [0, 50, 100, 150]
    with pytest.raises(ValueError, match="overlap=1"):
        chunk_starts(10, 5, 1.0)


def test_a_short_recording_is_padded_at_its_end() -> None:
    got = cut(np.array([1, 2, 3], np.int16), [0], 5)
    assert got.dtype == np.int16
    assert got.tolist() == [[1, 2, 3, 0, 0]]


def test_salient_starts_find_the_bursts_loudest_first() -> None:
    rng = np.random.default_rng(0)
    recording = rng.normal(0, 20, 100_000)
    for centre, gain in ((20_000, 3000), (70_000, 9000)):
        recording[centre - 2000 : centre + 2000] += rng.normal(0, gain, 4000)
    starts = salient_starts(recording.astype(np.int16), 10_000)
    assert abs(starts[0] + 5000 - 70_000) < 2500
    assert abs(starts[1] + 5000 - 20_000) < 2500


@settings(deadline=None)
@given(st.integers(1, 20_000), st.integers(8, 6000), st.integers(0, 2**32 - 1))
def test_salient_chunks_lie_inside_and_apart(samples: int, chunk: int, seed: int) -> None:
    recording = np.random.default_rng(seed).integers(-32768, 32768, samples).astype(np.int16)
    starts = salient_starts(recording, chunk)
    assert starts
    assert all(0 <= start <= max(0, samples - chunk) for start in starts)
    gaps = np.diff(sorted(starts))
    assert (gaps >= chunk / 2).all()


def test_activity_of_silence_hum_and_song() -> None:
    time = np.arange(24_000) / 24_000
    song = np.where((time > 0.4) & (time < 0.7), 9000 * np.sin(2 * np.pi * 3000 * time), 0)
    hiss = np.random.default_rng(1).normal(0, 30, 24_000)
    assert activity(np.zeros(24_000, np.int16)) == 0.0
    assert 0.2 < activity((song + hiss).astype(np.int16)) < 0.5
    assert activity((hiss).astype(np.int16)) < 0.2


def test_at_least_one_chunk_stays() -> None:
    chunks = np.zeros((3, 600), np.int16)
    chunks[1, :30] = 500
    assert active(chunks, 0.5).tolist() == [False, True, False]
