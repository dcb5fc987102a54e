"""One user a board: a file lock that the kernel frees on a crash, and a record of who holds it."""

import json
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from host.errors import BoardLocked
from host.files import write_atomically


def this_command() -> str:
    """The command line of this process, for people."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def right_now() -> str:
    """The time, ISO 8601 with zone, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


@contextmanager
def board_lock(root: Path, name: str, wait: float) -> Iterator[None]:
    """Hold the board `name` of `root`; wait at most `wait` seconds for it.

    Raises:
        BoardLocked: somebody else holds it.
    """
    root.mkdir(parents=True, exist_ok=True)
    holder = root / f"{name}.holder.json"
    lock = FileLock(root / f"{name}.lock", thread_local=False)
    try:
        lock.acquire(timeout=max(wait, 0), poll_interval=0.05)
    except Timeout as error:
        raise _locked(name, holder) from error
    try:
        record = {"pid": os.getpid(), "command": this_command(), "since": right_now()}
        write_atomically(holder, (json.dumps(record) + "\n").encode())
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def holder_of(root: Path, name: str) -> dict[str, object] | None:
    """Who holds the board now, or None."""
    lock = FileLock(root / f"{name}.lock", thread_local=False)
    if not root.is_dir():
        return None
    try:
        with lock.acquire(timeout=0):
            return None
    except Timeout:
        return _holder(root / f"{name}.holder.json")


def _holder(path: Path) -> dict[str, object]:
    try:
        raw = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raw = {}
    return raw if isinstance(raw, dict) else {}


def _locked(name: str, path: Path) -> BoardLocked:
    holder = _holder(path)
    known = (
        f"pid {holder.get('pid')}, command `{holder.get('command')}`, since {holder.get('since')}"
    )
    return BoardLocked(
        f"the board {name} is taken",
        evidence=known if holder else "its holder has left no record yet",
        next_step="wait until that command ends, or end it; the lock is then free by itself",
    )
