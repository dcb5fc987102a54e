"""A lease that lasts as long as a command runs, such as jumpstarter's `jmp shell`; one of its lines is the port.

The command is told twice to give the lease back: its standard input ends, and SIGTERM comes to its process group. Where
we are killed, the kernel does both, but that the signal comes to the command alone.
"""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from host.boards.places import address_of
from host.deadline import Deadline
from host.interrupts import unbroken
from host.tools import leashed

_ENDING = 60.0  # seconds in which it gives the lease back
_LOOK = 0.05
# What a command may print beside its port, such as the path of a socket or a time, is none.
_PORT = re.compile(r"(?:socket|rfc2217)://\S+|/dev/\S+")


class NotGiven(Exception):
    """The command ended, or its time was over, before it said a port; with what it said."""


class Hold:
    """A lease that was given.

    Attributes:
        port: where the board is, a device or a URL of pyserial's.
    """

    def __init__(self, port: str, process: "subprocess.Popen[bytes]", said: IO[bytes]) -> None:
        self.port, self._process, self._said = port, process, said

    @property
    def over(self) -> bool:
        """Whether the command has ended by itself."""
        return self._process.poll() is not None

    @property
    def last(self) -> str:
        """What the command said last, and how it ended if it did."""
        return _ended(self._process, self._said)


@contextmanager
def holding(line: str, limit: Deadline) -> Iterator[Hold]:
    """Run a command for the block, and see to it that it gives its lease back behind it.

    Args:
        line: one command, as the shell's `exec` takes it.
        limit: when it must have said where the board is.

    Raises:
        NotGiven: it did not.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            leashed(["sh", "-c", f"exec {line}"], "TERM"),
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Hold(_port(process, said, limit, line), process, said)
        finally:
            with unbroken():
                _end(process)


def _port(process: "subprocess.Popen[bytes]", said: IO[bytes], limit: Deadline, line: str) -> str:
    while True:
        over, late = process.poll() is not None, limit.expired
        found = [port for one in _lines(said) if (port := _as_port(one)) is not None]
        if over:
            raise NotGiven(f"`{line}` {_ended(process, said)}")
        if found:
            return found[0]
        if late:
            raise NotGiven(f"`{line}` printed no port in time: {_ended(process, said)}")
        time.sleep(min(_LOOK, limit.remaining))


def _as_port(line: str) -> str | None:
    text = line.strip()
    if _PORT.fullmatch(text):
        return text
    address = address_of(text)
    # A number alone is no host that anybody writes, but 10:30 is a time.
    named = address is not None and address[0] and not address[0].isdigit()
    return f"socket://{text}" if named else None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Let it give the lease back, and kill what is left of it."""
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_ENDING)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _lines(said: IO[bytes]) -> list[str]:
    """Its whole lines; the command writes at the file's own position, so that we read at places."""
    data = os.pread(said.fileno(), os.fstat(said.fileno()).st_size, 0)
    return data.decode(errors="replace").split("\n")[:-1]


def _ended(process: "subprocess.Popen[bytes]", said: IO[bytes]) -> str:
    code = process.poll()
    how = "it runs" if code is None else f"exit status {code}"
    return (
        f"{how}: {' | '.join(line.strip() for line in _lines(said)[-3:]) or 'it printed nothing'}"
    )
