"""Tickets of those who wait for boards: who came first is served first, and nobody waits for the dead.

A ticket is a file beside the locks. Its name begins with when it was drawn, by the clock that all processes of a
computer share; its content says which locks its holder would take; and its holder keeps it locked, so that the kernel
says whether he lives. Tickets decide the order alone: that one has a board to himself is its lock's doing.
"""

import contextlib
import fcntl
import json
import os
import secrets
import stat
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from host.boards.lock import MOST_BYTES
from host.errors import BadInput
from host.locks import held_elsewhere
from host.reading import load_json

_SUFFIX = ".ticket"
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def ticket(folder: int, wanted: Collection[str]) -> Iterator[str]:
    """Stand in the queue for any of the locks `wanted`, names of files in `folder`; gives the ticket's name.

    Raises:
        OSError: the folder takes no file.
    """
    name = f"{time.monotonic_ns():020d}-{secrets.token_hex(8)}{_SUFFIX}"
    new = f".{name}"
    handle = os.open(new, _MAKE, 0o600, dir_fd=folder)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # before anybody sees it
            os.fchmod(handle, 0o444)
            os.write(handle, json.dumps(sorted(wanted)).encode())
            os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(new, dir_fd=folder)
            raise
        try:
            yield name
        finally:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
    finally:
        os.close(handle)


def wanted_before(folder: int, name: str) -> set[str]:
    """The locks that those want who came before the holder of a ticket, and live. Tickets of the dead are removed."""
    wanted: set[str] = set()
    for other in os.listdir(folder):
        if other.endswith(_SUFFIX) and not other.startswith(".") and other < name:
            wanted.update(_wanted(folder, other))
    return wanted


def _wanted(folder: int, name: str) -> list[str]:
    """What the holder of a ticket wants; nothing if he is dead or it is no ticket."""
    try:
        handle = os.open(name, _OPEN, dir_fd=folder)
    except OSError:
        return []
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return []
        if not held_elsewhere(handle):
            with contextlib.suppress(OSError):  # it may be another user's
                os.unlink(name, dir_fd=folder)
            return []
        raw = load_json(os.pread(handle, MOST_BYTES, 0), name, limit=MOST_BYTES)
    except BadInput:
        return []
    finally:
        os.close(handle)
    return [one for one in raw if isinstance(one, str)] if isinstance(raw, list) else []
