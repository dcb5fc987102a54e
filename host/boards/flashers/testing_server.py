"""A stand-in for a gdb server of real probes: QEMU behind it, the server's own commands in front, on a pipe of gdb's.

Run as a program: the path of QEMU's socket, then a file that takes every `monitor` command, one a line; what follows is
ignored, as the words that OpenOCD is started with. What it does at a command is what the real one is documented to do.
The word `slow` makes the boot ROM a slow one: it stands still while it is let run for the first two times.
"""

import os
import select
import socket
import sys
import time
from pathlib import Path


class _Core:
    """The core behind QEMU's server, and whether it runs though gdb takes it for halted."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self._runs = False
        self._stands = 2 * ("slow" in sys.argv)
        self.own = 0  # answers of ours that gdb has not acknowledged yet

    def obey(self, command: str) -> None:
        """Do what a real server does at `monitor COMMAND`."""
        word, _, rest = command.partition(" ")
        if word == "reset":
            self.halt()
            self._send(b"qRcmd," + b"system_reset".hex().encode())
            while self._answer() != b"OK":
                pass  # what its monitor printed
            if rest == "run" or (rest == "" and "pyocd" in sys.argv):
                self._go()
        elif word == "sleep":
            time.sleep(int(rest) / 1000)
        elif word == "halt":
            self.halt()
        elif word == ("continue" if "pyocd" in sys.argv else "resume"):
            self._go()
        else:
            raise SystemExit(f"unknown command: {command}")

    def _go(self) -> None:
        if self._stands:
            self._stands -= 1
        else:
            self._send(b"c")
            self._runs = True

    def halt(self) -> None:
        """Halt the core, if it runs."""
        if self._runs:
            self.socket.sendall(b"\x03")
            self._answer()
            self._runs = False

    def _send(self, body: bytes) -> None:
        self.socket.sendall(_packet(body))

    def _answer(self) -> bytes:
        """The body of the next packet, which is acknowledged."""
        data = b""
        while not (b"$" in data and b"#" in data.partition(b"$")[2][:-2]):
            data += self.socket.recv(1)
        self.socket.sendall(b"+")
        return data.partition(b"$")[2].partition(b"#")[0]


def _packet(body: bytes) -> bytes:
    return b"$%s#%02x" % (body, sum(body) & 0xFF)


def main() -> None:
    """Serve gdb on the standard input and output until it ends."""
    core, log = _Core(sys.argv[1]), Path(sys.argv[2])
    asked = b""
    while True:
        ready = select.select([core.socket.fileno(), 0], [], [])[0][0]
        if ready:
            data = core.socket.recv(1 << 16)
            os.write(1, data)
        else:
            data = os.read(0, 1 << 16)
            asked += data
            passed = bool(asked)
            while passed and asked:
                asked, passed = _next(asked, core, log)
        if not data:
            return


def _next(asked: bytes, core: _Core, log: Path) -> tuple[bytes, bool]:
    """What is left of `asked` behind its first packet or byte, which was served; False: it is not whole yet."""
    if not asked.startswith(b"$"):
        if asked.startswith(b"+") and core.own:
            core.own -= 1  # QEMU takes any byte that it gets while the core runs for a stop
        else:
            core.socket.sendall(asked[:1])
        return asked[1:], True
    end = asked.find(b"#")
    if end < 0 or len(asked) < end + 3:
        return asked, False
    packet, left = asked[: end + 3], asked[end + 3 :]
    if packet.startswith(b"$qRcmd,"):
        command = bytes.fromhex(packet[7:end].decode()).decode()
        with log.open("a") as stream:
            stream.write(command + "\n")
        os.write(1, b"+")
        core.obey(command)
        os.write(1, _packet(b"OK"))
        core.own += 1
    else:
        core.halt()  # gdb takes it for halted; `detach` lets it run on
        core.socket.sendall(packet)
    return left, True


if __name__ == "__main__":
    main()
