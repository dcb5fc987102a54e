from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from model_gen.data.dataset import index_dataset
from model_gen.data.features import Chunks, extract
from model_gen.data.places import PLACES, at_every_place, in_turn, start_at
from model_gen.data.selection import Selection
from model_gen.data.testing import CONTRACT, write_clips

CHUNK = CONTRACT.chunk_samples
LENGTHS = (1000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 7 * CHUNK)
SALIENT = Selection(salient=2)


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Chunks:
    root = tmp_path_factory.mktemp("places")
    recordings = index_dataset(write_clips(root / "data", LENGTHS)).recordings
    return extract(recordings, CONTRACT, SALIENT, cache_dir=root / "cache")


def window(chunks: Chunks, owner: int, start: int) -> npt.NDArray[np.int16]:
    """A window sample by sample."""
    sound, _ = soundfile.read(chunks.recordings[owner].path, dtype="int16")
    at = range(start, start + CHUNK)
    return np.array([sound[i] if 0 <= i < len(sound) else 0 for i in at], np.int16)


def test_a_window_starts_anywhere_and_is_zero_outside_the_recording(
    chunks: Chunks, tmp_path: Path
) -> None:
    """What is kept is not decoded; what is pruned is, to the same bytes."""
    rng = np.random.default_rng(0)
    owners, starts = [], []
    for owner, entry in enumerate(chunks.entries):
        for begin, end in entry.stretches:
            low = begin if begin else -CHUNK - 2
            high = end - CHUNK if end < entry.samples else end + 2
            owners += 6 * [owner]
            starts += [low, high, *rng.integers(low, high + 1, 4).tolist()]
    want = np.stack([window(chunks, o, s) for o, s in zip(owners, starts, strict=True)])
    assert min(starts) < -CHUNK
    np.testing.assert_array_equal(chunks.pcm_at(np.array(owners), np.array(starts)), want)
    pruned = extract(chunks.recordings, CONTRACT, SALIENT, cache_dir=tmp_path / "c")
    for path in (tmp_path / "c").rglob("*.pcm"):
        path.unlink()
    np.testing.assert_array_equal(pruned.pcm_at(np.array(owners), np.array(starts)), want)


def test_what_is_not_kept_is_no_silence(chunks: Chunks) -> None:
    long = next(i for i, entry in enumerate(chunks.entries) if len(entry.stretches) > 1)
    gap = chunks.entries[long].stretches[0][1]
    with pytest.raises(ValueError, match="is kept"):
        chunks.pcm_at(np.array([long]), np.array([gap]))


@given(st.integers(1, 999), st.integers(1, 999))
def test_the_places_of_a_clip_are_start_middle_and_end(samples: int, more: int) -> None:
    chunk = samples + more
    start, middle, end = (start_at(place, samples, chunk) for place in range(PLACES))
    assert start == 0
    assert end == samples - chunk
    before, behind = -middle, chunk - samples + middle
    assert 0 <= behind - before <= 1


def test_every_place_of_a_clip_is_a_recording_of_its_own(chunks: Chunks) -> None:
    """Against a loop; those that are not shorter than a chunk stay as they are."""
    every = at_every_place(chunks)
    rows = []
    for owner, recording in enumerate(chunks.recordings):
        samples = chunks.entries[owner].samples
        if samples < CHUNK:
            gap = CHUNK - samples
            rows += [(recording.relative, owner, at) for at in (0, -(gap // 2), -gap)]
        else:
            mine = chunks.starts[chunks.owner == owner].tolist()
            rows += [(recording.relative, owner, at) for at in mine]
    assert len(rows) == len(chunks) + 2 * 4
    assert len(every.recordings) == len(chunks.recordings) + 2 * 4
    assert set(every.owner) == set(range(len(every.recordings)))
    for i, (relative, owner, start) in enumerate(rows):
        assert every.recording(i).relative == relative
        assert every.starts[i] == start
        np.testing.assert_array_equal(every.samples(i), window(chunks, owner, start))
    for owner in range(len(every.recordings)):
        mine = np.flatnonzero(every.owner == owner)
        short = every.entries[owner].samples < CHUNK
        assert len(mine) == (1 if short else len(every.entries[owner].starts))
        assert every.rows[mine].tolist() == list(range(len(mine)))


def test_short_chunks_take_the_places_in_turn(chunks: Chunks) -> None:
    order = [*range(len(chunks)), *reversed(range(len(chunks)))]
    taken = chunks.take(order)
    turned = in_turn(taken)
    turn = 0
    for i, row in enumerate(order):
        samples = chunks.entries[chunks.owner[row]].samples
        if samples < CHUNK:
            assert turned.starts[i] == start_at(turn % 3, samples, CHUNK)
            turn += 1
        else:
            assert turned.starts[i] == chunks.starts[row]
    assert turn == 8
    assert {0, -(CHUNK - 1000) // 2, 1000 - CHUNK} <= set(turned.starts.tolist())
    np.testing.assert_array_equal(taken.pcm(range(len(taken))), chunks.pcm(order))
