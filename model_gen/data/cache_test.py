"""What is damaged in the cache dies: it is computed again, with one line of warning; nothing but features is loaded."""

import hashlib
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from host.errors import BadInput, HostFailure
from host.reference.frontend import describe
from model_gen.audio.decode import decode
from model_gen.data.cache import Skipped
from model_gen.data.dataset import Recording, index_dataset
from model_gen.data.entry import entry_bytes, read_entry
from model_gen.data.features import Chunks, extract
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
COVER = Selection(overlap=0.5)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recording, ...]:
    return index_dataset(write_tiny_dataset(tmp_path_factory.mktemp("data") / "d", 2)).recordings


@pytest.fixture(scope="module")
def whole(recordings: tuple[Recording, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that is whole; tests damage copies of it."""
    folder = tmp_path_factory.mktemp("cache") / "whole"
    extract(recordings, CONTRACT, COVER, cache_dir=folder)
    return folder


@pytest.fixture
def cache(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "cache")
    return tmp_path / "cache"


def content(chunks: Chunks) -> tuple[bytes, bytes, bytes]:
    everything = range(len(chunks))
    samples = b"".join(chunks.samples(i).tobytes() for i in everything)
    return chunks.features(everything).tobytes(), samples, chunks.starts.tobytes()


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def by_hand(starts: list[int], chunks: npt.NDArray[Any], features: npt.NDArray[Any]) -> bytes:
    """An entry as its module describes it, written without it."""
    blocks = [
        [a.dtype.str, list(a.shape), hashlib.sha256(a.tobytes()).hexdigest()]
        for a in (chunks, features)
    ]
    line = json.dumps({"schema": "nightjar/features/2", "starts": starts, "blocks": blocks}) + "\n"
    data = f"{hashlib.sha256(line.encode()).hexdigest()}\n{line}".encode()
    for array in (chunks, features):
        data += bytes(-len(data) % 64) + array.tobytes()
    return data


def poison(path: Path) -> None:
    """Right digests of wrong numbers, as a racing frontend once stored them."""
    entry, data = read_entry(path), path.read_bytes()
    chunks = np.frombuffer(data[entry.chunks.offset : entry.chunks.end], np.int16)
    features = np.full(entry.features.shape, 0.5, np.float32)
    features[0, 3, 3] = np.nan
    path.write_bytes(by_hand([*entry.starts], chunks.reshape(entry.chunks.shape), features))


def cut(share: float) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def flip(place: Callable[[Path], int]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[place(path)] ^= 1 << 5
        path.write_bytes(data)

    return damage


def earlier_version(path: Path) -> None:
    """The two files of the format without digests, poisoned."""
    entry = read_entry(path)
    np.save(path.with_suffix(".npy"), np.full(entry.features.shape, np.nan, np.float32))
    np.savez(
        path.with_suffix(".npz"), chunks=np.zeros(entry.chunks.shape, np.int16), starts=entry.starts
    )
    path.unlink()


def later_version(path: Path) -> None:
    line = json.dumps({"schema": "nightjar/features/3"}) + "\n"
    path.write_text(f"{hashlib.sha256(line.encode()).hexdigest()}\n{line}")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "poisoned": poison,
    "cut to nothing": cut(0),
    "cut in the header": cut(0.001),
    "cut in the samples": cut(0.2),
    "cut at the end": cut(0.999),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "bit in the digest": flip(lambda path: 7),
    "bit in the header": flip(lambda path: 90),
    "bit in the samples": flip(lambda path: read_entry(path).chunks.offset + 99),
    "bit in the features": flip(lambda path: read_entry(path).features.end - 2),
    "earlier version": earlier_version,
    "later version": later_version,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_entry_is_computed_again_with_one_line(
    kind: str,
    cache: Path,
    whole: Path,
    recordings: tuple[Recording, ...],
    caplog: pytest.LogCaptureFixture,
) -> None:
    want = content(extract(recordings, CONTRACT, COVER, cache_dir=whole))
    assert caplog.messages == []
    DAMAGE[kind](extract(recordings[3:4], CONTRACT, COVER, cache_dir=cache).entries[0].path)
    found = extract(recordings, CONTRACT, COVER, cache_dir=cache, num_workers=2)
    assert content(found) == want
    assert len(caplog.messages) == 1
    start = f"1 cached entry could not be used and was computed again; {recordings[3].relative}: it"
    assert caplog.messages[0].startswith(start)
    assert files(cache) == files(whole)
    caplog.clear()
    assert content(extract(recordings, CONTRACT, COVER, cache_dir=cache)) == want
    assert caplog.messages == []


def test_many_damaged_entries_are_one_line(
    cache: Path, recordings: tuple[Recording, ...], caplog: pytest.LogCaptureFixture
) -> None:
    for path in cache.rglob("*.entry"):
        path.write_bytes(b"")
    extract(recordings, CONTRACT, COVER, cache_dir=cache)
    (line,) = caplog.messages
    assert line.startswith(f"{len(recordings)} cached entries could not be used")


def test_a_file_that_vanishes_is_computed_again(
    cache: Path, recordings: tuple[Recording, ...], caplog: pytest.LogCaptureFixture
) -> None:
    found = extract(recordings, CONTRACT, COVER, cache_dir=cache)
    want = content(found)
    shutil.rmtree(cache)
    assert content(replace(found, _loaded=[])) == want
    assert len(caplog.messages) > 0


def test_a_recording_that_changed_since_is_not_taken_for_it(
    cache: Path, recordings: tuple[Recording, ...], tmp_path: Path
) -> None:
    own = replace(recordings[0], path=tmp_path / "own.wav")
    own.path.write_bytes(recordings[0].path.read_bytes())
    found = extract([own], CONTRACT, COVER, cache_dir=cache)
    own.path.write_bytes(recordings[1].path.read_bytes())
    DAMAGE["bit in the features"](found.entries[0].path)
    with pytest.raises(BadInput, match="must stay as it is"):
        found.features([0])


def test_a_recording_that_changes_while_it_is_read_is_not_stored(
    recordings: tuple[Recording, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = replace(recordings[0], path=tmp_path / "own.wav")
    own.path.write_bytes(recordings[0].path.read_bytes())

    def meanwhile(path: Path, *args: Any, **kwargs: Any) -> npt.NDArray[np.int16]:
        samples = decode(path, *args, **kwargs)
        path.write_bytes(recordings[1].path.read_bytes())
        return samples

    monkeypatch.setattr("model_gen.data.cache.decode", meanwhile)
    skipped: list[Skipped] = []
    with pytest.raises(BadInput):
        extract([own], CONTRACT, COVER, cache_dir=tmp_path / "c", on_skip=skipped.append)
    assert [s.reason for s in skipped] == ["it changed while it was read"]
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_not_stored(wrong: float) -> None:
    features = np.zeros((2, 3, 4), np.float32)
    features[1, 2, 3] = wrong
    with pytest.raises(HostFailure, match="not finite"):
        entry_bytes([0, 5], np.zeros((2, 9), np.int16), features)


def test_an_entry_is_as_described_and_as_long_as_it_must_be(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for count in (1, 2, 5000):  # of the last, the header is long
        starts = list(range(0, 7 * count, 7))
        chunks = rng.integers(-99, 99, (count, 5)).astype(np.int16)
        features = rng.normal(size=(count, 2, 3)).astype(np.float32)
        data = entry_bytes(starts, chunks, features)
        assert data == by_hand(starts, chunks, features)
        (tmp_path / "x.entry").write_bytes(data)
        made = read_entry(tmp_path / "x.entry")
        assert [*made.starts] == starts
        assert made.features.end == len(data)


def test_files_added_to_a_known_folder_are_as_in_a_fresh_cache(tmp_path: Path) -> None:
    """The first recording is in the cache, so that several threads are the first to need a frontend."""
    data = write_tiny_dataset(tmp_path / "data", 6)
    everything = index_dataset(data).recordings
    long = replace(CONTRACT, fft_length=2048, bins=1024)  # of many tables
    fresh = content(extract(everything, long, COVER, cache_dir=tmp_path / "fresh"))
    for number in range(20):
        folder = tmp_path / f"grown{number}"
        extract(everything[:1], long, COVER, cache_dir=folder)
        describe.forget()
        grown = extract(everything, long, COVER, cache_dir=folder, num_workers=4)
        assert content(grown) == fresh, f"round {number}"


def test_writers_at_once_leave_whole_entries(
    recordings: tuple[Recording, ...], whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "shared"

    def work(_: int) -> tuple[bytes, bytes, bytes]:
        return content(extract(recordings, CONTRACT, COVER, cache_dir=folder, num_workers=2))

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(work, range(8)))
    assert found == {content(extract(recordings, CONTRACT, COVER, cache_dir=whole))}
    assert files(folder) == files(whole)
