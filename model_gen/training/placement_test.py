"""What training hears, against a naive reference that reads the recordings themselves."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from model_gen.data.dataset import index_dataset
from model_gen.data.features import Chunks, extract
from model_gen.data.selection import Selection
from model_gen.data.testing import CONTRACT, TINY, write_clips
from model_gen.training.batches import TrainBatches
from model_gen.training.noise_bank import bank_for, generated
from model_gen.training.options import TrainOptions
from model_gen.training.placement import QUIETER, Placement, beneath, long_start, short_start
from model_gen.training.randomness import keyed

CHUNK = CONTRACT.chunk_samples
LENGTHS = (900, 3000, CHUNK - 1, CHUNK, 2 * CHUNK, 7 * CHUNK)
Samples = npt.NDArray[np.int16]


def heard(root: Path, folders: tuple[str, ...]) -> Chunks:
    recordings = index_dataset(write_clips(root / "data", LENGTHS, folders)).recordings
    return extract(recordings, CONTRACT, Selection(salient=2), cache_dir=root / "cache")


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Chunks:
    return heard(tmp_path_factory.mktemp("placement"), ("a", "b", "Noise"))


@pytest.fixture(scope="module")
def without_negatives(tmp_path_factory: pytest.TempPathFactory) -> Chunks:
    return heard(tmp_path_factory.mktemp("placement"), ("a", "b"))


def options(**given: Any) -> TrainOptions:
    tiny: dict[str, Any] = {**TINY, "mixup_probability": 0.0, "spec_augment": False}
    tiny["warp_max"] = 0.0
    for name in ("noise", "rain", "hum", "click", "dc"):
        tiny[f"{name}_probability"] = 0.0
    tiny["gain_db"] = 0.0
    return TrainOptions(Path("data"), **(tiny | given))


def sound_of(chunks: Chunks, owner: int) -> Samples:
    sound: Samples = soundfile.read(chunks.recordings[owner].path, dtype="int16")[0]
    return sound


def window(sound: Samples, start: int) -> npt.NDArray[np.float64]:
    """A window sample by sample."""
    at = range(start, start + CHUNK)
    return np.array([sound[i] if 0 <= i < len(sound) else 0 for i in at], np.float64)


def naive(chunks: Chunks, row: int, rng: np.random.Generator, given: TrainOptions) -> Samples:
    """A window as docs/windows.md tells it."""
    owner = int(chunks.owner[row])
    sound, start = sound_of(chunks, owner), int(chunks.starts[row])
    if given.placement == "random":
        if len(sound) < CHUNK:
            most = max(CHUNK - len(sound), 5 * CHUNK // 8)
            start = -max(0, int(rng.integers(-most // 2, most + 1)))
        else:
            (kept,) = (s for s in chunks.entries[owner].stretches if s[0] <= start < s[1])
            low, high = max(kept[0], start - CHUNK // 4), min(kept[1] - CHUNK, start + CHUNK // 4)
            start = int(rng.integers(low, high + 1))
    out = window(sound, start)
    if len(sound) < CHUNK and rng.random() < given.background_probability:
        quieter = rng.uniform(10, 50)
        background = bank_for(given, chunks).piece(rng, CHUNK)
        clip = out[-start:][: len(sound)]
        level = np.sqrt(np.mean(clip**2) / np.mean(background.astype(np.float64) ** 2))
        out = out + background * level * 10 ** (-quieter / 20)
    return np.clip(np.rint(out), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("place", ["random", "fixed"])
@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("negatives", [True, False])
def test_a_batch_hears_its_windows_where_the_naive_reference_puts_them(
    place: str, probability: float, negatives: bool, request: pytest.FixtureRequest
) -> None:
    """The bytes of each batch; a float32 sum may round otherwise than one of float64, by a step."""
    chunks: Chunks = request.getfixturevalue("chunks" if negatives else "without_negatives")
    given = options(placement=place, background_probability=probability)
    batches = TrainBatches(chunks, ("a", "b"), given)
    seen: list[Samples] = []
    for epoch in (1, 2):
        batches.begin(epoch)
        for index in range(len(batches)):
            rows = batches.batch(index).rows
            assert rows is not None
            keys = [(given.seed, epoch, chunks.recording(r).relative, int(chunks.rows[r]), 0)
                    for r in rows]  # fmt: skip
            want = [naive(chunks, int(r), keyed("place", *key), given)
                    for r, key in zip(rows, keys, strict=True)]  # fmt: skip
            placement = Placement(chunks, given, bank_for(given, chunks))
            got = placement.pcm(rows, [keyed("place", *key) for key in keys])
            differ = got.astype(int) - np.array(want, int)
            assert np.abs(differ).max() <= (1 if probability else 0)
            assert np.count_nonzero(differ) < 1e-3 * differ.size
            features = chunks.features_of(got)
            np.testing.assert_array_equal(batches.batch(index).inputs[..., 0], features)
            seen += [*got]
    still = len({sound.tobytes() for sound in seen}) == len(chunks)
    assert still == (place == "fixed" and probability == 0)


def test_under_fixed_without_background_training_hears_the_chunk_rule(chunks: Chunks) -> None:
    given = options(placement="fixed", background_probability=0.0)
    rows = np.arange(len(chunks))
    got = Placement(chunks, given, None).pcm(rows, [keyed("place", int(r)) for r in rows])
    np.testing.assert_array_equal(got, chunks.pcm(rows))


def test_a_window_is_placed_by_its_key_whichever_batch_it_is_in(chunks: Chunks) -> None:
    looks = []
    for size in (2, 5):
        batches = TrainBatches(chunks, ("a", "b"), options(batch_size=size))
        batches.begin(3)
        look: dict[int, bytes] = {}
        for index in range(len(batches)):
            batch = batches.batch(index)
            assert batch.rows is not None
            look.update(zip(batch.rows.tolist(), (x.tobytes() for x in batch.inputs), strict=True))
        looks.append(look)
    assert looks[0] == looks[1]


def test_a_negative_clip_that_is_silent_or_a_background_that_is_changes_nothing() -> None:
    silence, noise = np.zeros(9, np.int16), np.arange(-4, 5, dtype=np.int16)
    assert not beneath(silence, silence, noise.astype(np.float32), 10).any()
    assert beneath(noise, noise, np.zeros(9, np.float32), 10).tolist() == noise.tolist()


@given(st.integers(0, 2**32 - 1), st.integers(1, 500), st.integers(1, 500))
def test_most_of_a_clip_is_heard(seed: int, samples: int, more: int) -> None:
    chunk = samples + more
    offset = -short_start(np.random.default_rng(seed), samples, chunk)
    assert 0 <= offset <= max(more, 5 * chunk // 8)
    assert min(samples, chunk - offset) >= 3 * samples / 8


def test_a_clip_begins_a_third_of_the_windows_and_reaches_every_other_place_alike() -> None:
    rng = np.random.default_rng(0)
    for samples, most in ((30, 70), (80, 62)):
        counts = np.bincount([-short_start(rng, samples, 100) for _ in range(80000)])
        assert len(counts) == most + 1
        assert counts[0] / 80000 == pytest.approx(1 / 3, abs=0.02)
        assert np.abs(counts[1:] / counts[1:].mean() - 1).max() < 0.15


@given(st.data())
def test_a_window_of_a_long_recording_stays_within_what_is_kept(data: st.DataObject) -> None:
    chunk = data.draw(st.integers(1, 50))
    begin = data.draw(st.integers(0, 99))
    end = begin + chunk + data.draw(st.integers(0, 200))
    start = data.draw(st.integers(begin, end - chunk))
    margin = data.draw(st.integers(0, 60))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    got = long_start(rng, start, chunk, margin, (begin, end))
    assert abs(got - start) <= margin
    assert begin <= got <= end - chunk


def test_a_background_lies_below_the_clip_by_what_was_drawn() -> None:
    rng = np.random.default_rng(0)
    clip = rng.normal(0, 5000, 4000).astype(np.int16)
    padded = np.concatenate((np.zeros(3000, np.int16), clip, np.zeros(1000, np.int16)))
    for quieter in QUIETER:
        found = beneath(padded, clip, generated(CONTRACT.sample_rate, 0).piece(rng, 8000), quieter)
        around = np.concatenate((found[:3000], found[7000:])).astype(float)
        level = 10 * np.log10(np.mean(clip.astype(float) ** 2) / np.mean(around**2))
        assert level == pytest.approx(quieter, abs=3)  # a stretch of brown noise has its own level


def test_loud_sounds_and_their_background_saturate() -> None:
    loud = np.full(100, 32767, np.int16)
    assert beneath(loud, loud, np.full(100, 1, np.float32), 10).tolist() == loud.tolist()
    assert beneath(-loud, -loud, np.full(100, -1, np.float32), 10).min() == -32768


@pytest.mark.parametrize("other", [{"placement": "fixed"}, {"background_probability": 0.25}])
def test_resuming_needs_the_same_placement(other: dict[str, Any]) -> None:
    """What decides the weights is in the recipe."""
    assert options(**other).recipe() != options().recipe()
