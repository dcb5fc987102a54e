"""What was measured is believed as long as path, size and time of change say so; each change is
made here."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from host.cache import INSPECTIONS
from model_gen.data import inspect as inspected
from model_gen.data.hearing import Hearing
from model_gen.data.inspect import inspect
from model_gen.data.measure import Measures, measure

HEARING = Hearing(sample_rate=8000, chunk=2000, max_duration=60, most=3)
PAST = 1_700_000_000 * 10**9


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Two folders with three recordings each, long finished."""
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(3):
            path = tmp_path / name / f"{i}.wav"
            soundfile.write(path, np.random.default_rng(i).normal(0, 0.1, 3000), 8000)
            os.utime(path, ns=(PAST, PAST))
            made.append(path)
    return made


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read, as they are."""
    read: list[str] = []

    def watched(path: Path, hearing: Hearing) -> Measures:
        read.append(f"{path.parent.name}/{path.name}")
        return measure(path, hearing)

    monkeypatch.setattr(inspected, "measure", watched)
    return read


def test_each_file_is_read_once(paths: list[Path], reads: list[str]) -> None:
    told: list[int] = []
    first = inspect(paths, HEARING, workers=3, on_progress=told.append)
    assert first == [measure(path, HEARING) for path in paths]
    assert sorted(reads) == ["a/0.wav", "a/1.wav", "a/2.wav", "b/0.wav", "b/1.wav", "b/2.wav"]
    assert told == list(range(7))
    reads.clear()
    assert inspect(paths[::-1], HEARING) == first[::-1]
    assert reads == []
    inspect(paths, HEARING, rehash=True)
    assert len(reads) == 6


def test_another_size_time_or_hearing_is_read_again(paths: list[Path], reads: list[str]) -> None:
    first = inspect(paths, HEARING)
    reads.clear()
    soundfile.write(paths[0], np.ones(3001) / 3, 8000)
    os.utime(paths[0], ns=(PAST, PAST))
    os.utime(paths[4], ns=(PAST, PAST + 1))
    again = inspect(paths, HEARING)
    assert reads == ["a/0.wav", "b/1.wav"]
    assert again[0] != first[0]
    assert again[1:] == first[1:]
    reads.clear()
    inspect(paths, Hearing(8000, 2000, 60, 1))
    assert len(reads) == 6


def test_rehash_finds_what_no_time_tells(paths: list[Path], reads: list[str]) -> None:
    first = inspect(paths, HEARING)
    data = bytearray(paths[0].read_bytes())
    data[-1] ^= 64
    paths[0].write_bytes(data)
    os.utime(paths[0], ns=(PAST, PAST))
    assert inspect(paths, HEARING) == first
    assert inspect(paths, HEARING, rehash=True)[0] != first[0]
    assert inspect(paths, HEARING)[0] != first[0]


def test_a_file_that_has_just_changed_is_not_believed(paths: list[Path], reads: list[str]) -> None:
    now = time.time_ns()
    os.utime(paths[2], ns=(now, now))
    inspect(paths, HEARING)
    reads.clear()
    os.utime(paths[2], ns=(now, now))
    inspect(paths, HEARING)
    assert reads == ["a/2.wav"]


def test_what_was_read_before_an_interruption_is_kept(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, hearing: Hearing) -> Measures:
        if path == paths[4]:
            raise KeyboardInterrupt
        return measure(path, hearing)

    monkeypatch.setattr(inspected, "measure", broken)
    with pytest.raises(KeyboardInterrupt):
        inspect(paths, HEARING)
    read: list[Path] = []

    def noted(path: Path, hearing: Hearing) -> Measures:
        read.append(path)
        return measure(path, hearing)

    monkeypatch.setattr(inspected, "measure", noted)
    inspect(paths, HEARING)
    assert read == paths[4:]


def test_a_damaged_entry_is_as_if_there_were_none(paths: list[Path], reads: list[str]) -> None:
    first = inspect(paths, HEARING)
    entry = INSPECTIONS.folder.entries()[0]
    path = INSPECTIONS.folder.path / entry.name
    path.write_bytes(path.read_bytes()[:-3])
    reads.clear()
    assert inspect(paths, HEARING) == first
    assert len(reads) == 3


def test_what_is_gone_or_may_not_be_read_is_said(paths: list[Path]) -> None:
    paths[0].unlink()
    (paths[1].parent / "1.wav").unlink()
    paths[1].symlink_to(paths[1])
    found = inspect(paths, HEARING)
    assert [bool(one.unreadable) for one in found] == [True, True, *[False] * 4]


def test_names_that_are_no_utf8_are_remembered(paths: list[Path], reads: list[str]) -> None:
    odd = paths[0].rename(paths[0].parent / os.fsdecode(b"\xf6.wav"))
    first = inspect([odd], HEARING)
    reads.clear()
    assert inspect([odd], HEARING) == first
    assert reads == []
