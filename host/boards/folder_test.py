"""The private folder is nobody else's; a folder in it is removed when its owner has died."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.boards import folder
from host.boards.bench_file import BenchBoard
from host.boards.folder import LOCK, make_kept_folder, own_folder, private_folder
from host.boards.lock import board_lock
from host.deadline import Deadline
from host.errors import HostFailure
from host.locks import take

OTHER = 12345  # a user who is not us


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A computer whose places for private folders are below a folder of the test."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        made = Path(name)
        for inner in ("run", "tmp", "home", "xdg"):
            (made / inner).mkdir()
        (made / "tmp").chmod(0o1777)
        (made / "xdg").chmod(0o700)
        monkeypatch.setattr(folder, "_RUN", made / "run")
        monkeypatch.setattr(folder, "_TMP", made / "tmp")
        monkeypatch.setenv("HOME", str(made / "home"))
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        yield made


def planted(home: Path) -> Path:
    return home / "tmp" / f"nightjar-{os.geteuid()}"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_the_first_trusted_place_is_taken(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert private_folder(None, make=True) == planted(home)
    (home / "run" / str(os.geteuid())).mkdir(mode=0o700)
    assert private_folder(None, make=True) == home / "run" / str(os.geteuid()) / "nightjar"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "xdg"))
    assert private_folder(None, make=True) == home / "xdg" / "nightjar"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "xdg")  # not absolute: nobody knows where that is
    assert private_folder(None, make=True) == home / "run" / str(os.geteuid()) / "nightjar"


def open_to_others(path: Path) -> str:
    path.mkdir(mode=0o700)
    path.chmod(0o750)
    return "open to others"


def of_somebody_else(path: Path) -> str:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    path.mkdir(mode=0o700)
    os.chown(path, OTHER, OTHER)
    return f"owner {OTHER}"


def a_link(path: Path) -> str:
    (path.parent / "target").mkdir(mode=0o700)
    path.symlink_to(path.parent / "target")
    return "a link"


def a_file(path: Path) -> str:
    path.write_text("")
    return "no folder"


def run_nowhere(path: Path) -> str:
    path.mkdir(mode=0o700)
    line = ["mount", "-t", "tmpfs", "-o", "noexec,mode=0700,size=64k", "none", str(path)]
    if shutil.which("mount") is None or subprocess.run(line, capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted here")
    return "noexec"


@pytest.fixture
def mounted(home: Path) -> Iterator[None]:
    yield
    for path in (planted(home), home / "xdg2"):
        subprocess.run(["umount", str(path)], capture_output=True, check=False)


@pytest.mark.usefixtures("mounted")
@pytest.mark.parametrize("plant", [open_to_others, of_somebody_else, a_link, a_file, run_nowhere])
def test_a_planted_folder_is_passed_over_and_not_touched(
    plant: object, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(plant)
    says = plant(planted(home))
    before = (planted(home).lstat().st_mode, planted(home).lstat().st_uid)
    found = private_folder(None, make=True)
    assert found == home / "home" / ".cache" / "nightjar" / "run"
    assert mode(found) == 0o700
    assert (planted(home).lstat().st_mode, planted(home).lstat().st_uid) == before
    assert not planted(home).is_dir() or list(planted(home).iterdir()) == []
    # And nothing is left when home is none either.
    monkeypatch.setenv("HOME", "")
    with pytest.raises(HostFailure, match="nobody else can write") as caught:
        private_folder(None, make=True)
    assert f"{planted(home)}: " in caught.value.evidence
    assert says in caught.value.evidence
    assert "XDG_RUNTIME_DIR" in caught.value.next_step


@pytest.mark.parametrize("plant", [open_to_others, of_somebody_else, a_link, a_file])
def test_what_is_around_must_be_private_too(
    plant: object, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(plant)
    plant(home / "xdg2")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "xdg2"))
    assert private_folder(None, make=True) == planted(home)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_the_umask_does_not_matter(mask: int, home: Path) -> None:
    before = os.umask(mask)
    try:
        private = private_folder(None, make=True)
        own = own_folder(private)
        kept = make_kept_folder(private, "virtual")
    finally:
        os.umask(before)
    assert {mode(path) for path in (private, own.path, kept)} == {0o700}
    own.remove()


def test_a_path_too_long_for_sockets_is_passed_over(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = home / ("x" * 90)
    long.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    assert private_folder(None, make=True) == planted(home)
    with pytest.raises(HostFailure) as caught:
        private_folder(long / "boards", make=True)
    assert "too long for sockets" in caught.value.evidence


def test_looking_makes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "xdg"))
    assert private_folder(None, make=False) == home / "xdg" / "nightjar"
    assert list((home / "xdg").iterdir()) == []


OWN = """
import sys, time
from pathlib import Path
from host.boards.folder import own_folder, private_folder
print(own_folder(private_folder(Path(sys.argv[1]), make=True)).path, flush=True)
time.sleep(60)
"""


def owner(root: Path, *before: str) -> "tuple[subprocess.Popen[str], Path]":
    line = [*before, sys.executable, "-c", OWN, str(root)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def swept(root: Path) -> None:
    own_folder(private_folder(root, make=True)).remove()


def test_a_folder_is_swept_when_its_owner_has_died_and_not_before(tmp_path: Path) -> None:
    process, mine = owner(tmp_path / "boards")
    swept(tmp_path / "boards")
    assert mine.is_dir()
    process.kill()
    process.communicate()
    swept(tmp_path / "boards")
    assert not mine.exists()


def test_a_folder_of_another_pid_namespace_is_not_swept(tmp_path: Path) -> None:
    """Its owner has another number here, or none."""
    space = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    if shutil.which("unshare") is None or subprocess.run([*space, "true"]).returncode != 0:
        pytest.skip("this user may make no pid namespaces")
    process, mine = owner(tmp_path / "boards", *space)
    try:
        swept(tmp_path / "boards")
        assert mine.is_dir()
    finally:
        process.kill()
        process.communicate()


def test_what_is_no_own_folder_is_not_swept(tmp_path: Path) -> None:
    private = private_folder(tmp_path / "boards", make=True)
    (tmp_path / "victim").mkdir()
    (private / ".own-link").symlink_to(tmp_path / "victim")
    (private / ".own-file").write_text("")
    (private / ".own-cleaned").mkdir()  # its lock was cleaned away: it may be in use
    (private / ".own-cleaned" / "uart0.sock").write_text("")
    (private / ".own-stillborn").mkdir()  # its maker was killed at once
    make_kept_folder(private, "virtual")
    swept(private)
    assert sorted(path.name for path in private.iterdir()) == [
        ".own-cleaned", ".own-file", ".own-link", ".own.lock", "virtual"
    ]  # fmt: skip
    assert (tmp_path / "victim").is_dir()


@pytest.mark.parametrize("name", ["own", "own-5", "_own-5"])
def test_a_board_of_any_name_is_kept_beside_own_folders(tmp_path: Path, name: str) -> None:
    """No name that a bench may give is one of the folder's own."""
    assert BenchBoard(name, "native").name == name
    private = private_folder(tmp_path / "boards", make=True)
    kept = make_kept_folder(private, name)  # which no process runs in before its first flash
    (kept / LOCK).write_text("")
    with board_lock(private, name, 0):
        own_folder(private).remove()
    assert kept.is_dir()


def test_a_folder_in_the_making_is_not_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the folder and its lock, nobody looks."""
    private = private_folder(tmp_path / "boards", make=True)
    guard = take(private / ".own.lock", Deadline.after(0))
    assert guard is not None
    (private / ".own-newborn").mkdir()
    monkeypatch.setattr(folder, "_PATIENCE", 0.1)
    with pytest.raises(HostFailure, match="for too long"):
        own_folder(private)
    assert (private / ".own-newborn").is_dir()
    os.close(guard)


def test_a_kept_folder_is_made_anew_and_a_link_is_not_followed(tmp_path: Path) -> None:
    private = private_folder(tmp_path / "boards", make=True)
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "precious").write_text("")
    (private / "virtual").symlink_to(tmp_path / "victim")
    made = make_kept_folder(private, "virtual")
    (made / LOCK).write_text("")
    assert not made.is_symlink()
    assert list(make_kept_folder(private, "virtual").iterdir()) == []
    assert (tmp_path / "victim" / "precious").exists()
