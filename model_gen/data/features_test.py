from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from host.cache import WINDOWS
from host.errors import BadInput
from host.reference.frontend import features
from model_gen.audio.chunks import chunk_starts
from model_gen.audio.decode import decode
from model_gen.audio.testing import naive_starts
from model_gen.data.dataset import Recording, index_dataset
from model_gen.data.features import extract
from model_gen.data.geometry import frontend_contract
from model_gen.data.selection import Selection
from model_gen.data.testing import CONTRACT, RATE, write_tiny_dataset


def test_a_recording_that_the_system_refuses_is_skipped(tmp_path: Path) -> None:
    recordings = index_dataset(write_tiny_dataset(tmp_path / "data", 1)).recordings
    recordings[0].path.unlink()
    recordings[1].path.unlink()
    recordings[1].path.mkdir()
    chunks = extract(recordings, CONTRACT, Selection(), cache_dir=tmp_path / "c")
    assert [s.reason for s in chunks.skipped] == ["No such file or directory", "Is a directory"]
    assert chunks.recordings == recordings[2:]


def test_features_are_those_of_the_board_and_do_not_depend_on_cache_or_workers(
    tmp_path: Path,
) -> None:
    recordings = index_dataset(write_tiny_dataset(tmp_path / "data", 2)).recordings
    cover = Selection(overlap=0.5)
    fresh = extract(recordings, CONTRACT, cover, cache_dir=tmp_path / "a", num_workers=3)
    cached = extract(recordings, CONTRACT, cover, cache_dir=tmp_path / "a")
    alone = extract(recordings, CONTRACT, cover, cache_dir=tmp_path / "b")
    assert len(fresh) == 3 * len(recordings)
    everything = range(len(fresh))
    for other in (cached, alone):
        np.testing.assert_array_equal(fresh.features(everything), other.features(everything))
    for i in everything:
        pcm = decode(fresh.recordings[fresh.owner[i]].path, RATE)
        chunk = np.zeros(CONTRACT.chunk_samples, np.int16)
        piece = pcm[fresh.starts[i] : fresh.starts[i] + CONTRACT.chunk_samples]
        chunk[: len(piece)] = piece
        np.testing.assert_array_equal(fresh.samples(i), chunk)
        np.testing.assert_array_equal(fresh.features([i]), features(chunk[None], CONTRACT))


def test_a_changed_file_or_contract_is_not_served_from_the_cache(tmp_path: Path) -> None:
    recordings = index_dataset(write_tiny_dataset(tmp_path / "data", 1)).recordings
    first = extract(recordings, CONTRACT, Selection(), cache_dir=tmp_path / "c")
    recordings[0].path.write_bytes(recordings[1].path.read_bytes())
    second = extract(recordings, CONTRACT, Selection(), cache_dir=tmp_path / "c")
    assert first.names[0] != second.names[0]
    assert second.names[0] == second.names[1]
    assert first.names[2] == second.names[2]
    plain = frontend_contract(
        name="hybrid",
        sample_rate=RATE,
        chunk_duration=0.5,
        fft_length=128,
        spec_width=32,
        compression="none",
    )
    third = extract(recordings, plain, Selection(), cache_dir=tmp_path / "c")
    assert third.names == second.names  # the same is heard
    assert not np.array_equal(third.features([2]), second.features([2]))


def test_the_cache_is_that_of_nightjar_cache_or_the_folder_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    recordings = index_dataset(write_tiny_dataset(tmp_path / "data", 1)).recordings
    extract(recordings, CONTRACT, Selection(), cache_dir=tmp_path / "own")
    assert not WINDOWS.folder.entries()
    chunks = extract(recordings, CONTRACT, Selection())
    assert {entry.name for entry in WINDOWS.folder.entries()} == set(chunks.names)
    assert len([*(tmp_path / "own").rglob("*.pcm")]) == len(recordings)
    WINDOWS.folder.sweep(0)  # nothing is in use so that it could not be pruned
    assert not WINDOWS.folder.entries()
    assert len(chunks.features(range(len(chunks)))) == len(chunks)


@pytest.mark.parametrize(
    "selection",
    [Selection(salient=3), Selection(overlap=0.5), Selection(0.7, overlap=0.25), Selection(0.3, 1)],
)
def test_windows_are_cut_from_the_recording_by_the_rule(
    tmp_path: Path, selection: Selection
) -> None:
    """The reference decodes everything at once, resamples at once, and cuts: chunk by chunk."""
    folder = tmp_path / "data" / "a"
    (tmp_path / "data" / "b").mkdir(parents=True)
    folder.mkdir()
    rng = np.random.default_rng(1)
    for rate, seconds in ((8000, 0.4), (8000, 0.5), (16000, 3.3), (11025, 1.7), (48000, 0.9)):
        swell = np.repeat(rng.uniform(0, 0.9, 200), int(rate * seconds) // 200 + 1)
        noise = rng.uniform(-1, 1, (int(rate * seconds), 2)) * swell[: int(rate * seconds), None]
        soundfile.write(folder / f"{rate}-{seconds}.wav", noise, rate, subtype="FLOAT")
    soundfile.write(tmp_path / "data" / "b" / "x.wav", np.ones(99) / 9, RATE)
    found = extract(
        index_dataset(tmp_path / "data").recordings, CONTRACT, selection, cache_dir=tmp_path / "c"
    )
    at = 0
    for number, recording in enumerate(found.recordings):
        samples, rate = soundfile.read(recording.path, dtype="float32", always_2d=True)
        samples = samples[: max(1, round(selection.max_duration * rate))].mean(axis=1)
        if rate != RATE:
            samples = soxr.resample(samples, rate, RATE, quality="VHQ")
        pcm = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
        chunk = CONTRACT.chunk_samples
        if selection.salient:
            starts = naive_starts(pcm, chunk, selection.salient)
        else:
            starts = chunk_starts(len(pcm), chunk, selection.overlap)
        rows = range(at, at + len(starts))
        assert found.starts[rows].tolist() == starts
        assert set(found.owner[rows]) == {number}
        want = np.stack([np.pad(pcm[s : s + chunk], (0, max(0, chunk - len(pcm)))) for s in starts])
        np.testing.assert_array_equal(found.pcm(rows), want)
        np.testing.assert_array_equal(found.features(rows), features(want, CONTRACT))
        at += len(starts)
    assert at == len(found)


def test_the_margin_of_a_salient_window_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    sound = np.random.default_rng(0).integers(-9, 9, 10 * RATE).astype(np.int16)
    sound[5 * RATE : 5 * RATE + 999] *= 900
    soundfile.write(tmp_path / "a" / "a.wav", sound, RATE)
    recording = Recording(tmp_path / "a" / "a.wav", "a/a.wav", "a")
    found = extract([recording], CONTRACT, Selection(salient=1), cache_dir=tmp_path / "c")
    start, chunk = int(found.starts[0]), CONTRACT.chunk_samples
    assert found.entries[0].stretches == ((start - chunk // 2, start + chunk + chunk // 2),)
    soundfile.write(recording.path, sound[: 2 * chunk], RATE)  # of two chunks: it is kept whole
    found = extract([recording], CONTRACT, Selection(salient=1), cache_dir=tmp_path / "c")
    assert found.entries[0].stretches == ((0, 2 * chunk),)
    found = extract([recording], CONTRACT, Selection(), cache_dir=tmp_path / "c")
    assert found.entries[0].stretches == ((0, 2 * chunk),)
    assert len(found) == 2


def test_the_share_that_is_never_heard_counts_what_was_not_decoded(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    soundfile.write(tmp_path / "a" / "a.wav", np.ones(10 * 16000) / 9, 16000)
    recording = Recording(tmp_path / "a" / "a.wav", "a/a.wav", "a")

    def share(selection: Selection) -> float:
        return extract([recording], CONTRACT, selection, cache_dir=tmp_path / "c").unheard_share

    assert share(Selection()) == share(Selection(max_duration=0)) == 0
    assert share(Selection(max_duration=4)) == pytest.approx(0.6)
    assert share(Selection(max_duration=4, salient=1)) == pytest.approx(0.95)
    assert share(Selection(max_duration=0, salient=1)) == pytest.approx(0.95)
    short = extract([recording], CONTRACT, Selection(4, salient=1), cache_dir=tmp_path / "c")
    assert short.summary == "1 windows of 0.00 h, of which 95.0% is never heard"


def test_damaged_files_are_named_skipped_and_counted(tmp_path: Path) -> None:
    root = write_tiny_dataset(tmp_path / "data", 2)
    (root / "up" / "empty.wav").write_bytes(b"")
    (root / "up" / "text.mp3").write_bytes(b"not audio" * 99)
    seen: list[str] = []
    chunks = extract(
        index_dataset(root).recordings,
        CONTRACT,
        Selection(salient=1),
        cache_dir=tmp_path / "c",
        on_skip=lambda s: seen.append(s.path),
    )
    assert seen == ["up/empty.wav", "up/text.mp3"] == [s.path for s in chunks.skipped]
    assert all(s.reason for s in chunks.skipped)
    assert len(chunks.recordings) == 6


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.wav").write_bytes(b"")
    with pytest.raises(BadInput, match="decoded"):
        extract(index_dataset(tmp_path).recordings, CONTRACT, Selection(), cache_dir=tmp_path / "c")


@pytest.mark.parametrize(
    "wrong",
    [{"chunk_duration": 0.01}, {"spec_width": 100_000}, {"fft_length": 100}, {"sample_rate": 0}],
)
def test_impossible_geometry_is_refused(wrong: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "sample_rate": RATE,
        "chunk_duration": 0.5,
        "fft_length": 128,
        "spec_width": 32,
    }
    with pytest.raises(BadInput):
        frontend_contract(name="hybrid", compression="sqrt", **(given | wrong))
