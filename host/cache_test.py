"""Caches keep what they were given or nothing, within their bounds, and touch nothing else."""

import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.cache import CACHES, Cache, cache_root, key_of
from host.cache_folder import BoundedFolder, Swept
from host.installed import ROOT

CACHE = Cache("expectations", "things", 8000)
FILES = Cache("libraries", "things", 8000, "name", r"lib[a-z]+-[0-9a-f]{16}-[0-9a-f]{32}\.so")
HEX = "0123456789abcdef"


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def age(path: Path, seconds: float) -> None:
    when = time.time() - seconds
    os.utime(path, (when, when))


def names(cache: Cache) -> list[str]:
    return [entry.name for entry in cache.folder.entries()]


def test_what_was_written_is_read_and_nothing_else(root: Path) -> None:
    one, two = key_of("a", "b"), key_of("ab", "")
    assert one != two
    assert CACHE.read(one) is None
    CACHE.write(one, b"content\nof two lines")
    assert CACHE.read(one) == b"content\nof two lines"
    assert CACHE.read(two) is None
    assert sorted(path.name for path in root.iterdir()) == ["expectations"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.binary(max_size=60), st.data())
def test_a_damaged_entry_is_none_and_is_dropped(content: bytes, data: st.DataObject) -> None:
    key = key_of(b"k")
    CACHE.write(key, content)
    path = CACHE.folder.path / key
    raw = bytearray(path.read_bytes())
    how = data.draw(st.sampled_from(["flip", "cut", "longer"]))
    place = data.draw(st.integers(0, len(raw) - 1))
    if how == "flip":
        raw[place] ^= 1 << data.draw(st.integers(0, 7))
    elif how == "cut":
        del raw[place:]
    else:
        raw += b"\0"
    path.write_bytes(raw)
    assert CACHE.read(key) is None
    assert not path.exists()


def test_an_entry_of_another_key_cache_or_version_is_none() -> None:
    one, two = key_of("1"), key_of("2")
    CACHE.write(one, b"content")
    folder = CACHE.folder.path
    raw = (folder / one).read_bytes()
    (folder / two).write_bytes(raw)
    assert CACHE.read(two) is None
    (folder / one).write_bytes(raw.replace(b"cache 1", b"cache 2"))
    assert CACHE.read(one) is None
    other = Cache("messages", "things", 8000)
    other.folder.path.mkdir()
    (other.folder.path / one).write_bytes(raw)
    assert other.read(one) is None


def test_an_entry_that_others_can_write_is_not_believed(root: Path) -> None:
    key = key_of("k")
    CACHE.write(key, b"content")
    path = root / "expectations" / key
    path.chmod(0o666)
    assert CACHE.read(key) is None
    path.chmod(0o644)
    assert CACHE.read(key) == b"content"
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
        assert CACHE.read(key) is None


@pytest.mark.parametrize("place", ["/proc/nightjar", "/dev/null"])
def test_a_disk_that_cannot_be_written_is_harmless(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTJAR_CACHE", place)
    CACHE.write(key_of("k"), b"content")
    assert CACHE.read(key_of("k")) is None
    assert not CACHE.folder.use("a")
    assert CACHE.folder.entries() == []

    def make(path: Path) -> None:
        path.write_bytes(b"library")

    made = FILES.file("libx", "0" * 16, ".so", make)
    assert made.read_bytes() == b"library"


def test_writing_stays_within_the_bound_and_what_was_used_last_stays() -> None:
    keys = [key_of(str(number)) for number in range(100)]
    for number, key in enumerate(keys):
        CACHE.write(key, bytes(200))
        age(CACHE.folder.path / key, 1000 - number)
        assert sum(entry.bytes for entry in CACHE.folder.entries()) <= CACHE.bound
        if number:
            assert CACHE.read(keys[0]) is not None  # used all the time
            age(CACHE.folder.path / keys[0], 1000 - number - 0.5)
    assert CACHE.read(keys[1]) is None
    assert CACHE.read(keys[-1]) == bytes(200)


def test_pruning_removes_the_oldest_down_to_the_bound() -> None:
    keys = [key_of(str(number)) for number in range(6)]
    for number, key in enumerate(keys):
        CACHE.write(key, bytes(100))
        age(CACHE.folder.path / key, 60 - number)
    size = CACHE.folder.entries()[0].bytes
    assert CACHE.folder.sweep(3 * size) == Swept(3, 3 * size, 0)
    assert names(CACHE) == keys[3:]
    assert CACHE.folder.sweep(3 * size) == Swept()
    assert CACHE.folder.sweep(0) == Swept(3, 3 * size, 0)


def test_only_files_of_the_registered_form_are_counted_and_removed(tmp_path: Path) -> None:
    folder = CACHE.folder.path
    key = key_of("k")
    CACHE.write(key, b"content")
    outside = tmp_path / "outside"
    (outside / "ab").mkdir(parents=True)
    kept = [outside / ("0" * 64), outside / "ab" / ("0" * 64), folder / "notes.txt"]
    kept += [folder / ("0" * 63), folder / ("0" * 64 + ".txt")]
    for path in kept:
        path.write_text("mine")
    (folder / ("1" * 64)).symlink_to(outside / ("0" * 64))
    (folder / "ab").symlink_to(outside / "ab")
    (folder / ("2" * 64)).mkdir()
    (folder / "2" / "x").mkdir(parents=True)
    assert names(CACHE) == [key]
    assert CACHE.folder.sweep(0).entries == 1
    assert all(path.read_text() == "mine" for path in kept)
    assert (folder / ("1" * 64)).is_symlink()
    assert CACHE.read("1" * 64) is None


def test_a_folder_that_is_a_link_is_left_alone(root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / key_of("k")).write_bytes(b"mine")
    root.mkdir()
    (root / "expectations").symlink_to(elsewhere)
    CACHE.write(key_of("j"), b"content")
    CACHE.drop(key_of("k"))
    assert CACHE.read(key_of("k")) is None
    assert not CACHE.folder.use(key_of("k"))
    assert CACHE.folder.entries() == []
    with pytest.raises(OSError, match=r"."):
        CACHE.folder.sweep(0)
    assert [path.name for path in elsewhere.iterdir()] == [key_of("k")]


def test_what_a_killed_writer_left_is_removed_when_it_is_old() -> None:
    CACHE.write(key_of("k"), b"content")
    folder = CACHE.folder.path
    old, new, other = (folder / f".{key_of('k')}.{tail}" for tail in ("old", "new", "x.y"))
    for path in (old, new, other):
        path.write_bytes(b"half")
    age(old, 2 * 86400)
    CACHE.folder.sweep(CACHE.bound)
    assert not old.exists()
    assert new.exists()
    assert other.exists()


SUBFOLDERS = Cache("features", "things", 8000, "name", r"[0-9a-f]{2}/[0-9a-f]{64}\.np[yz]")


def test_entries_in_subfolders_are_pruned_too() -> None:
    for number in range(4):
        key = key_of(str(number))
        SUBFOLDERS.folder.write(f"{key[:2]}/{key}.npy", bytes(100))
        age(SUBFOLDERS.folder.path / key[:2] / f"{key}.npy", 60 - number)
    assert len(SUBFOLDERS.folder.entries()) == 4
    assert SUBFOLDERS.folder.sweep(200) == Swept(2, 200, 0)


def test_an_entry_that_is_open_can_be_pruned_and_read_to_its_end() -> None:
    key = key_of("0")
    name = f"{key[:2]}/{key}.npy"
    SUBFOLDERS.folder.write(name, [b"in ", b"pieces"])
    age(SUBFOLDERS.folder.path / name, 60)
    (before,) = SUBFOLDERS.folder.entries()
    stream = SUBFOLDERS.folder.open(name)
    assert stream is not None
    with stream:
        (now,) = SUBFOLDERS.folder.entries()
        assert now.used > before.used
        assert SUBFOLDERS.folder.sweep(0) == Swept(1, 9, 0)
        assert stream.read() == b"in pieces"
    assert SUBFOLDERS.folder.open(name) is None


def test_nothing_is_opened_or_dropped_through_a_link(tmp_path: Path) -> None:
    key = key_of("0")
    name = f"{key[:2]}/{key}.npy"
    (tmp_path / "elsewhere" / key[:2]).mkdir(parents=True)
    (tmp_path / "elsewhere" / name).write_bytes(b"somebody else's")
    folder = SUBFOLDERS.folder
    folder.path.mkdir(parents=True)
    for link, target in ((folder.path / key[:2], key[:2]), (folder.path, "")):
        if link == folder.path:
            (folder.path / key[:2]).unlink()
            folder.path.rmdir()
        link.symlink_to(tmp_path / "elsewhere" / target)
        assert folder.open(name) is None
        folder.drop(name)
        assert (tmp_path / "elsewhere" / name).exists()


def test_an_entry_in_use_is_not_removed_under_its_users_feet(root: Path) -> None:
    """By a process that lives; what was used before it began, or is not used, goes."""
    folder = CACHE.folder
    used, unused = key_of("used"), key_of("unused")
    for key in (used, unused):
        CACHE.write(key, b"content")
        age(folder.path / key, 100)
    code = f"""
    import sys
    from host.cache import CACHES
    print(CACHES["expectations"].folder.use({used!r}), flush=True)
    sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert folder.sweep(0) == Swept(1, (folder.path / used).stat().st_size, 1)
        assert names(CACHE) == [used]
        process.communicate("")
    assert folder.sweep(0).entries == 1
    assert not list(folder.path.glob(".lease-*"))


def test_leases_do_not_grow_in_number() -> None:
    """A process that ends without cleaning up leaves one, which the next removes."""
    CACHE.write(key_of("k"), b"content")
    code = f"""
    import os
    from host.cache import CACHES
    assert CACHES["expectations"].folder.use({key_of("k")!r})
    os._exit(0)
    """
    for _ in range(3):
        line = [sys.executable, "-c", textwrap.dedent(code)]
        subprocess.run(line, cwd=ROOT, check=True, timeout=300)
        assert len(list(CACHE.folder.path.glob(".lease-*"))) == 1


def test_use_says_whether_all_are_there() -> None:
    CACHE.write(key_of("k"), b"content")
    assert CACHE.folder.use(key_of("k"))
    assert not CACHE.folder.use(key_of("k"), key_of("j"))
    assert CACHE.folder.sweep(0).in_use == 1  # this process's own, too


def test_many_processes_write_read_and_prune_at_once(root: Path) -> None:
    code = """
    import random, sys
    from host.cache import Cache, key_of
    cache = Cache("expectations", "things", 8000)
    rng = random.Random(int(sys.argv[1]))
    wrong = 0
    for turn in range(150):
        number = rng.randrange(60)
        content = str(number).encode() * 50
        if rng.random() < 0.5:
            cache.write(key_of(str(number)), content)
        elif rng.random() < 0.9:
            wrong += cache.read(key_of(str(number))) not in (None, content)
        else:
            try:
                cache.folder.sweep(2000)
            except BlockingIOError:
                pass
    print(wrong)
    """
    started = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(seed)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for seed in range(4)
    ]
    assert [process.communicate()[0] for process in started] == ["0\n"] * 4
    assert not [path for path in (root / "expectations").glob(".*") if len(path.name) > 60]


def test_a_file_is_made_once_and_again_when_it_is_damaged(root: Path) -> None:
    made: list[Path] = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_bytes(b"library")

    first = FILES.file("libx", "0" * 16, ".so", make)
    assert first.parent == root / "libraries"
    assert re.fullmatch(FILES.form, first.name)
    assert FILES.file("libx", "0" * 16, ".so", make) == first
    assert len(made) == 1
    first.write_bytes(b"librarx")
    assert FILES.file("libx", "0" * 16, ".so", make) == first
    assert first.read_bytes() == b"library"
    assert FILES.file("libx", "1" * 16, ".so", make) != first
    assert len(made) == 3


def test_what_the_maker_raises_is_raised(root: Path) -> None:
    def make(path: Path) -> None:
        raise ValueError("no compiler")

    with pytest.raises(ValueError, match="no compiler"):
        FILES.file("libx", "0" * 16, ".so", make)
    assert not root.exists()


def test_the_place_is_the_checkouts_or_the_one_that_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NIGHTJAR_CACHE", "mine")
    assert cache_root() == tmp_path / "mine"
    for nothing in (None, ""):
        if nothing is None:
            monkeypatch.delenv("NIGHTJAR_CACHE")
        else:
            monkeypatch.setenv("NIGHTJAR_CACHE", nothing)
        assert cache_root() == ROOT / "build" / "cache"


@pytest.mark.parametrize("cache", CACHES.values(), ids=CACHES)
def test_every_registered_cache_is_bounded_and_says_what_it_is(cache: Cache) -> None:
    assert cache.bound >= 0
    assert cache.holds
    assert cache.verified
    assert isinstance(cache.folder, BoundedFolder)
    # Nothing of the folder's own is ever an entry, nor anything outside.
    for name in (".lock", ".written", ".lease-1-x", "..", "../" + "0" * 64, "/etc/passwd", ""):
        assert not cache.folder.form.fullmatch(name)
