"""A recording cut for a board: whole chunks, or a stream of samples that gives back the very chunks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from host.listen.feed import Way, feeds
from host.listen.stride import nearest_stride
from model_gen.audio.chunks import chunk_starts, cut


def recording(count: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.arange(1, count + 1, dtype=np.int16)


@given(
    count=st.integers(1, 400),
    chunk=st.integers(1, 50),
    overlap=st.sampled_from((0.0, 0.25, 0.5, 0.9)),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_blocks_joined_are_the_chunks(
    count: int, chunk: int, overlap: float, seed: int
) -> None:
    samples = recording(count)
    stride = max(1, round(chunk * (1 - overlap)))
    starts = chunk_starts(count, chunk, overlap)
    want = cut(samples, starts, chunk)
    sent = np.zeros(0, np.int16)  # of the present stream
    made = feeds(samples, starts, chunk, stride)
    for feed, whole in zip(made, want, strict=True):
        feed = feed.in_blocks(np.random.default_rng(seed))
        np.testing.assert_array_equal(feed.chunk, whole)
        assert all(block.size for block in feed.blocks)
        if feed.way is not Way.NEXT:
            sent = np.zeros(0, np.int16)
        sent = np.concatenate([sent, *feed.blocks])
        np.testing.assert_array_equal(sent[-chunk:], whole)
        assert sum(block.size for block in feed.blocks) == (
            stride if feed.way is Way.NEXT else chunk
        )
    # A sample is sent twice only where the last chunk does not go on by a stride.
    extra = sum(block.size for feed in made for block in feed.blocks) - max(count, chunk)
    assert extra == (
        chunk - (starts[-1] - starts[-2]) if made[-1].way is Way.WHOLE and len(made) > 1 else 0
    )


def test_a_gap_between_chunks_is_sent_too() -> None:
    made = feeds(recording(30), [0, 12, 24], 6, 12)
    assert [feed.way for feed in made] == [Way.FIRST, Way.NEXT, Way.NEXT]
    assert made[1].blocks[0].tolist() == list(range(7, 19))


def test_without_a_stride_every_chunk_goes_whole() -> None:
    made = feeds(recording(20), [0, 5, 10], 10)
    assert [feed.way for feed in made] == [Way.WHOLE] * 3
    assert made[2].blocks[0].tolist() == list(range(11, 21))


@given(
    chunk=st.integers(1, 100_000),
    hop=st.integers(1, 2000),
    overlap=st.floats(0, 1, exclude_max=True),
)
def test_the_stride_is_the_nearest_whole_number_of_hops(
    chunk: int, hop: int, overlap: float
) -> None:
    if hop > chunk:
        with pytest.raises(BadInput, match="whole hops"):
            nearest_stride(chunk, hop, overlap)
        return
    stride = nearest_stride(chunk, hop, overlap)
    assert stride % hop == 0
    assert hop <= stride <= chunk
    wanted = chunk * (1 - overlap)
    others = range(hop, chunk + 1, hop)
    assert abs(stride - wanted) <= min(abs(other - wanted) for other in others) + 1e-6
    # Given as an overlap, as the command says it, it cuts the same chunks.
    assert chunk_starts(3 * chunk + 1, chunk, float(f"{1 - stride / chunk:.9g}"))[1] == stride
