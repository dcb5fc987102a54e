"""Private folders for a board's sockets: short paths, swept when their owner has died."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from host.boards.process import ProcessId
from host.errors import HostFailure

_LONGEST = 90  # bytes; a unix socket's path has 107, and the names in the folder need the rest
_OWN = "nightjar-own-"


def own_folder() -> Path:
    """A new folder of this process; folders of processes that have died are removed on the way."""
    parent = _parent()
    sweep(parent)
    mine = ProcessId.of(os.getpid())
    assert mine is not None
    return Path(tempfile.mkdtemp(prefix=f"{_OWN}{mine.pid}-{mine.started}-", dir=parent))


def kept_folder(root: Path, name: str) -> Path:
    """The folder of the kept board `name` of `root`: always the same, so that it is found without its record."""
    mark = hashlib.sha256(f"{os.getuid()} {root.resolve()} {name}".encode()).hexdigest()[:12]
    return _parent() / f"nightjar-kept-{mark}"


def make_private(folder: Path) -> None:
    """Make `folder` anew, for this user only."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)


def sweep(parent: Path) -> None:
    """Remove what killed processes left."""
    for folder in parent.glob(f"{_OWN}*"):
        parts = folder.name.removeprefix(_OWN).split("-")
        if len(parts) < 3 or not (parts[0].isdigit() and parts[1].isdigit()):
            continue
        if not ProcessId(int(parts[0]), int(parts[1])).alive:
            shutil.rmtree(folder, ignore_errors=True)


def _parent() -> Path:
    for candidate in (Path(tempfile.gettempdir()), Path("/tmp")):
        if len(os.fsencode(candidate)) + 50 <= _LONGEST and os.access(candidate, os.W_OK):
            return candidate
    raise HostFailure(
        "there is no folder for a board's sockets",
        evidence=f"{tempfile.gettempdir()} is too long a path or not writable, and so is /tmp",
        next_step="set TMPDIR to a short, writable folder",
    )
