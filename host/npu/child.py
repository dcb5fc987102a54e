"""What is said to a generated network that runs somewhere, and what it says; its process here."""

import json
import os
import selectors
import signal
import struct
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from host.deadline import Deadline
from host.errors import BadInput, NightjarError
from host.npu import compiled
from host.npu.generated import GeneratedCode

_HEAD = struct.Struct("<4I")
_PROGRAM = """
import ctypes, sys
npu = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
network = ctypes.CDLL(sys.argv[2])
sys.exit(npu.nj_npu_main(ctypes.byref(ctypes.c_char.in_dll(network, "nj_npu_network"))))
"""


class Ask(IntEnum):
    """What is asked; as in nj_npu_child.c."""

    REGION = 1
    WRITE = 2
    DESCRIBE = 3
    RUN = 4


class Tell(IntEnum):
    """What is told."""

    LISTS = 1
    EPOCH = 2
    BUFFER = 3
    STREAM = 4
    SEEN = 5
    DONE = 6
    ERROR = 7
    CRASH = 8


class Child(ABC):
    """A network in a process of its own, which may do what it likes to itself."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._complaints = os.memfd_create("complaints")
        self._process: subprocess.Popen[bytes] | None = None
        self._epoch = 0  # the last that began

    def describe(self) -> None:
        """Ask for the lists of its buffers."""
        self._say(Ask.DESCRIBE, 0, 0, 0)

    def run(self, tie: int) -> None:
        """Ask it to run with a tie rule."""
        self._say(Ask.RUN, tie, 0, 0)

    def write(self, address: int, content: bytes) -> None:
        """Put bytes into its memory."""
        self._say(Ask.WRITE, address, 0, len(content), content)

    def region(self, address: int, size: int, writable: bool) -> None:
        """Memory of zeros."""
        self._say(Ask.REGION, address, size, int(writable))

    def _say(self, what: Ask, a: int, b: int, length: int, content: bytes = b"") -> None:
        self._send(what, _HEAD.pack(what, a, b, length) + content)

    @abstractmethod
    def _send(self, what: Ask, request: bytes) -> None:
        """Have it answer a request."""

    def _start(self, command: Sequence[str], stdin: int, kept: Sequence[int] = ()) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            bufsize=0,
            pass_fds=kept,
        )

    def answers(self, deadline: Deadline) -> Iterator[tuple[Tell, int, int, bytes]]:
        """What it tells, until the caller has heard enough.

        Raises:
            BadInput: it cannot go on, crashed, or does not end.
            HostFailure: what runs it gave up.
        """
        while True:
            what, a, b, length = _HEAD.unpack(self._read(_HEAD.size, deadline))
            content = self._read(length, deadline)
            if what == Tell.EPOCH:
                self._epoch = a
            elif what == Tell.ERROR:
                raise self._refusal(json.loads(content))
            elif what == Tell.CRASH:
                raise self._crash(a)
            yield Tell(what), a, b, content

    def close(self) -> None:
        """End the process."""
        self._end()
        os.close(self._complaints)

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _read(self, length: int, deadline: Deadline) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        pieces = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while len(pieces) < length:
                if not selector.select(max(deadline.remaining, 0)):
                    raise BadInput(
                        f"{self.name} does not end",
                        evidence=f"Received: nothing more in epoch {self._epoch}",
                        next_step="give it more time, or look at what that epoch waits for",
                    )
                piece = self._process.stdout.read(length - len(pieces))
                if not piece:
                    raise self._crash(-self._process.wait())
                pieces += piece
        return bytes(pieces)

    def _said(self) -> str:
        """What it printed."""
        return os.pread(self._complaints, 1 << 16, 0).decode("utf-8", "replace").strip()

    def _crash(self, number: int) -> NightjarError:
        """Why it ended: by a signal, or with an exit code, which is negative."""
        said = self._said()
        try:
            how = signal.Signals(number).name
        except ValueError:
            how = f"exit code {-number}"
        undefined = said.rpartition("undefined symbol: ")[2].split()
        if "undefined symbol: " in said and undefined:
            return BadInput(
                f"{self.name} uses what the virtual NPU does not have: {undefined[0]}",
                evidence=said[-800:],
                next_step="this network cannot be executed here; see docs/npu.md for what can",
            )
        return BadInput(
            f"{self.name} crashed in epoch {self._epoch}",
            evidence=f"Received: {how}. {said[-400:]}",
            next_step="compile the network again; if it crashes again, report it",
        )

    def _refusal(self, error: dict[str, Any]) -> BadInput:
        where = f"{error['kind']} {error['unit']}" if error["kind"] != "NOTHING" else error["who"]
        evidence = f"Received: {error['field']} = {error['value']}"
        if error["address"]:
            evidence += f" at 0x{error['address']:08x}"
        if error["who"] and where != error["who"]:
            evidence += f" ({error['who']})"
        place = f"epoch {self._epoch}, " if self._epoch else ""
        return BadInput(
            f"{self.name}, {place}{where or 'the epoch'}: {error['status']}",
            evidence=evidence,
            next_step="this network cannot be executed here; see docs/npu.md for what can",
        )


Place = Callable[[GeneratedCode], Child]
"""Where a network runs: starts it there. Raises BadInput or HostFailure as its compiler does."""


class _Process(Child):
    """A network that was compiled for this computer."""

    def __init__(self, npu: Path, network: Path, name: str) -> None:
        super().__init__(name)
        python = (sys.executable, "-I", "-S", "-c", _PROGRAM)
        self._start((*python, str(npu), str(network)), subprocess.PIPE)

    def _send(self, what: Ask, request: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        view = memoryview(request)
        try:
            while view:
                view = view[self._process.stdin.write(view) :]
        except BrokenPipeError:
            return  # what it told before it ended says why


def this_computer(code: GeneratedCode) -> Child:
    """A Place: a process of this computer."""
    return _Process(compiled.library(code.instance), compiled.network(code), code.path.name)
