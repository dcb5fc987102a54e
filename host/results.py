"""Results go to a path that the user names: looked at before any work, written whole after."""

import errno
import fcntl
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from host.deadline import Deadline
from host.errors import BadInput, HostFailure
from host.files import write_atomically
from host.owned import listed
from host.places import problem_above
from host.reading import kind_of

_READER = 60.0  # seconds that somebody has for opening the other end of a FIFO
_LOOK = 0.05
_modes: dict[Path, int] = {}  # permissions of the results that this process has removed


def check_result(path: Path, inputs: Sequence[Path] = (), *, name: str = "the result") -> None:
    """Refuse a path that cannot take a result, before any work is done for it.

    Args:
        path: where the result is to go: a file, new or old, a device, a FIFO, or an open file of
            this process (/dev/fd/N).
        inputs: files and folders that the command reads.
        name: of the option, for the message.

    Raises:
        BadInput: it is a folder or a socket, cannot be written or made, or is a file that the
            command reads.
    """
    try:
        problem = _problem(path)
    except OSError as error:
        problem = error.strerror or "it cannot be looked at"
    if problem:
        raise BadInput(
            f"{name} needs the path of a file that can be written",
            evidence=f"Received: {str(path)!r}, but {problem}",
            next_step="give another file name, for example result.json",
        )
    read = next((one for one in inputs if _reads(one, path)), None)
    if read is not None:
        raise BadInput(
            f"{name} must not be a file that the command reads, or another result",
            evidence=f"Received: {str(path)!r}, which is or lies in {str(read)!r}",
            next_step="give another file name, for example result.json",
        )


def is_stream(path: Path) -> bool:
    """Whether `path` takes bytes as they come: a device, a FIFO or an open file of ours."""
    return _descriptor(path) is not None or (path.exists() and not _is_regular(path))


def remove_result(path: Path) -> None:
    """Remove an earlier result, so that nobody takes it for the coming one; a stream is left."""
    if not is_stream(path) and path.exists():
        place = Path(os.path.realpath(path))
        _modes[place] = stat.S_IMODE(place.stat().st_mode)
        place.unlink(missing_ok=True)


def write_result(path: Path, data: bytes) -> None:
    """Write a result whole or not at all; into a device, a FIFO or an open file as it comes.

    A file that is there, or was removed before, keeps its permissions; through a link its target is, and the
    link stays.

    Raises:
        HostFailure: nobody reads the FIFO.
        OSError: the system refuses to write.
    """
    descriptor = _descriptor(path)
    if descriptor is not None:
        if descriptor == 1:
            sys.stdout.flush()
        _write_all(os.dup(descriptor), data)
    elif is_stream(path):
        _write_all(_open_special(path), data)
    else:
        place = Path(os.path.realpath(path))
        mode = stat.S_IMODE(place.stat().st_mode) if place.exists() else _modes.get(place)
        write_atomically(place, data, mode=mode)


def _problem(path: Path) -> str:
    """Why nothing can be written there, in words; "" when it can."""
    descriptor = _descriptor(path)
    if descriptor is not None:
        with suppress(OSError):
            if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
                return ""
        return f"file {descriptor} is not open for writing"
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return _refused(Path(os.path.realpath(path)))
    if not stat.S_ISREG(found.st_mode):
        if stat.S_ISDIR(found.st_mode) or stat.S_ISSOCK(found.st_mode):
            return f"it is {kind_of(found.st_mode)}"
        return "" if os.access(path, os.W_OK, effective_ids=True) else "it is not writable"
    place = Path(os.path.realpath(path))
    above = place.parent.stat()
    if above.st_mode & stat.S_ISVTX and os.geteuid() not in (0, found.st_uid, above.st_uid):
        return f"it is somebody else's, in {place.parent}"
    return _refused(place)


def _refused(place: Path) -> str:
    """Why no file can be made at `place`, in words; a file system may refuse what permissions allow, so one is made."""
    problem = problem_above(place)
    if not problem:
        folder = next(above for above in place.parents if os.path.lexists(above))
        try:
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".nightjar-"):
                pass
        except OSError as error:
            problem = f"no file can be made in {folder}: {error.strerror}"
    return problem


def _reads(given: Path, path: Path) -> bool:
    """Whether a command that is given the file or folder `given` uses the file `path` there."""
    try:
        return _is_used(given, path)
    except OSError:  # nothing can be read there
        return False


def _is_used(given: Path, path: Path) -> bool:
    place, folder = Path(os.path.realpath(path)), Path(os.path.realpath(given))
    if not _is_regular(path):
        return place == folder and not path.exists()
    if not given.is_dir():
        return given.exists() and given.samefile(path)
    if not place.is_relative_to(folder):
        return False
    known, name = listed(folder), place.relative_to(folder)
    return known is None or name.as_posix() in known.files or known.lets(name.as_posix())


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _descriptor(path: Path) -> int | None:
    """The number of our own open file that `path` names, as /dev/stdout and /dev/fd/N do.

    None for another path. Opening such a path would begin at the start of a file, and fails for
    a socket.
    """
    own = rf"/proc/({os.getpid()}|self|thread-self)(/task/\d+)?/fd"
    for _ in range(8):  # links to links
        folder = os.path.realpath(path.parent)
        if re.fullmatch(own, folder) and path.name.isdigit():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = Path(folder) / path.readlink()
    return None


def _open_special(path: Path) -> int:
    deadline = Deadline.after(_READER)
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if deadline.expired:
                raise HostFailure(
                    "nobody reads the result",
                    evidence=f"{path} was opened by no reader for {_READER:.0f} seconds",
                    next_step="start its reader before, or give the name of a file",
                ) from error
            time.sleep(_LOOK)
            continue
        os.set_blocking(handle, True)
        return handle


def _write_all(handle: int, data: bytes) -> None:
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
