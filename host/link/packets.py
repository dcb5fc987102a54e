"""Ethernet packets over unix datagram sockets: the fast way to the virtual board's network chip."""

import select
import socket
from pathlib import Path

from host.deadline import Deadline
from host.errors import LinkFailure
from host.link.transport import Watch, gone, wait_for

ETHERTYPE = b"\x88\xb5"  # IEEE 802, local experimental
_HEADER = b"\xff" * 6 + b"\x02NJHST" + ETHERTYPE
_SMALLEST = 60  # of an Ethernet packet without its check sum; zeros behind a frame are empty blocks
_LARGEST = 2048
_BATCH = 64


class Packets:
    """One link frame a packet. QEMU binds `board_path` and sends to `host_path`.

    Owns the socket, the file at `host_path` and `watch`.

    Raises:
        BoardFailure: no QEMU has bound `board_path`.
    """

    def __init__(self, board_path: str, host_path: str, watch: Watch | None = None) -> None:
        self._watch = watch
        self._host_path = Path(host_path)
        self._host_path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind(host_path)
            self._socket.connect(board_path)
        except OSError as error:
            reason = gone(watch, "the virtual board's network cannot be reached", str(error))
            self.close()
            raise reason from error

    def write(self, data: bytes, deadline: Deadline) -> None:
        packet = (_HEADER + data).ljust(_SMALLEST, b"\0")
        while True:
            try:
                self._socket.send(packet)
                return
            except BlockingIOError:
                if not wait_for(self._socket.fileno(), select.POLLOUT, deadline, self._watch):
                    raise LinkFailure(
                        "the virtual board takes no more packets",
                        evidence="its queue was full until the deadline",
                        next_step="reset or flash the board",
                    ) from None
            except OSError as error:
                raise gone(
                    self._watch, "the virtual board's network is gone", str(error)
                ) from error

    def read(self, deadline: Deadline) -> bytes:
        while True:
            pieces = []
            for _ in range(_BATCH):
                try:
                    packet = self._socket.recv(_LARGEST)
                except BlockingIOError:
                    break
                except OSError as error:
                    raise gone(
                        self._watch, "the virtual board's network is gone", str(error)
                    ) from error
                if packet[12:14] == ETHERTYPE:
                    pieces.append(packet[14:])
            if pieces:
                return b"".join(pieces)
            if not wait_for(self._socket.fileno(), select.POLLIN, deadline, self._watch):
                return b""

    def close(self) -> None:
        self._socket.close()
        self._host_path.unlink(missing_ok=True)
        if self._watch is not None:
            self._watch.close()
