"""Folders that are written whole, and say what was written: nothing else in them is ever lost.

Each holds `.nightjar-files.json`, a list of its files with their sizes and SHA-256. A folder is
replaced or removed only when everything in it is listed there and unchanged.
"""

import ctypes
import errno
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from host.deadline import Deadline
from host.errors import BadInput, HostFailure
from host.files import naming, sha256_file, temporary_prefix
from host.locks import is_at, lock
from host.reading import load_json
from host.typed import typed

LIST = ".nightjar-files.json"
SCHEMA = "nightjar/files/1"
_MOST_LIST = 256 << 20  # bytes
_ATTEMPTS = 4  # at a folder that other commands replace
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux's renameat2
_HERE = -100  # AT_FDCWD


@dataclass(frozen=True)
class Written:
    """A file as it was written."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Listed:
    """What a folder consists of: files by path, with slashes; and patterns, as of fnmatch, of the
    paths that tools write into it later."""

    files: dict[str, Written]
    disposable: tuple[str, ...] = ()

    def lets(self, name: str) -> bool:
        """Whether a path is one of those that tools write."""
        return any(fnmatchcase(name, pattern) for pattern in self.disposable)


def listed(folder: Path) -> Listed | None:
    """What `folder` says it consists of; None where it does not say, or not in our words."""
    try:
        raw = load_json(folder / LIST, LIST, limit=_MOST_LIST)
        if not isinstance(raw, dict) or raw.pop("schema", None) != SCHEMA:
            return None
        return typed(Listed, raw)
    except (BadInput, ValueError):
        return None


def stranger(folder: Path) -> str | None:
    """The first thing in `folder` that was not written with it, or was changed, in words.

    None when there is none. Folders without files count for nothing: build tools make them
    beforehand.
    """
    known = listed(folder)
    for name, path in _contents(folder):
        if name == LIST or (known is not None and known.lets(name)):
            continue
        if known is None:
            return f"{name}, and no list of what was written"
        written = known.files.get(name)
        if written is None or path.is_symlink() or not path.is_file():
            return f"{name}, which was not written with it"
        if path.stat().st_size != written.bytes or sha256_file(path) != written.sha256:
            return f"{name}, which was changed"
    return None


def check_replaceable(path: Path, *, force: bool = False) -> None:
    """Refuse to write a folder over what would be lost.

    Args:
        path: where a folder is to be written; its links are followed.
        force: whether a folder may be replaced whatever is in it.

    Raises:
        BadInput: `path` is no folder, or holds something that was not written with it, or was
            changed.
    """
    place = Path(os.path.realpath(path))
    for attempt in range(_ATTEMPTS):
        try:
            handle = os.open(place, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:  # while it is open, no other folder gets its number
            if not stat.S_ISDIR(os.fstat(handle).st_mode):
                raise BadInput(
                    "the place to write must be a folder",
                    evidence=f"Received: {path}, which is none",
                    next_step="give another --out",
                )
            try:
                _check_contents(place, path, force)
            except (BadInput, FileNotFoundError):
                # It may be that another command has replaced it while we looked.
                if attempt == _ATTEMPTS - 1 or is_at(handle, place):
                    raise
            else:
                return
        finally:
            os.close(handle)


def _check_contents(folder: Path, place: Path, force: bool) -> None:
    """Refuse to delete `folder`, which is or was at `place`."""
    if force:
        inner = [Path.cwd()]
        with suppress(RuntimeError):  # nobody knows where home is
            inner.append(Path(os.path.realpath(Path.home())))
        if any(one.is_relative_to(os.path.realpath(place)) for one in inner):
            raise BadInput(
                "--force does not replace your home, the working folder or one around it",
                evidence=f"Received: {place}",
                next_step="give another --out",
            )
        return
    found = stranger(folder)
    if found is not None:
        raise BadInput(
            "a folder is replaced only when it is new, empty, or just as nightjar wrote it",
            evidence=f"Received: {place}, which holds {found}",
            next_step="move it away, give another --out, or let --force replace all of it",
        )


@contextmanager
def new_directory(
    path: Path, *, disposable: tuple[str, ...] = (), force: bool = False
) -> Iterator[Path]:
    """Yield a folder beside `path`; put it there when the block ends well, else remove it.

    What is at `path` is exchanged for it in one step. Two that write the same folder at once both
    succeed, and the later one stays.

    Args:
        path: the folder to write; its links are followed.
        disposable: patterns, as of fnmatch, of paths in it that tools write later, and that are no
            part of it.
        force: whether it is replaced whatever is in it.

    Raises:
        BadInput: as `check_replaceable`; what is at `path` stays.
    """
    check_replaceable(path, force=force)
    place = Path(os.path.realpath(path))
    with naming(place):
        place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.parent / f"{temporary_prefix(place)}{secrets.token_hex(16)}"
    try:  # around the making, too: a signal may come between the folder and what follows
        with naming(place):
            temporary.mkdir(0o700)
            temporary.chmod(0o755)
            yield temporary
            _write_list(temporary, disposable)
            if not _put(temporary, place):
                return
            try:
                _check_contents(temporary, path, force)
            except BaseException:
                _put(temporary, place)
                raise
        shutil.rmtree(temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def remove_owned(path: Path) -> bool:
    """Remove a folder that is just as it was written; whether that was so."""
    if path.is_symlink() or listed(path) is None or stranger(path) is not None:
        return False
    aside = path.with_name(f"{temporary_prefix(path)}{secrets.token_hex(4)}")
    path.rename(aside)  # in one step: half of it would be nobody's
    shutil.rmtree(aside)
    return True


def free_place(path: Path) -> Path:
    """The first of path, path-2, path-3, ... to which a folder may be written."""
    number, place = 1, path
    while os.path.lexists(place) and (not place.is_dir() or stranger(place) is not None):
        number += 1
        place = path.with_name(f"{path.name}-{number}")
    return place


def around(path: Path) -> Path:
    """The folder that `path` lies in, which `alone_in` holds while `path` is written."""
    return Path(os.path.realpath(path)).parent


@contextmanager
def alone_in(folder: Path, deadline: Deadline) -> Iterator[None]:
    """Hold `folder`, made where it is absent, against others who write what is directly in it.

    The lock is on the folder itself: the kernel frees it when the process ends, and no file is
    left. A folder that was made here and is still empty when the block fails is removed again.

    Raises:
        BadInput: `folder` is a file.
        HostFailure: another command still holds it at the deadline.
    """
    absent = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInput(
            "the place for the firmware must be a folder", evidence=f"Received: {folder}"
        ) from error
    try:
        if not lock(handle, deadline):
            raise HostFailure(
                "another command is making firmware in the same folder",
                evidence=f"{folder} is still held",
                next_step="wait until it ends, or give another --out",
            )
        yield
    except BaseException:
        with suppress(OSError):  # something is in it, or somebody else has removed it
            for path in absent:
                path.rmdir()
        raise
    finally:
        os.close(handle)


def _contents(folder: Path) -> Iterator[tuple[str, Path]]:
    """Everything but folders in a folder, by name; a link to a folder is no folder."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            for name, inner in _contents(path):
                yield f"{path.name}/{name}", inner
        else:
            yield path.name, path


def _write_list(folder: Path, disposable: tuple[str, ...]) -> None:
    files = {
        name: Written(path.stat().st_size, sha256_file(path)) for name, path in _contents(folder)
    }
    content = {"schema": SCHEMA, **asdict(Listed(files, disposable))}
    (folder / LIST).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


def _put(new: Path, place: Path) -> bool:
    """Move a folder to `place`, in exchange for what is there; whether there was something."""
    try:
        new.rename(place)  # over nothing, or an empty folder
        return False
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
    if not _exchange(new, place):
        aside = Path(f"{new}.old")
        place.rename(aside)
        try:
            new.rename(place)
        except BaseException:
            aside.rename(place)
            raise
        aside.rename(new)
    return True


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the file system or the C library cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    if library.renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS):
        return False
    raise OSError(number, os.strerror(number), str(other))
