import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from host.errors import BadInput
from model_gen.audio.decode import decode
from model_gen.data.dataset import index_dataset
from model_gen.data.features import Chunks, extract
from model_gen.data.selection import Selection
from model_gen.data.testing import CONTRACT, RATE, TINY, write_tiny_dataset
from model_gen.training import noise_bank
from model_gen.training.noise_bank import (
    NoiseBank,
    bank_for,
    bank_of_folder,
    bank_of_negatives,
    generated,
    seamless,
)
from model_gen.training.options import TrainOptions


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(1, 100), st.integers(0, 99)
)
def test_a_piece_goes_round_one_loop(lengths: list[int], samples: int, seed: int) -> None:
    loops = tuple(
        np.arange(100 * i, 100 * i + length, dtype=np.int16) for i, length in enumerate(lengths)
    )
    got = NoiseBank(loops).piece(np.random.default_rng(seed), samples)
    assert got.dtype == np.float32
    first = int(got[0])
    loop = loops[first // 100]
    want = [int(loop[(first % 100 + i) % len(loop)]) for i in range(samples)]
    assert got.tolist() == want


def test_every_sample_of_the_bank_is_as_likely() -> None:
    loops = (np.arange(10, dtype=np.int16), np.arange(10, 40, dtype=np.int16))
    bank = NoiseBank(loops)
    seen = [int(bank.piece(np.random.default_rng(seed), 3)[0]) for seed in range(4000)]
    counts = np.bincount(seen, minlength=40)
    assert counts.min() > 60
    assert counts.max() < 150


def test_the_end_of_a_loop_goes_on_at_its_beginning() -> None:
    rng = np.random.default_rng(0)
    slow = np.cumsum(rng.normal(0, 30, 20_000))
    recording = np.clip(slow + np.linspace(0, 20_000, 20_000), -32768, 32767).astype(np.int16)
    loop = seamless(recording)
    assert len(loop) == 20_000 - 1024
    np.testing.assert_array_equal(loop[:-1024], recording[1024:-1024])
    steps = np.abs(np.diff(recording.astype(int)))
    assert abs(int(recording[-1]) - int(recording[0])) > 50 * steps.max()
    assert abs(int(loop[-1]) - int(loop[0])) <= 3 * steps.max()
    assert np.abs(np.diff(loop.astype(int))).max() <= 3 * steps.max()


@given(st.integers(1, 9), st.integers(0, 99))
def test_a_loop_is_of_any_length_and_does_not_wrap_in_int16(length: int, seed: int) -> None:
    loud = np.random.default_rng(seed).choice([-32768, 32767], length).astype(np.int16)
    loop = seamless(loud)
    assert loop.dtype == np.int16
    assert len(loop) == length - length // 4
    body = len(loop) - length // 4
    np.testing.assert_array_equal(loop[:body], loud[length // 4 :][:body])


def test_generated_noise_is_white_to_brown_and_its_loops_are_seamless() -> None:
    bank = generated(RATE, seed=5)
    slopes = []
    for loop in bank.loops:
        assert loop.std() == pytest.approx(1, abs=1e-3)
        power = np.abs(np.fft.rfft(loop)) ** 2
        hertz = np.fft.rfftfreq(len(loop), 1 / RATE)
        assert power[hertz < 19].max() < 1e-4 * power[hertz > 21].max()
        low, high = (float(power[(hertz > f) & (hertz < 2 * f)].mean()) for f in (100, 100 * 2**4))
        slopes.append(math.log2(low / high) / 4)  # an octave
    np.testing.assert_allclose(slopes, [0, 0.5, 1, 1.5, 2], atol=0.1)
    assert generated(RATE, seed=5).sha256 == bank.sha256
    assert generated(RATE, seed=6).sha256 != bank.sha256


def write(path: Path, seed: int, seconds: float, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate))
    soundfile.write(path, sound, rate)
    return path


def test_a_folder_is_decoded_to_the_rate_and_what_cannot_be_is_left_out(tmp_path: Path) -> None:
    files = [write(tmp_path / "deep/a.wav", 1, 1.5), write(tmp_path / "b.flac", 2, 0.5, 44100)]
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    (tmp_path / "notes.txt").write_text("field notes")
    soundfile.write(tmp_path / "silent.wav", np.zeros(5000), RATE)
    bank = bank_of_folder(tmp_path, RATE, seed=1)
    want = {seamless(decode(file, RATE)).tobytes() for file in files}
    assert {loop.tobytes() for loop in bank.loops} == want


def test_a_bank_is_bounded_and_every_recording_has_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.wav", number, 4.0)
    monkeypatch.setattr(noise_bank, "MOST", 2 * RATE)
    bank = bank_of_folder(tmp_path, RATE, seed=1)
    assert len(bank.loops) == 2  # a second of each at least
    assert all(RATE - 1025 < len(loop) <= RATE for loop in bank.loops)
    others = {bank_of_folder(tmp_path, RATE, seed).sha256 for seed in range(8)}
    assert len(others) > 1


@pytest.mark.parametrize("kind", ["absent", "empty", "silent"])
def test_a_bank_in_which_nothing_is_heard_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "bank"
    if kind != "absent":
        folder.mkdir()
    if kind == "silent":
        soundfile.write(folder / "silent.wav", np.zeros(5000), RATE)
    with pytest.raises(BadInput, match="--noise-bank") as caught:
        bank_of_folder(folder, RATE, seed=1)
    assert str(folder) in caught.value.evidence
    assert caught.value.next_step


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Chunks:
    root = tmp_path_factory.mktemp("bank")
    recordings = index_dataset(write_tiny_dataset(root / "data")).recordings
    return extract(recordings, CONTRACT, Selection(salient=2), cache_dir=root / "cache")


def test_recordings_of_no_class_are_the_bank(chunks: Chunks) -> None:
    bank = bank_of_negatives(chunks, seed=1)
    assert bank is not None
    noise = [one for one in chunks.recordings if one.is_negative]
    assert len(bank.loops) == len(noise) > 0
    chunk = CONTRACT.chunk_samples
    heard = [chunks.samples(i) for i in range(len(chunks)) if not chunks.recording(i).labels]
    for loop in bank.loops:
        assert len(loop) > chunk // 2
        assert any(window.tobytes().find(loop[: chunk // 4].tobytes()) >= 0 for window in heard)


def test_without_recordings_of_no_class_noise_is_generated(chunks: Chunks, tmp_path: Path) -> None:
    given_options: dict[str, Any] = {**TINY, "noise_bank": None}
    options = TrainOptions(data_path_train=tmp_path, **given_options)
    negatives = bank_of_negatives(chunks, options.seed)
    assert negatives is not None
    assert bank_for(options, chunks).sha256 == negatives.sha256
    birds = extract(
        [one for one in chunks.recordings if one.labels],
        CONTRACT,
        Selection(salient=2),
        cache_dir=tmp_path / "cache",
    )
    assert bank_of_negatives(birds, options.seed) is None
    assert bank_for(options, birds).sha256 == generated(RATE, options.seed).sha256


def test_a_folder_that_is_named_comes_first(chunks: Chunks, tmp_path: Path) -> None:
    write(tmp_path / "bank/a.wav", 1, 1.0)
    given_options: dict[str, Any] = {**TINY, "noise_bank": tmp_path / "bank"}
    options = TrainOptions(data_path_train=tmp_path, **given_options)
    want = bank_of_folder(tmp_path / "bank", RATE, options.seed)
    assert bank_for(options, chunks).sha256 == want.sha256
