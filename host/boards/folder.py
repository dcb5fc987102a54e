"""The private folder in which a user's boards live, and the folders of single boards in it.

What is in it decides which processes are ended and which folders are removed. So it is used only
when nobody else can have put anything there.
"""

import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from host.deadline import Deadline
from host.errors import BoardFailure, HostFailure
from host.locks import is_held, take

LOCK = "lock"  # in a board's folder: held as long as the board is in use
_SOCKET_PATH = 107  # bytes
# The names below the private folder need the rest.
_LONGEST = _SOCKET_PATH - len("/.own-12345678/uart0.sock")
_OWN = ".own-"  # what no board of a bench can be called
_GUARD = ".own.lock"
_RUN, _TMP = Path("/run/user"), Path("/tmp")
_FREE = 2.0  # seconds that a process that was ended has for freeing its lock
_PATIENCE = 10.0  # seconds for others who make or sweep folders


def private_folder(root: Path | None, *, make: bool) -> Path:
    """The folder of this user's boards: a real directory of ours that nobody else may enter.

    $XDG_RUNTIME_DIR/nightjar, /run/user/UID/nightjar, /tmp/nightjar-UID or
    $HOME/.cache/nightjar/run, the first that can be trusted. What cannot is not touched.

    Args:
        root: another folder, which alone is asked then; for tests.
        make: whether it is made where it is absent. Without, nothing is written, and it may be
            absent.

    Raises:
        HostFailure: none of the folders can be used; the evidence says why, one by one.
    """
    refusals: list[str] = []
    for place in _places() if root is None else [_Place(root.absolute())]:
        if place.within is not None:
            reason = _distrust(place.within)
            if reason:
                refusals.append(f"{place.within}: {reason}")
                continue
        reason = _prepare(place.path, make)
        if not reason:
            # Without links, as the kernel names the folder of a process that runs in it.
            return Path(os.path.realpath(place.path))
        refusals.append(f"{place.path}: {reason}")
    raise HostFailure(
        "there is no folder for boards that nobody else can write to",
        evidence="; ".join(refusals),
        next_step=f"remove or rename what is there, or make a folder of yours with mode 0700 and a"
        f" path of at most {_LONGEST - len('/nightjar')} bytes, and name it in XDG_RUNTIME_DIR",
    )


def hold_folder(folder: Path) -> int:
    """The lock of a kept board's folder, for the process that is to run in it.

    Raises:
        BoardFailure: another one holds it.
    """
    handle = take(folder / LOCK, Deadline.after(_FREE))
    if handle is None:
        raise BoardFailure(
            "a process that cannot be seen from here runs on the kept board",
            evidence=f"it holds {folder / LOCK}",
            next_step="end the board where it was started; that may be in another container",
        )
    return handle


@dataclass(frozen=True)
class _Place:
    """A place for the private folder, and the folder around it that must be private, too."""

    path: Path
    within: Path | None = None


def _places() -> list[_Place]:
    user = os.geteuid()
    places = []
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    for around in (given, f"{_RUN}/{user}"):
        if around.startswith("/"):
            places.append(_Place(Path(around) / "nightjar", Path(around)))
    places.append(_Place(_TMP / f"nightjar-{user}"))
    home = os.environ.get("HOME", "")
    if home.startswith("/"):
        places.append(_Place(Path(home) / ".cache" / "nightjar" / "run"))
    return places


def _prepare(path: Path, make: bool) -> str:
    """Make the folder if that is asked for; why it cannot be used, in words."""
    if len(os.fsencode(path)) > _LONGEST:
        return f"a path of more than {_LONGEST} bytes, too long for sockets"
    if not os.path.lexists(path):
        if not make:
            around = next(above for above in path.parents if above.exists())
            return "" if os.access(around, os.W_OK, effective_ids=True) else "it cannot be made"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.mkdir(mode=0o700)
            path.chmod(0o700)  # whatever the umask is; nobody else can have exchanged it
        except FileExistsError:
            pass  # made by another command of ours at the same time, or not: see below
        except OSError as error:
            return f"it cannot be made: {error.strerror}"
    return _distrust(path)


def _distrust(path: Path) -> str:
    """Why a folder cannot be trusted, or used, in words; "" when it can."""
    try:
        found = path.lstat()
    except OSError as error:
        return f"{error.strerror}"
    said = f"owner {found.st_uid}, mode {stat.filemode(found.st_mode)}"
    if stat.S_ISLNK(found.st_mode):
        return f"a link ({said})"
    if not stat.S_ISDIR(found.st_mode):
        return f"no folder ({said})"
    if found.st_uid != os.geteuid():
        return f"not of user {os.geteuid()} ({said})"
    if found.st_mode & 0o077:
        return f"open to others ({said})"
    if not os.access(path, os.W_OK | os.X_OK, effective_ids=True):
        return f"not writable ({said})"
    if os.statvfs(path).f_flag & os.ST_NOEXEC:
        return "nothing can be run there (mounted noexec)"
    return ""


@dataclass
class OwnFolder:
    """A folder of this process alone. Whoever sees its lock free may remove it."""

    path: Path
    _lock: int | None

    def remove(self) -> None:
        """Remove it; may be called twice."""
        if self._lock is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def own_folder(private: Path) -> OwnFolder:
    """A new folder of this process; folders whose owner has died are removed on the way.

    Raises:
        HostFailure: another command holds everybody up.
    """
    guard = take(private / _GUARD, Deadline.after(_PATIENCE))
    if guard is None:
        raise HostFailure(
            "another command has been making a board's folder for too long",
            evidence=f"{private / _GUARD} is held",
            next_step="end that command; it may be stopped",
        )
    try:
        # Under the guard, so that nobody takes a new folder for one whose owner has died.
        _sweep(private)
        path = Path(tempfile.mkdtemp(prefix=_OWN, dir=private))
        path.chmod(0o700)
        handle = take(path / LOCK, Deadline.after(0))
        assert handle is not None
        return OwnFolder(path, handle)
    finally:
        os.close(guard)


def _sweep(private: Path) -> None:
    """Remove what killed processes left. Their numbers say nothing: a namespace has its own."""
    for folder in private.glob(f"{_OWN}*"):
        if folder.is_symlink() or not folder.is_dir():
            continue
        if not os.path.lexists(folder / LOCK):
            try:
                folder.rmdir()  # its maker was killed at once
            except OSError:
                continue  # it may be in use: somebody has cleaned away old files
        elif not is_held(folder / LOCK):
            shutil.rmtree(folder, ignore_errors=True)


def kept_folder(private: Path, name: str) -> Path:
    """The folder of the kept board `name`."""
    return private / name


def make_kept_folder(private: Path, name: str) -> Path:
    """Make the kept board's folder anew. The caller has seen that nobody holds it.

    Raises:
        HostFailure: its path is too long for the sockets in it.
    """
    folder = kept_folder(private, name)
    if len(os.fsencode(folder)) > _SOCKET_PATH - len("/uart0.sock"):
        raise HostFailure(
            "the path of the board's folder is too long for a unix socket in it",
            evidence=f"Received: {folder}",
            next_step="give the board a shorter name in bench.toml, or name a shorter XDG_RUNTIME_DIR",
        )
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    folder.chmod(0o700)
    return folder
