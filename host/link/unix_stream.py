"""A stream over a unix socket: the native board, and the virtual board's UART."""

import select
import socket
import struct

from host.deadline import Deadline
from host.errors import LinkFailure
from host.link.transport import Watch, gone, pause, wait_for

_CHUNK = 1 << 16
_LOOK = 0.002  # seconds between two attempts to connect


class UnixStream:
    """A connected unix stream socket; owns `connection` and `watch`."""

    def __init__(self, connection: socket.socket, watch: Watch | None = None) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._watch = watch

    @property
    def peer(self) -> int:
        """The number of the process that listened at the other end."""
        size = struct.calcsize("3i")
        raw = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("3i", raw)[0])

    def write(self, data: bytes, deadline: Deadline) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                if not wait_for(self._socket.fileno(), select.POLLOUT, deadline, self._watch):
                    raise LinkFailure(
                        "the board takes no more bytes",
                        evidence=f"{len(view)} of {len(data)} bytes unsent at the deadline",
                        next_step="reset or flash the board",
                    ) from None
            except OSError as error:
                raise gone(self._watch, "the board closed the connection", str(error)) from error

    def read(self, deadline: Deadline) -> bytes:
        while True:
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                if not wait_for(self._socket.fileno(), select.POLLIN, deadline, self._watch):
                    return b""
                continue
            except OSError as error:
                raise gone(self._watch, "the board closed the connection", str(error)) from error
            if not data:
                raise gone(self._watch, "the board closed the connection", "end of stream")
            return data

    def close(self) -> None:
        self._socket.close()
        if self._watch is not None:
            self._watch.close()


def connect_unix(path: str, deadline: Deadline, watch: Watch | None = None) -> UnixStream:
    """Connect to a listening unix socket; waits for one that is bound but does not listen yet.

    Raises:
        BoardFailure: nobody listens there before the deadline.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    while True:
        try:
            connection.connect(path)
            return UnixStream(connection, watch)
        except OSError as error:
            if isinstance(error, ConnectionRefusedError) and not deadline.expired:
                pause(deadline.at_most(_LOOK), watch)
                continue
            connection.close()
            reason = gone(watch, "no board answers at its socket", f"{path}: {error}")
            if watch is not None:
                watch.close()
            raise reason from error
