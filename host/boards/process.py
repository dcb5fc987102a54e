"""Processes that are boards: started, recognized later, and ended."""

import contextlib
import os
import select
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from host.boards.tools import find_tool
from host.deadline import Deadline

_POLITE = 1.0  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True)
class ProcessId:
    """A process, recognized even when its number is given to another one."""

    pid: int
    started: int  # clock ticks since the boot of the computer

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        """The process with that number, or None when there is none (a zombie is none)."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The second field is the name in parentheses, which may hold anything.
        fields = text.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        return ProcessId.of(self.pid) == self


def spawn(command: list[str], folder: Path, *, kept: bool) -> "subprocess.Popen[bytes]":
    """Start a process in `folder`, its errors in the file `stderr` there.

    It has a session of its own, so that Ctrl-C reaches only us, who then end it. Unless it is kept, the kernel kills
    it when the thread that started it ends, however that happens.
    """
    guard = [] if kept else [find_tool("setpriv", "util-linux"), "--pdeathsig", "KILL"]
    with (folder / "stderr").open("wb") as errors:
        return subprocess.Popen(
            guard + command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )


def end(process: ProcessId, child: "subprocess.Popen[bytes] | None" = None) -> None:
    """End a process: SIGTERM, then SIGKILL. Does nothing when it has ended."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        handle = None
    if handle is not None:
        try:
            if process.alive:
                poll = select.poll()
                poll.register(handle, select.POLLIN)
                for number, seconds in ((signal.SIGTERM, _POLITE), (signal.SIGKILL, 5.0)):
                    with contextlib.suppress(ProcessLookupError):
                        signal.pidfd_send_signal(handle, number)
                    if poll.poll(seconds * 1000):
                        break
        finally:
            os.close(handle)
    if child is not None:
        child.wait()


def ended_within(pid: int, deadline: Deadline) -> bool:
    """Wait for the end of a process; False when the deadline passes first."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(deadline.remaining * 1000))
    finally:
        os.close(handle)


def error_text(folder: Path, most: int = 2000) -> str:
    """What a process wrote on its standard error: the first `most` characters."""
    try:
        return (folder / "stderr").read_text(errors="replace")[:most].strip()
    except FileNotFoundError:
        return ""
