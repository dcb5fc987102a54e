from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.cache import FEATURES
from host.errors import BadInput
from host.reference.frontend import features
from model_gen.audio.decode import decode
from model_gen.data.dataset import index_dataset
from model_gen.data.features import extract
from model_gen.data.geometry import frontend_contract
from model_gen.data.selection import Selection
from model_gen.data.testing import RATE, write_tiny_dataset

CONTRACT = frontend_contract(
    name="hybrid",
    sample_rate=RATE,
    chunk_duration=0.5,
    fft_length=128,
    spec_width=32,
    compression="sqrt",
)


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
    assert first.entries[0] != second.entries[0]
    assert second.entries[0] == second.entries[1]
    assert first.entries[2] == second.entries[2]
    plain = frontend_contract(
        name="hybrid",
        sample_rate=RATE,
        chunk_duration=0.5,
        fft_length=128,
        spec_width=32,
        compression="none",
    )
    third = extract(recordings, plain, Selection(), cache_dir=tmp_path / "c")
    assert third.entries[2] != first.entries[2]


@pytest.mark.parametrize("own", [True, False])
def test_a_damaged_entry_is_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    recordings = index_dataset(write_tiny_dataset(tmp_path / "data", 1)).recordings
    place = tmp_path / "own" if own else None
    want = extract(recordings, CONTRACT, Selection(), cache_dir=place).features([0])
    for damage in (lambda raw: raw[:-300], lambda raw: raw[:-40] + bytes(40), lambda raw: b""):
        chunks = extract(recordings, CONTRACT, Selection(), cache_dir=place)
        path = chunks.entries[0].path
        assert path.is_relative_to(tmp_path / ("own" if own else "cache/features"))
        path.write_bytes(damage(path.read_bytes()))
        again = extract(recordings, CONTRACT, Selection(), cache_dir=place)
        np.testing.assert_array_equal(again.features([0]), want)
        np.testing.assert_array_equal(again.samples(0), chunks.samples(0))


def test_what_is_in_use_is_not_pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    recordings = index_dataset(write_tiny_dataset(tmp_path / "data", 1)).recordings
    chunks = extract(recordings, CONTRACT, Selection())
    assert FEATURES.folder.sweep(0).in_use == len(recordings)
    assert len(chunks.features(range(len(chunks)))) == len(chunks)


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
