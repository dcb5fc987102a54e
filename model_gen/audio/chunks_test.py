import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_gen.audio.chunks import Loudness, Samples, chunk_starts, cut, merged, salient_starts
from model_gen.audio.testing import naive_starts


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


def in_blocks(recording: Samples, chunk: int, sizes: Sequence[int]) -> Loudness:
    """The loudness of a recording that comes in blocks of these sizes, again and again."""
    loudness, begin, turn = Loudness(chunk), 0, itertools.cycle(sizes)
    while begin < len(recording):
        size = next(turn)
        loudness.add(recording[begin : begin + size])
        begin += size
    return loudness


@settings(deadline=None)
@given(
    st.integers(1, 9000),
    st.integers(8, 3000),
    st.lists(st.integers(1, 4000), min_size=1, max_size=4),
    st.integers(1, 5),
    st.integers(0, 2**32 - 1),
)
def test_salient_starts_are_those_of_the_whole_recording_however_it_comes(
    samples: int, chunk: int, sizes: list[int], most: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    swell = np.repeat(rng.uniform(0, 30_000, samples // 500 + 1), 500)[:samples]
    recording = (swell * rng.uniform(-1, 1, samples)).astype(np.int16)
    want = naive_starts(recording, chunk, most)
    assert salient_starts(in_blocks(recording, chunk, sizes), samples, chunk, most) == want


def test_salient_starts_find_the_bursts_loudest_first() -> None:
    rng = np.random.default_rng(0)
    recording = rng.normal(0, 20, 100_000)
    for centre, gain in ((20_000, 3000), (70_000, 9000)):
        recording[centre - 2000 : centre + 2000] += rng.normal(0, gain, 4000)
    loudness = in_blocks(recording.astype(np.int16), 10_000, [777])
    starts = salient_starts(loudness, 100_000, 10_000, 9)
    assert abs(starts[0] + 5000 - 70_000) < 2500
    assert abs(starts[1] + 5000 - 20_000) < 2500


@settings(deadline=None)
@given(st.integers(1, 20_000), st.integers(8, 6000), st.integers(0, 2**32 - 1))
def test_salient_chunks_lie_inside_and_apart(samples: int, chunk: int, seed: int) -> None:
    recording = np.random.default_rng(seed).integers(-32768, 32768, samples).astype(np.int16)
    starts = salient_starts(in_blocks(recording, chunk, [samples]), samples, chunk, 1000)
    assert starts
    assert all(0 <= start <= max(0, samples - chunk) for start in starts)
    gaps = np.diff(sorted(starts))
    assert (gaps >= chunk / 2).all()


def test_the_loudest_samples_of_hours_do_not_overflow() -> None:
    loudness = Loudness(60_000)
    for _ in range(40):
        loudness.add(np.full(1 << 18, -32768, np.int16))
    assert set(loudness.energy()) == {float(2**30)}


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=9))
def test_merged_spans_are_apart_and_cover_the_same(spans: list[tuple[int, int]]) -> None:
    given_spans = [(begin, begin + length) for begin, length in spans]
    found = merged(given_spans)
    assert sorted(x for b, e in found for x in range(b, e)) == sorted(
        {x for b, e in given_spans for x in range(b, e)}
    )
    assert all(one[1] < other[0] for one, other in itertools.pairwise(found))
