"""One run a checkpoint: two at once would mix their files, and lose what one of them learned."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host.boards.folder import private_folder
from host.boards.lock import MOST_BYTES, right_now, this_command
from host.deadline import Deadline
from host.errors import HostFailure
from host.locks import take

_GRACE = 0.2  # seconds: a run may just be ending


@contextmanager
def alone_at(checkpoint: Path) -> Iterator[None]:
    """Hold the place of a checkpoint, whichever way it is spelled, against this user's other runs.

    The lock lies in the user's private folder: the kernel frees it when the process ends, and
    nothing is left beside the checkpoint.

    Raises:
        HostFailure: another run holds it, or there is no private folder.
    """
    place = hashlib.sha256(os.fsencode(os.path.realpath(checkpoint))).hexdigest()
    path = private_folder(None, make=True) / f"train-{place}.lock"
    handle = take(path, Deadline.after(_GRACE))
    if handle is None:
        raise HostFailure(
            "another run is training this checkpoint",
            evidence=f"Received: {checkpoint}, which is held by {_holder(path)}",
            next_step="wait until it ends, or give another --checkpoint-path",
        )
    try:
        os.truncate(handle, 0)  # of a run that was killed
        told = f"pid {os.getpid()}, command `{this_command()}`, since {right_now()}"
        os.write(handle, told.encode()[:MOST_BYTES])
        yield
    finally:
        path.unlink(missing_ok=True)  # still held: who waits for it sees that it is gone
        os.close(handle)


def _holder(path: Path) -> str:
    try:
        return path.read_text(errors="replace") or "a run that has just begun"
    except FileNotFoundError:
        return "a run that has just ended"
