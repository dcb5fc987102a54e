"""A board that is a process of native firmware, behind a TCP port that stays when the process is killed."""

import contextlib
import select
import socket
import subprocess
import threading
import time
from pathlib import Path

_UP = 120.0  # seconds for the firmware to listen
_LOOK = 0.05
_GRACE = 30.0  # seconds in which the end of a killed user arrives after his lock is free
_PIECE = 1 << 14


class SimulatedBoard:
    """Runs for the block, and counts those who use it while another one does.

    Args:
        elf: native firmware.
        folder: for its socket; a short path.
        name: 1 to 12 characters, which its id begins with.
    """

    def __init__(self, elf: Path, folder: Path, name: str) -> None:
        self.name, self.killed_at, self.intruders = name, list[float](), 0
        self._elf, self._socket, self._uid = elf, folder / f"{name}.sock", f"{name:-<12}"
        self._server = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._stopped = False
        self._process = self._start()
        self._thread = threading.Thread(target=self._serve)

    @property
    def port(self) -> int:
        """Of 127.0.0.1."""
        return int(self._server.getsockname()[1])

    @property
    def entry(self) -> str:
        """Its table in a bench file."""
        uid = self._uid.encode().hex()
        lines = ['kind = "native"', f'port = "socket://127.0.0.1:{self.port}"', f'uid = "{uid}"']
        return "\n".join([f"[board.{self.name}]", *lines, 'tags = ["n6"]', ""])

    def kill(self) -> None:
        """Kill -9 its process, and start another one."""
        with self._lock:
            self.killed_at.append(time.monotonic())
            self._process.kill()
            self._process.wait()
            self._process = self._start()

    def __enter__(self) -> "SimulatedBoard":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._thread.join()
        self._server.close()
        self._process.kill()
        self._process.wait()

    def _start(self) -> "subprocess.Popen[bytes]":
        self._socket.unlink(missing_ok=True)
        line: list[str | Path] = [self._elf, "--socket", self._socket, "--uid", self._uid]
        return subprocess.Popen([*line, "--die-with-parent"])

    def _serve(self) -> None:
        while not self._stopped:
            if select.select([self._server], [], [], _LOOK)[0]:
                user, _ = self._server.accept()
                with user:
                    self._between(user)

    def _between(self, user: socket.socket) -> None:
        """Pass on what a user and the firmware say, until one of them ends."""
        firmware = self._connected()
        if firmware is None:
            return
        ends = {user: firmware, firmware: user}
        waits: float | None = None  # since when another user does
        with firmware, contextlib.suppress(OSError):
            while not self._stopped:
                ready, _, _ = select.select([*ends, self._server], [], [], _LOOK)
                for end in ends:
                    if end in ready:
                        data = end.recv(_PIECE)
                        if not data:
                            return
                        ends[end].sendall(data)
                if self._server in ready:
                    waits = waits or time.monotonic()
                    if time.monotonic() > waits + _GRACE:
                        self.intruders += 1
                        return
                    time.sleep(0.001)

    def _connected(self) -> socket.socket | None:
        """To its firmware, which may have been started a moment ago."""
        limit = time.monotonic() + _UP
        while time.monotonic() < limit and not self._stopped:
            end = socket.socket(socket.AF_UNIX)
            try:
                with self._lock:
                    end.connect(str(self._socket))
                return end
            except OSError:
                end.close()
                time.sleep(0.01)
        return None
