"""A pty in front of a board's byte stream, which is then a serial port: with a speed, and garbage at a wrong one.

The board is connected to only while somebody has the pty open: it takes one connection at a time.
"""

import contextlib
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

from host.boards.folder import LOCK
from host.boards.process import FRONT, spawn
from host.boards.record import PORT
from host.boards.serial_line import heard
from host.locks import is_held

_TCGETS2 = 0x802C542A  # termios of any speed; Linux on x86-64 and aarch64
_TERMIOS2 = struct.Struct("4I B19B 2I")
_LOOK = (
    0.02  # seconds between two looks for somebody who opens the pty, or for a board that listens
)
_GONE = 3.0  # seconds without any process of the board, after which it has no front either
_CHUNK = 4096


class PtyFront:
    """Serves a pty in a thread of ours, for the block.

    Args:
        board: the path of the unix socket at which the board listens, when it does.
        baud: the speed of the board's own side.
    """

    def __init__(self, board: Path, baud: int) -> None:
        self._master, self.path = _open_pty(baud)
        self._stopped, self._stop = os.pipe()
        self._thread = threading.Thread(
            target=_serve, args=(self._master, str(board), baud, self._stopped, lambda: False)
        )

    def __enter__(self) -> "PtyFront":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._stop)
        self._thread.join()
        os.close(self._stopped)
        os.close(self._master)


def keep_front(folder: Path, board: str, baud: int) -> "subprocess.Popen[bytes]":
    """Serve a kept board's pty by a process that outlives us, and ends when the board does.

    Args:
        folder: the board's, which a process of its own holds from before this call on.
        board: the name in it of the unix socket at which it listens, when it does.
        baud: the speed of the board's own side.
    """
    ready, told = os.pipe()
    try:
        command = [sys.executable, "-m", "host.boards.pty_front", board, str(baud), str(told)]
        child = spawn(command, folder, kept=True, hold=told, mark=FRONT)
    finally:
        os.close(told)
    with open(ready, "rb") as stream:  # noqa: PTH123 - a descriptor
        stream.read()  # until the link is there, or the process is gone
    child.returncode = 0  # it is nobody's child to wait for: it stays
    return child


def _open_pty(baud: int) -> tuple[int, str]:
    """(its master, the path of the other end, raw and closed)."""
    master, slave = os.openpty()
    path = os.ttyname(slave)
    tty.setraw(slave)
    attributes = termios.tcgetattr(slave)
    known = getattr(termios, f"B{baud}", None)
    if known is not None:
        attributes[4] = attributes[5] = known
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
    os.close(slave)
    os.set_blocking(master, False)
    return master, path


def speed_of(master: int) -> int:
    """Bits a second, as whoever has the other end open has set it."""
    raw = fcntl.ioctl(master, _TCGETS2, bytes(_TERMIOS2.size))
    return int(_TERMIOS2.unpack(raw)[-1])


def _serve(master: int, board: str, baud: int, stopped: int, gone: Callable[[], bool]) -> None:
    while not _ends(stopped, _LOOK) and not gone():
        if _is_open(master):
            with contextlib.ExitStack() as stack:
                connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                stack.enter_context(connection)
                try:
                    connection.connect(board)
                except OSError:
                    with contextlib.suppress(OSError):
                        os.read(master, _CHUNK)  # what is said to a dead board is lost
                    continue
                connection.setblocking(False)
                _pump(master, connection, baud, stopped)


def _pump(master: int, connection: socket.socket, baud: int, stopped: int) -> None:
    """Carry bytes both ways until either side ends. What one side does not take yet, the other keeps."""
    to_board = to_host = b""
    while True:
        poll = select.poll()
        poll.register(stopped, select.POLLIN)
        events = (0 if to_board else select.POLLIN) | (select.POLLOUT if to_host else 0)
        poll.register(master, events)
        events = (0 if to_host else select.POLLIN) | (select.POLLOUT if to_board else 0)
        poll.register(connection, events)
        ready = dict(poll.poll())
        if stopped in ready or not _is_open(master):
            return
        try:
            if not to_board and ready.get(master, 0) & select.POLLIN:
                to_board = heard(os.read(master, _CHUNK), speed_of(master), baud)
            if not to_host and ready.get(connection.fileno(), 0) & (select.POLLIN | select.POLLHUP):
                data = connection.recv(_CHUNK)
                if not data:
                    return
                to_host = heard(data, baud, speed_of(master))
            if to_board:
                to_board = to_board[_send(connection.send, to_board) :]
            if to_host:
                to_host = to_host[_send(lambda data: os.write(master, data), to_host) :]
        except OSError:
            return


def _send(write: Callable[[bytes], int], data: bytes) -> int:
    try:
        return write(data)
    except BlockingIOError:
        return 0


def _is_open(master: int) -> bool:
    """Whether anybody has the other end open."""
    poll = select.poll()
    poll.register(master, 0)
    return not any(event & select.POLLHUP for _, event in poll.poll(0))


def _ends(stopped: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(stopped, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _gone(folder: Path) -> Iterator[bool]:
    """Each time: whether no process has held the folder for a while."""
    looks = 0
    while True:
        looks = 0 if is_held(folder / LOCK) else looks + 1
        yield looks * _LOOK > _GONE


def _main(board: str, baud: int, told: int) -> None:
    """Serve the board whose folder we run in, until it is gone."""
    master, path = _open_pty(baud)
    link = Path(PORT)
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    os.close(told)
    never, _ = os.pipe()
    looks = _gone(Path())
    _serve(master, board, baud, never, lambda: next(looks))
    link.unlink(missing_ok=True)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
