"""A folder of files that stays within a bound while several processes write, use and prune it.

Entries are files whose path has a given form; nothing else is counted or removed, and no link is
followed. When an entry was used last is its time of change. `.lock` is held by who prunes, and for
moments by who uses. Who uses entries by their paths holds a lease, a locked file that the kernel
frees when the process ends: what was used since a living lease began is not pruned.
"""

import fcntl
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from host.files import write_atomically

_LOCK = ".lock"
_LEASE = ".lease-"
_WRITTEN = (
    ".written"  # bytes since the last look at the whole folder, so that writing costs no such look
)
_SUBFOLDER = re.compile(r"[0-9a-f]{2}")
_PATIENCE = 2.0  # seconds for a lock that others hold for moments
_LOOK = 0.005
_ABANDONED = 86400 * 10**9  # ns after which nobody writes at a half-written file any more
_leases: dict[tuple[int, int], int] = {}  # device and inode of a folder -> our lease's descriptor


@dataclass(frozen=True)
class Entry:
    """A file: its path in the folder, its size, and when it was used last, in ns of the epoch."""

    name: str
    bytes: int
    used: int


@dataclass(frozen=True)
class Swept:
    """What pruning removed, and how many entries it had to leave because they are in use."""

    entries: int = 0
    bytes: int = 0
    in_use: int = 0


class BoundedFolder:
    """The folder `path`, which need not exist; the paths of its entries match `form` whole."""

    def __init__(self, path: Path, form: str, bound: int) -> None:
        self.path = path
        self.form = re.compile(form)
        self.bound = bound

    def entries(self) -> list[Entry]:
        """Every entry, what was not used for longest first; none where no folder of ours is."""
        with suppress(OSError), self._opened() as folder:
            return self._entries(folder)
        return []

    def use(self, *names: str) -> bool:
        """Whether these entries are all there; then nobody prunes them before this process ends."""
        try:
            with self._opened() as folder, _locked(folder, fcntl.LOCK_SH):
                self._lease(folder)
                for name in names:
                    if not is_ours(os.stat(name, dir_fd=folder, follow_symlinks=False)):
                        return False
                    os.utime(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        except OSError:  # a disk that cannot be written: nobody prunes there, either
            return not self.path.is_symlink() and all(
                (self.path / name).is_file() and is_ours((self.path / name).lstat())
                for name in names
            )
        return True

    def open(self, name: str) -> BinaryIO | None:
        """An entry for reading, or None where no file of ours is. It was used now.

        Without a lease: it may be pruned meanwhile, and can be read to its end even then.
        """
        path = self.path / name
        if self.path.is_symlink() or path.parent.is_symlink():
            return None
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        stream = os.fdopen(handle, "rb")
        if not is_ours(os.fstat(handle)):
            stream.close()
            return None
        with suppress(OSError):
            os.utime(handle)
        return stream

    def drop(self, name: str) -> None:
        """Forget an entry."""
        path = self.path / name
        with suppress(OSError):
            if not (self.path.is_symlink() or path.parent.is_symlink()):
                path.unlink()

    def write(self, name: str, data: bytes | Iterable[bytes]) -> None:
        """Write an entry whole, or its pieces, and prune when that can have passed the bound.

        Raises:
            OSError: it cannot be written.
        """
        if self.path.is_symlink():
            raise OSError(f"{self.path} is a link, which may lead anywhere")
        write_atomically(self.path / name, data)
        slack = self.bound // 8
        with suppress(OSError):
            with self._opened() as folder, _locked(folder, fcntl.LOCK_EX):
                total = (self.path / name).lstat().st_size + self._written(slack)
                write_atomically(self.path / _WRITTEN, b"%d" % total)
            if total > slack:
                self.sweep(self.bound - slack)

    def sweep(self, bound: int) -> Swept:
        """Remove entries, those not used for longest first, until the others fit `bound` bytes.

        Raises:
            OSError: the folder is a link or cannot be changed, or another process holds it long.
        """
        try:
            with self._opened() as folder, _locked(folder, fcntl.LOCK_EX):
                return self._sweep(folder, bound)
        except FileNotFoundError:
            return Swept()

    def _sweep(self, folder: int, bound: int) -> Swept:
        since = _leased_since(folder)
        found = self._entries(folder, clean=True)
        left = sum(entry.bytes for entry in found)
        write_atomically(self.path / _WRITTEN, b"0")
        entries = removed = in_use = 0
        for entry in found:
            if left <= bound:
                break
            if entry.used >= since:
                in_use += 1
                continue
            with suppress(FileNotFoundError), _parent(folder, entry.name) as parent:
                os.unlink(Path(entry.name).name, dir_fd=parent)
            left -= entry.bytes
            removed += entry.bytes
            entries += 1
        return Swept(entries, removed, in_use)

    def _entries(self, folder: int, *, clean: bool = False) -> list[Entry]:
        """With `clean`, half-written entries that were abandoned are removed."""
        with os.scandir(folder) as listing:
            subfolders = [
                entry.name
                for entry in listing
                if entry.is_dir(follow_symlinks=False) and _SUBFOLDER.fullmatch(entry.name)
            ]
        found = []
        for prefix in ("", *(f"{name}/" for name in subfolders)):
            with _parent(folder, prefix) as parent, os.scandir(parent) as listing:
                for entry in listing:
                    with suppress(FileNotFoundError):  # somebody has just dropped it
                        about = entry.stat(follow_symlinks=False)
                        name = prefix + entry.name
                        if not stat.S_ISREG(about.st_mode):
                            continue
                        if self.form.fullmatch(name):
                            found.append(Entry(name, about.st_size, about.st_mtime_ns))
                        elif clean and self._abandoned(prefix, entry.name, about):
                            os.unlink(entry.name, dir_fd=parent)
        return sorted(found, key=lambda entry: (entry.used, entry.name))

    def _abandoned(self, prefix: str, name: str, about: os.stat_result) -> bool:
        """Whether this is what `write_atomically` was writing when it was killed, long ago."""
        target = prefix + name.rpartition(".")[0].removeprefix(".")
        old = time.time_ns() - about.st_mtime_ns > _ABANDONED
        return old and name.startswith(".") and self.form.fullmatch(target) is not None

    def _lease(self, folder: int) -> None:
        """Have this process's lease: a file that stays open and locked until it ends.

        Those of processes that have ended are removed; so they do not grow in number, however
        processes end.
        """
        about = os.fstat(folder)
        known = _leases.get((about.st_dev, about.st_ino))
        if known is not None and os.fstat(known).st_nlink:
            return
        _leased_since(folder)
        while True:
            handle, _ = tempfile.mkstemp(dir=self.path, prefix=f"{_LEASE}{os.getpid()}-")
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink:
                break
            os.close(handle)  # somebody took it for one that has ended, before it was locked
        _leases[about.st_dev, about.st_ino] = handle

    def _written(self, otherwise: int) -> int:
        try:
            return int((self.path / _WRITTEN).read_bytes())
        except (OSError, ValueError):
            return otherwise

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """A descriptor of the folder itself; OSError when it is a link or absent."""
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield handle
        finally:
            os.close(handle)


def is_ours(about: os.stat_result) -> bool:
    """A plain file of this user or of root that nobody else can write: it may be believed."""
    return (
        stat.S_ISREG(about.st_mode)
        and about.st_uid in (0, os.geteuid())
        and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    )


@contextmanager
def _parent(folder: int, name: str) -> Iterator[int]:
    """A descriptor of the folder in `folder` that holds `name`, never through a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(name.rpartition("/")[0] or ".", flags, dir_fd=folder)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _locked(folder: int, how: int) -> Iterator[None]:
    """Hold the folder's lock; OSError when others keep it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(_LOCK, flags, 0o644, dir_fd=folder)
    try:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(handle, how | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(_LOOK)
        yield
    finally:
        os.close(handle)


def _leased_since(folder: int) -> float:
    """When the oldest living lease began, in ns, or infinity; those that ended are removed."""
    oldest = float("inf")
    for entry in list(os.scandir(folder)):
        if not entry.name.startswith(_LEASE) or not entry.is_file(follow_symlinks=False):
            continue
        try:
            handle = os.open(entry.name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        except FileNotFoundError:  # somebody else has just removed it
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                os.unlink(entry.name, dir_fd=folder)
        except BlockingIOError:
            oldest = min(oldest, os.fstat(handle).st_mtime_ns)
        finally:
            os.close(handle)
    return oldest
