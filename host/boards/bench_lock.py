"""One user a bench board, whoever of the computer's users it is.

The lock is the kernel's, on a file that all users can open and nobody writes; it ends with its holder.
Who that is stands in a record beside it, which informs and decides nothing; so does, in a mark, how
the board was left. In a sticky folder a user can remove his own files only, so that each has files of
his own name.
"""

import contextlib
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from host.boards.lent import lent
from host.boards.lock import MOST_BYTES, right_now, this_command
from host.boards.tickets import ticket, wanted_before
from host.deadline import Deadline
from host.errors import BadInput, BoardLocked, HostFailure
from host.locks import held_elsewhere, lock
from host.reading import load_json

ROOT = Path("/run/lock/nightjar")
_FOR_ALL = 0o1777  # anybody adds files, and removes his own
GRACE = 0.2  # seconds: somebody may only be looking whether it is held
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_TRIES = 100  # where others make and remove what we open


def lock_name(kind: str, probe: str) -> str:
    """The file name that stands for a board: SHA-256 of its kind and its probe's serial number, in hex."""
    return hashlib.sha256(f"{kind}\0{probe.upper()}".encode()).hexdigest()


@contextmanager
def bench_lock(
    kind: str, probe: str, *, name: str, wait: float = GRACE, root: Path | None = None
) -> Iterator[int]:
    """Hold the board behind a probe against every user of this computer; gives the handle that holds it.

    Args:
        kind: kind of board.
        probe: serial number of its probe.
        name: what the bench calls it, for messages.
        wait: seconds to wait for who holds it.
        root: the folder of locks, for tests; None is the computer's.

    Raises:
        BoardLocked: somebody else holds it.
        HostFailure: the folder or the file cannot be trusted or made.
    """
    root, file = root or ROOT, lock_name(kind, probe)
    folder = _open_folder(root, make=True)
    try:
        handle = lent(folder, file)
        if handle is not None:
            yield handle
            return
        handle = _take(folder, root, file, Deadline.after(wait))
        if handle is None:
            raise _locked(name, _record(folder, file))
        try:
            _write_record(folder, file, name)
            yield handle
        finally:
            with contextlib.suppress(OSError):
                os.unlink(_own(file, "holder"), dir_fd=folder)
            os.close(handle)
    finally:
        os.close(folder)


@contextmanager
def queued(
    wanted: Collection[tuple[str, str]], *, root: Path | None = None
) -> Iterator[Callable[[], set[str]]]:
    """Stand in the queue for any of some locks, each by kind and probe. Gives what says which locks those want who
    came before, by the names of their files: they are theirs to take.

    Raises:
        HostFailure: the folder cannot be trusted or made, or takes no file.
    """
    root = root or ROOT
    folder = _open_folder(root, make=True)
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, folder)
        try:
            name = stack.enter_context(ticket(folder, {lock_name(*mark) for mark in wanted}))
        except OSError as error:
            raise _untrusted(root, f"it takes no file: {error.strerror}") from error
        yield lambda: wanted_before(folder, name)


def is_ours(kind: str, probe: str, *, root: Path | None = None) -> bool:
    """Whether the command that we work for holds a board, and has lent it to us.

    Raises:
        HostFailure: the folder cannot be trusted.
    """
    with _there(root or ROOT) as folder:
        return folder is not None and lent(folder, lock_name(kind, probe)) is not None


def bench_holder(kind: str, probe: str, *, root: Path | None = None) -> dict[str, Any] | None:
    """Who holds a board now: pid, uid, command, since and name as far as known; None: nobody. Nothing is written.

    Raises:
        HostFailure: the folder or the file cannot be trusted.
    """
    root, file = root or ROOT, lock_name(kind, probe)
    with _there(root) as folder:
        if folder is None or not _is_held(folder, root, file):
            return None
        return _record(folder, file) or {}


def forget_holders(kind: str, probe: str, *, root: Path | None = None) -> int:
    """Remove the records that dead holders of a board left, as far as this user may; their number.

    Does nothing while the board is held.

    Raises:
        HostFailure: the folder or the file cannot be trusted.
    """
    root, file = root or ROOT, lock_name(kind, probe)
    removed = 0
    with _there(root) as folder:
        if folder is None or _is_held(folder, root, file):
            return 0
        for entry in _all(folder, file, "holder"):
            with contextlib.suppress(OSError):
                os.unlink(entry, dir_fd=folder)
                removed += 1
    return removed


def leave_mark(kind: str, probe: str, content: dict[str, Any], *, root: Path | None = None) -> None:
    """Leave word of how a board is, for all users: JSON, until the computer starts anew.

    Raises:
        HostFailure: the folder cannot be trusted or made, or takes no file.
    """
    root, file = root or ROOT, lock_name(kind, probe)
    folder = _open_folder(root, make=True)
    try:
        _leave(folder, file, "mark", content)
    except OSError as error:
        raise _untrusted(root, f"it takes no file: {error.strerror}") from error
    finally:
        os.close(folder)


def newest_mark(kind: str, probe: str, *, root: Path | None = None) -> dict[str, Any] | None:
    """What was left last, whoever left it, with its `uid`; None: nothing. Nothing is written.

    Raises:
        HostFailure: the folder cannot be trusted.
    """
    root, file = root or ROOT, lock_name(kind, probe)
    with _there(root) as folder:
        return None if folder is None else _newest(_left(folder, file, "mark"))


@contextmanager
def _there(root: Path) -> Iterator[int | None]:
    """A handle of the folder of locks as it is found; None: there is none, and none is made."""
    try:
        folder = _open_folder(root, make=False)
    except FileNotFoundError:
        yield None
        return
    try:
        yield folder
    finally:
        os.close(folder)


def _open_folder(root: Path, *, make: bool) -> int:
    """A handle of the folder of locks, which is made where it is absent and wanted.

    Raises:
        FileNotFoundError: it is absent, and not to be made.
        HostFailure: it is no such folder, or cannot be made.
    """
    if make and not os.path.lexists(root):
        _make_folder(root)
    try:
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _untrusted(root, f"{error.strerror}; a folder and no link must be there") from error
    mode = stat.S_IMODE(os.fstat(handle).st_mode)
    if mode & _FOR_ALL != _FOR_ALL:
        os.close(handle)
        raise _untrusted(root, f"mode {mode:04o} in place of {_FOR_ALL:04o}")
    return handle


def _make_folder(root: Path) -> None:
    """Make the folder with its mode from the first moment that anybody sees it."""
    new = root.with_name(f".{root.name}.{secrets.token_hex(8)}")
    try:
        new.mkdir(0o700)
        new.chmod(_FOR_ALL)
    except OSError as error:
        raise _untrusted(root, f"it cannot be made: {error.strerror}") from error
    try:
        new.rename(root)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.rmdir()
        if not os.path.lexists(root):
            raise _untrusted(root, f"it cannot be made: {error.strerror}") from error
        # Somebody was faster.


def _take(folder: int, root: Path, file: str, deadline: Deadline) -> int | None:
    """The handle whose closing frees the lock; None when it is held at the deadline."""
    for _ in range(_TRIES):
        handle = _open_file(folder, root, file)
        if handle is None:
            _make_file(folder, root, file)
            continue
        try:
            if not lock(handle, deadline):
                os.close(handle)
                return None
            if _is(handle, folder, file):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # somebody has removed the file meanwhile: this locks nothing
    raise _untrusted(root / file, "somebody removes it again and again")


def _is_held(folder: int, root: Path, file: str) -> bool:
    handle = _open_file(folder, root, file)
    if handle is None:
        return False
    try:
        return held_elsewhere(handle)
    finally:
        os.close(handle)


def _open_file(folder: int, root: Path, file: str) -> int | None:
    """The lock's file, open for reading, which is enough for a lock; None where there is none."""
    try:
        handle = os.open(file, _OPEN, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _untrusted(root / file, error.strerror or str(error)) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _untrusted(root / file, "it is no regular file")
    return handle


def _make_file(folder: int, root: Path, file: str) -> None:
    """Make the lock's file, readable by all from the first moment that it has its name."""
    new = f".{file}.{secrets.token_hex(8)}"
    try:
        handle = os.open(new, _MAKE, 0o600, dir_fd=folder)
        try:
            os.fchmod(handle, 0o444)  # whatever the umask is
            os.link(new, file, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            pass  # somebody was faster
        finally:
            os.close(handle)
            os.unlink(new, dir_fd=folder)
    except OSError as error:
        raise _untrusted(root / file, f"it cannot be made: {error.strerror}") from error


def _is(handle: int, folder: int, file: str) -> bool:
    try:
        there = os.stat(file, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(handle), there)


def _own(file: str, what: str) -> str:
    return f"{file}.{os.geteuid()}.{what}.json"


def _all(folder: int, file: str, what: str) -> list[str]:
    """The names of a board's records or marks, whoever left them."""
    return [
        name
        for name in os.listdir(folder)
        if name.startswith(f"{file}.") and name.endswith(f".{what}.json")
    ]


def _write_record(folder: int, file: str, name: str) -> None:
    """Leave word who holds the lock. It only informs: where it cannot be written, the lock holds nevertheless."""
    record = {"pid": os.getpid(), "command": this_command(), "since": right_now(), "name": name}
    with contextlib.suppress(OSError):
        _leave(folder, file, "holder", record)


def _leave(folder: int, file: str, what: str, content: dict[str, Any]) -> None:
    """Write this user's file of that kind, whole or not at all.

    Raises:
        OSError: the folder takes none.
    """
    new = f".{file}.{secrets.token_hex(8)}"
    handle = os.open(new, _MAKE, 0o600, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(handle, 0o444)
            stream.write(json.dumps(content).encode() + b"\n")
        os.rename(new, _own(file, what), src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(new, dir_fd=folder)
        raise


def _record(folder: int, file: str) -> dict[str, Any] | None:
    """The newest record of a process that lives; None where there is none to believe."""
    return _newest(
        (at, raw)
        for at, raw in _left(folder, file, "holder")
        if isinstance(raw.get("pid"), int) and Path(f"/proc/{raw['pid']}").exists()
    )


def _newest(found: Iterable[tuple[int, dict[str, Any]]]) -> dict[str, Any] | None:
    """Of what `_left` gives; None of nothing."""
    return max(found, key=lambda one: one[0], default=(0, None))[1]


def _left(folder: int, file: str, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """What users left of that kind, as far as it is theirs: when, in nanoseconds, and its content with `uid`."""
    for entry in _all(folder, file, what):
        try:
            handle = os.open(entry, _OPEN, dir_fd=folder)
        except OSError:
            continue
        with os.fdopen(handle, "rb") as stream:
            of = os.fstat(handle)
            data = stream.read(MOST_BYTES + 1) if stat.S_ISREG(of.st_mode) else b""
        try:
            raw = load_json(data, entry, limit=MOST_BYTES)
        except BadInput:
            continue
        # Nobody speaks for another user.
        if entry == f"{file}.{of.st_uid}.{what}.json" and isinstance(raw, dict):
            yield of.st_mtime_ns, {**raw, "uid": of.st_uid}


def _locked(name: str, holder: dict[str, Any] | None) -> BoardLocked:
    known = "its holder has left no record"
    if holder:
        known = (
            f"pid {holder.get('pid')} of user {holder.get('uid')},"
            f" command `{holder.get('command')}`, since {holder.get('since')}"
        )
    return BoardLocked(
        f"the board {name} is taken",
        evidence=known,
        next_step="wait with --wait SECONDS, or end that command; the lock is then free by itself",
    )


def _untrusted(path: Path, reason: str) -> HostFailure:
    return HostFailure(
        "the lock of a bench board cannot be used",
        evidence=f"Received: {path}: {reason}",
        next_step=f"let root look at what lies there; {ROOT.parent} must be a folder that all users"
        f" may write, {ROOT} one of mode {_FOR_ALL:04o}, and its locks regular files that all can read",
    )
