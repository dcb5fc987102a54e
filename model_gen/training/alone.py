"""One run a checkpoint: two at once would mix their files, and lose what one of them learned."""

import errno
import hashlib
import os
import shlex
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host.errors import HostFailure
from host.printable import printable

_PEER = struct.Struct("3i")  # of SO_PEERCRED: pid, uid, gid
_MOST_COMMAND = 4096  # bytes


@contextmanager
def alone_at(checkpoint: Path) -> Iterator[None]:
    """Hold the place of a checkpoint, whichever way it is spelled, against other runs here.

    What is held is a name of Linux's abstract sockets: the kernel frees it when the process ends,
    however that happens, no file is left, and it tells who holds it.

    Raises:
        HostFailure: another run on this computer holds it.
    """
    place = hashlib.sha256(os.fsencode(os.path.realpath(checkpoint))).hexdigest()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as held:
        name = f"\0nightjar/train/{place}"
        try:
            held.bind(name)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise HostFailure(
                "another run is training this checkpoint",
                evidence=f"Received: {checkpoint}, which is held by {_holder(name)}",
                next_step="wait until it ends, or give another --checkpoint-path",
            ) from error
        held.listen(socket.SOMAXCONN)  # who asks leaves an entry
        yield


def _holder(name: str) -> str:
    """The process that listens at a name, in words."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as asking:
        try:
            asking.connect(name)
        except OSError:
            return "a run that has just begun, or just ended"
        told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    pid = _PEER.unpack(told)[0]
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()[:_MOST_COMMAND].rstrip(b"\0").split(b"\0")
    except OSError:
        return f"pid {pid}"
    return f"pid {pid}, command `{printable(shlex.join(os.fsdecode(word) for word in words))}`"
