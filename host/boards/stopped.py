"""Where a process is, without tracing it: stopped for a moment, looked up in /proc, let go on."""

import os
import platform
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from host.boards.process import ProcessId
from host.deadline import Deadline

_LOOK = 0.001  # seconds between two looks at a process that is stopping
# System calls that wait for a request, and what a stop makes of some: the call that restarts them.
_WAITS = {
    "x86_64": {0: "read", 7: "poll", 43: "accept", 219: "poll", 271: "ppoll", 288: "accept4"},
    "aarch64": {63: "read", 73: "ppoll", 128: "ppoll", 202: "accept", 242: "accept4"},
}


@dataclass(frozen=True)
class Stop:
    """`call`: the system call that the process waits in for input, "" when in none of these."""

    pc: int
    call: str


def stop_at(process: ProcessId, deadline: Deadline) -> Stop | None:
    """Stop a process, see where it is, and let it go on; None when that cannot be seen.

    Linux shows it of one's own child, or to who may trace the process. One that somebody else has
    stopped stays so.
    """
    if not process.alive or _state(process) in ("", "T", "t"):
        return None
    try:
        os.kill(process.pid, signal.SIGSTOP)
        try:
            while (state := _state(process)) != "T":
                if not state or deadline.expired:
                    return None
                time.sleep(_LOOK)
            # "-1 SP PC" in user code, or a system call's number, its six arguments, SP and PC.
            fields = Path(f"/proc/{process.pid}/syscall").read_text().split()
        finally:
            os.kill(process.pid, signal.SIGCONT)
        waits = _WAITS.get(platform.machine(), {})
        return Stop(int(fields[-1], 16), waits.get(int(fields[0]), ""))
    except (OSError, ValueError, IndexError):
        return None


def _state(process: ProcessId) -> str:
    """The letter of its state; "" when it is gone."""
    try:
        text = Path(f"/proc/{process.pid}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[0].replace("Z", "").replace("X", "")
