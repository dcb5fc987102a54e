"""One user a board: a lock that the kernel frees on a crash, and a record of who holds it."""

import json
import os
import shlex
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from host.deadline import Deadline
from host.errors import BadInput, BoardLocked
from host.files import write_atomically
from host.locks import is_held, take
from host.reading import load_json

MOST_BYTES = 1 << 16  # of a file in the private folder
_GRACE = 0.2  # seconds: somebody may only be looking whether it is held


def this_command() -> str:
    """The command line of this process, for people."""
    text = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])[:4096]
    return text.encode(errors="replace").decode()


def right_now() -> str:
    """The time, ISO 8601 with zone, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


@contextmanager
def board_lock(private: Path, name: str, wait: float) -> Iterator[int]:
    """Hold the board `name` of the private folder; wait at most `wait` seconds for it. Gives the handle that holds it.

    Raises:
        BoardLocked: somebody else holds it.
    """
    holder = private / f"{name}.holder.json"
    handle = take(private / f"{name}.lock", Deadline.after(max(wait, _GRACE)))
    if handle is None:
        raise _locked(name, holder)
    try:
        record = {"pid": os.getpid(), "command": this_command(), "since": right_now()}
        write_atomically(holder, (json.dumps(record) + "\n").encode(), mode=0o600)
        yield handle
    finally:
        holder.unlink(missing_ok=True)
        os.close(handle)


def holder_of(private: Path, name: str) -> dict[str, Any] | None:
    """Who holds the board now, or None. Nothing is written."""
    if not is_held(private / f"{name}.lock"):
        return None
    return read_private(private / f"{name}.holder.json") or {}


def read_private(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file that we wrote, for us alone; None where there is no such file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(handle)
        ours = found.st_uid == os.geteuid() and not found.st_mode & 0o077
        if not stat.S_ISREG(found.st_mode) or not ours:
            return None
        data = stream.read(MOST_BYTES + 1)
    try:
        raw = load_json(data, path.name, limit=MOST_BYTES)
    except BadInput:
        return None
    return raw if isinstance(raw, dict) else None


def _locked(name: str, path: Path) -> BoardLocked:
    holder = read_private(path)
    known = "its holder has left no record yet"
    if holder:
        known = (
            f"pid {holder.get('pid')}, command `{holder.get('command')}`,"
            f" since {holder.get('since')}"
        )
    return BoardLocked(
        f"the board {name} is taken",
        evidence=known,
        next_step="wait with --wait SECONDS, or end that command; the lock is then free by itself",
    )
