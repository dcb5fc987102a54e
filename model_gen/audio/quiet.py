"""What C libraries note on standard error while they decode, kept from the terminal.

libmpg123 tells there what it thinks of a damaged file, and nothing turns this off. What matters of it
stands in `Source.damage`. File descriptor 2 stays as it is, since other threads may be writing there:
for as long as a thread decodes, it is libc's variable `stderr` that leads elsewhere.
"""

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from host.made_once import made_once

_LOCK = threading.Lock()
_inside = 0  # threads


@contextmanager
def quiet() -> Iterator[None]:
    """Let C code write to its `stderr` in vain; where libc is not glibc nothing is changed."""
    ways = _ways()
    if ways is None:
        yield
        return
    variable, terminal, nowhere = ways
    _enter(variable, nowhere, 1)
    try:
        yield
    finally:
        _enter(variable, terminal, -1)


def _enter(variable: ctypes.c_void_p, stream: int, step: int) -> None:
    """The first thread that comes, and the last that leaves, turn the variable over."""
    global _inside
    with _LOCK:
        before, _inside = _inside, _inside + step
        if 0 in (before, _inside):
            variable.value = stream


@made_once()
def _ways() -> tuple[ctypes.c_void_p, int, int] | None:
    """libc's variable, what it is, and a stream that leads nowhere."""
    try:
        glibc = (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError, OSError):
        return None
    if not glibc:
        return None
    libc = ctypes.CDLL(None)
    variable = ctypes.c_void_p.in_dll(libc, "stderr")
    libc.fopen.restype = ctypes.c_void_p
    nowhere = libc.fopen(os.fsencode(os.devnull), b"we")
    if not variable.value or not nowhere:
        return None
    return variable, variable.value, nowhere
