"""What is damaged in the cache dies: it is decoded again, with one line of warning; what is pruned, without one."""

import hashlib
import json
import shutil
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from host.cache import WINDOWS
from host.errors import BadInput
from host.files import sha256_file
from host.reference.frontend import describe
from model_gen.audio.decode import blocks, opened
from model_gen.audio.source import Source
from model_gen.audio.testing import count_reads
from model_gen.data.cache import Skipped
from model_gen.data.dataset import Recording, index_dataset
from model_gen.data.entry import Entry, read_entry
from model_gen.data.features import Chunks, extract
from model_gen.data.selection import Selection
from model_gen.data.testing import CONTRACT, RATE, write_tiny_dataset

COVER = Selection(overlap=0.5)
SALIENT = Selection(salient=2)


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


def split(path: Path) -> tuple[bytes, bytes, bytes]:
    """Digest, header and samples of a file."""
    digest, line, pcm = path.read_bytes().split(b"\n", 2)
    return digest, line, pcm


def cut(share: float) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def flip(place: Callable[[Path], int]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[place(path)] ^= 1 << 5
        path.write_bytes(data)

    return damage


def later_version(path: Path) -> None:
    line = json.dumps({"schema": "nightjar/windows/3"}) + "\n"
    path.write_text(f"{hashlib.sha256(line.encode()).hexdigest()}\n{line}")


def of_another(path: Path) -> None:
    """A whole entry, of another recording."""
    others = [other for other in sorted(path.parents[1].rglob("*.pcm")) if other != path]
    path.write_bytes(others[0].read_bytes())


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut to nothing": cut(0),
    "cut in the header": cut(0.001),
    "cut in the samples": cut(0.2),
    "cut at the end": cut(0.999),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "bit in the digest": flip(lambda path: 7),
    "bit in the header": flip(lambda path: 90),
    "bit in the samples": flip(lambda path: -300),
    "later version": later_version,
}


def damaged(cache: Path, recording: Recording, kind: str) -> None:
    DAMAGE[kind](cache / extract([recording], CONTRACT, COVER, cache_dir=cache).names[0])


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_entry_is_decoded_again_with_one_line(
    kind: str,
    cache: Path,
    whole: Path,
    recordings: tuple[Recording, ...],
    caplog: pytest.LogCaptureFixture,
) -> None:
    want = content(extract(recordings, CONTRACT, COVER, cache_dir=whole))
    assert caplog.messages == []
    damaged(cache, recordings[3], kind)
    found = extract(recordings, CONTRACT, COVER, cache_dir=cache, num_workers=2)
    assert content(found) == want
    assert len(caplog.messages) == 1
    start = f"1 cached entry could not be used and was computed again; {recordings[3].relative}: "
    assert caplog.messages[0].startswith(start)
    assert files(cache) == files(whole)
    caplog.clear()
    assert content(extract(recordings, CONTRACT, COVER, cache_dir=cache)) == want
    assert caplog.messages == []


@pytest.mark.parametrize("kind", [*DAMAGE, "of another"])
def test_an_entry_that_is_damaged_after_the_first_pass_is_not_used(
    kind: str, cache: Path, whole: Path, recordings: tuple[Recording, ...]
) -> None:
    found = extract(recordings, CONTRACT, COVER, cache_dir=cache)
    (DAMAGE | {"of another": of_another})[kind](cache / found.names[3])
    assert content(found) == content(extract(recordings, CONTRACT, COVER, cache_dir=whole))
    assert files(cache) == files(whole)


def test_many_damaged_entries_are_one_line(
    cache: Path, recordings: tuple[Recording, ...], caplog: pytest.LogCaptureFixture
) -> None:
    for path in cache.rglob("*.pcm"):
        path.write_bytes(b"")
    extract(recordings, CONTRACT, COVER, cache_dir=cache)
    (line,) = caplog.messages
    assert line.startswith(f"{len(recordings)} cached entries could not be used")


@pytest.mark.parametrize("selection", [COVER, SALIENT, Selection()])
def test_what_is_not_kept_is_decoded_again_to_the_same_bytes(
    selection: Selection, tmp_path: Path, recordings: tuple[Recording, ...]
) -> None:
    found = extract(recordings, CONTRACT, selection, cache_dir=tmp_path / "c")
    want = content(found)
    shutil.rmtree(tmp_path / "c")
    assert content(found) == want


def test_a_cache_of_ten_windows_is_enough_for_any_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more than 40; a second pass goes on with what is left, and the bound holds all the time."""
    recordings = index_dataset(write_tiny_dataset(tmp_path / "data", 8, 1.6)).recordings
    want = extract(recordings, CONTRACT, SALIENT, cache_dir=tmp_path / "large")
    count = len(want)
    assert count > 40
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    bound = 10 * 2 * CONTRACT.chunk_samples
    small = replace(WINDOWS, bound=bound)
    monkeypatch.setattr("model_gen.data.cache.WINDOWS", small)
    for _ in range(2):
        found = extract(recordings, CONTRACT, SALIENT, num_workers=3)
        for indices in (range(count), [40, 3, 40, 17], range(count - 1, -1, -1)):
            assert found.pcm(indices).tobytes() == want.pcm(indices).tobytes()
            np.testing.assert_array_equal(found.features(indices), want.features(indices))
            assert 0 < sum(entry.bytes for entry in small.folder.entries()) <= bound


def test_a_first_pass_that_was_cut_off_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recordings: tuple[Recording, ...]
) -> None:
    decoded: list[str] = []

    def watched(path: Path) -> AbstractContextManager[Source]:
        decoded.append(path.name)
        return opened(path)

    def cut_off(done: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("model_gen.data.cache.opened", watched)
    with pytest.raises(KeyboardInterrupt):
        extract(recordings[:4], CONTRACT, COVER, cache_dir=tmp_path / "c", on_progress=cut_off)
    assert len(decoded) == 4
    extract(recordings, CONTRACT, COVER, cache_dir=tmp_path / "c")
    assert len(decoded) == len(recordings)


def test_a_cache_that_cannot_be_written_is_not_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recordings: tuple[Recording, ...], whole: Path
) -> None:
    (tmp_path / "file").write_text("no folder can be made below this")
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "file"))
    want = content(extract(recordings, CONTRACT, COVER, cache_dir=whole))
    assert content(extract(recordings, CONTRACT, COVER)) == want


def test_a_recording_that_changed_since_is_not_taken_for_it(
    cache: Path, recordings: tuple[Recording, ...], tmp_path: Path
) -> None:
    own = replace(recordings[0], path=tmp_path / "own.wav")
    own.path.write_bytes(recordings[0].path.read_bytes())
    found = extract([own], CONTRACT, COVER, cache_dir=cache)
    own.path.write_bytes(recordings[1].path.read_bytes())
    DAMAGE["bit in the samples"](cache / found.names[0])
    with pytest.raises(BadInput, match="must stay as it is"):
        found.features([0])


def test_a_recording_that_changes_while_it_is_read_is_not_stored(
    recordings: tuple[Recording, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = replace(recordings[0], path=tmp_path / "own.wav")
    own.path.write_bytes(recordings[0].path.read_bytes())

    def meanwhile(path: Path) -> AbstractContextManager[Source]:
        path.write_bytes(recordings[1].path.read_bytes())
        return opened(path)

    monkeypatch.setattr("model_gen.data.cache.opened", meanwhile)
    skipped: list[Skipped] = []
    with pytest.raises(BadInput):
        extract([own], CONTRACT, COVER, cache_dir=tmp_path / "c", on_skip=skipped.append)
    (only,) = skipped
    assert only.reason.startswith("it changed since it was looked at")
    assert not (tmp_path / "c").exists()


def test_a_recording_is_read_once_for_its_windows(
    recordings: tuple[Recording, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for its digest too, where nobody looked at it."""
    counted = count_reads(monkeypatch)
    looked = [replace(r, sha256=sha256_file(r.path)) for r in recordings]
    for some in (looked, recordings):
        want = content(extract(some, CONTRACT, COVER, cache_dir=tmp_path / str(len(counted))))
    assert counted == [r.path for r in recordings] * 2
    assert content(extract(looked, CONTRACT, COVER, cache_dir=tmp_path / "0")) == want
    assert len(counted) == 2 * len(recordings)


def test_a_digest_of_other_bytes_is_not_believed(
    recordings: tuple[Recording, ...], tmp_path: Path
) -> None:
    wrong = replace(recordings[0], sha256=sha256_file(recordings[1].path))
    found = extract([wrong, *recordings[2:]], CONTRACT, COVER, cache_dir=tmp_path / "c")
    assert [s.path for s in found.skipped] == [wrong.relative]


def test_an_entry_is_as_described(tmp_path: Path, recordings: tuple[Recording, ...]) -> None:
    found = extract(recordings[:1], CONTRACT, SALIENT, cache_dir=tmp_path)
    (path,) = tmp_path.rglob("*.pcm")
    digest, line, pcm = split(path)
    assert digest.decode() == hashlib.sha256(line + b"\n").hexdigest()
    head = json.loads(line)
    assert head.pop("schema") == "nightjar/windows/2"
    recording = np.concatenate(list(blocks(recordings[0].path, RATE)))
    kept = [recording[begin:end] for begin, end in head["stretches"]]
    assert pcm == b"".join(piece.tobytes() for piece in kept)
    assert head.pop("sha256") == hashlib.sha256(pcm).hexdigest()
    assert head["whole"] == head["samples"] == len(recording)
    assert head["starts"] == found.starts.tolist()
    with path.open("rb") as stream:
        assert read_entry(stream, head["name"]) == found.entries[0]
        assert stream.read() == pcm


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
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda i, of=grown: of.features([i]), range(len(grown))))
        assert np.concatenate(found).tobytes() == fresh[0], f"round {number}"
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


@pytest.mark.parametrize("selection", [Selection(0, salient=3), Selection(0, overlap=0.5)])
def test_a_long_recording_is_kept_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, selection: Selection
) -> None:
    """What waits for the choice of windows goes to disk, and so does what is kept."""
    monkeypatch.setattr("model_gen.data.cache._IN_MEMORY", 1 << 20)
    minutes = 20
    path = tmp_path / "a.wav"
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        for number in range(minutes):
            sound = np.random.default_rng(number).integers(-99, 99, 60 * RATE)
            file.write(sound.astype(np.int16))
    recording = Recording(path, "a/a.wav", "a")
    tracemalloc.start()
    try:
        found = extract([recording], CONTRACT, selection, cache_dir=tmp_path / "c")
        found.features([0, len(found) - 1])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 19e6
    assert peak < 8e6
    assert found.samples(len(found) - 1).any()


def test_what_is_unheard_is_counted() -> None:
    entry = Entry("", (100, 130, 900), 1000, 5000, ((50, 1000),), "")
    assert entry.unheard(200) == 5000 - (330 - 100) - (1000 - 900)


def test_an_entry_of_another_recording_is_decoded_again(
    tmp_path: Path, recordings: tuple[Recording, ...]
) -> None:
    found = extract(recordings[:2], CONTRACT, SALIENT, cache_dir=tmp_path)
    want = [found.samples(i) for i in range(len(found))]
    one, other = sorted(tmp_path.rglob("*.pcm"))
    one.write_bytes(other.read_bytes())
    again = extract(recordings[:2], CONTRACT, SALIENT, cache_dir=tmp_path)
    got = [again.samples(i) for i in range(len(again))]
    np.testing.assert_array_equal(np.stack(got), np.stack(want))
