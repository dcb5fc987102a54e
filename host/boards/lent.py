"""Locks that a command holds as long as it runs, and lends to itself and to the process that does its work."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_VARIABLE = "NIGHTJAR_LENT"  # JSON: the name of a lock's file -> its handle


@contextmanager
def lend(handles: Mapping[str, int]) -> Iterator[None]:
    """Who asks for one of these locks inside the block has it: name of its file -> the handle that holds it."""
    before = _told()
    os.environ[_VARIABLE] = json.dumps({**before, **handles})
    try:
        yield
    finally:
        os.environ[_VARIABLE] = json.dumps(before)


def lent_handles() -> tuple[int, ...]:
    """What a child must inherit to have what is lent to us."""
    return tuple(_told().values())


def lent(folder: int, file: str) -> int | None:
    """The handle that holds a lock for us; None where it is not lent, whatever the environment says."""
    handle = _told().get(file)
    if handle is None:
        return None
    try:
        if os.path.samestat(os.fstat(handle), os.stat(file, dir_fd=folder, follow_symlinks=False)):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # changes nothing for who has it
            return handle
    except OSError:
        pass
    return None


def _told() -> dict[str, int]:
    try:
        raw = json.loads(os.environ.get(_VARIABLE, "{}"))
    except ValueError:
        return {}
    found = raw.items() if isinstance(raw, dict) else ()
    return {name: one for name, one in found if type(one) is int}
