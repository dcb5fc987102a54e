"""Processes that are boards: started, recognized later, and ended."""

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from host.deadline import Deadline
from host.errors import HostFailure
from host.tools import leashed

# In the environment of a kept board's process, and of what serves its port: the folder that it runs in.
MARK = "NIGHTJAR_BOARD"
FRONT = "NIGHTJAR_BOARD_FRONT"
_POLITE = 1.0  # seconds between SIGTERM and SIGKILL
_MERCY = 5.0  # seconds that the kernel has for a SIGKILL


@dataclass(frozen=True)
class ProcessId:
    """A process of this user, recognized even when its number is given to another one.

    `device` and `inode` are those of the program that it runs.
    """

    pid: int
    started: int  # clock ticks since the boot of the computer
    device: int
    inode: int

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        """The process with that number; None when there is none of ours (a zombie is none)."""
        try:
            text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
            program = Path(f"/proc/{pid}/exe").stat()
            owner = Path(f"/proc/{pid}").stat().st_uid
        except OSError:  # gone, or somebody else's
            return None
        # The second field is the name in parentheses, which may hold anything.
        fields = text.rpartition(")")[2].split()
        if fields[0] in "ZX" or owner != os.geteuid():
            return None
        return cls(pid, int(fields[19]), program.st_dev, program.st_ino)

    @property
    def alive(self) -> bool:
        return ProcessId.of(self.pid) == self


def spawn(
    command: list[str], folder: Path, *, kept: bool, hold: int | None = None, mark: str = MARK
) -> "subprocess.Popen[bytes]":
    """Start a process in `folder`, its errors in the file `stderr` there.

    It has a session of its own, so that Ctrl-C reaches only us, who then end it. Unless it is kept,
    the kernel kills it when the thread that started it ends, however that happens. A kept one is
    marked, so that it is found when its folder has been cleaned away.

    Args:
        command: program and arguments.
        folder: where it runs.
        kept: whether it outlives us.
        hold: a lock that the process holds from now on.
        mark: what a kept one is marked with.

    Raises:
        HostFailure: the system does not start it.
    """
    line = command if kept else leashed(command)
    marks = {mark: str(folder)} if kept else {}
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    errors = os.open(folder / "stderr", flags, 0o600)
    try:
        os.fchmod(errors, 0o600)
        return subprocess.Popen(
            line,
            cwd=folder,
            env={**os.environ, **marks},
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
            umask=0o077,
            pass_fds=() if hold is None else (hold,),
        )
    except OSError as error:
        raise HostFailure(
            f"{Path(command[0]).name} cannot be started",
            evidence=f"Received: {error.strerror} ({command[0]})",
            next_step="`nightjar doctor` checks the tools; more memory or processes may be needed",
        ) from error
    finally:
        os.close(errors)


@contextlib.contextmanager
def recognized(process: ProcessId) -> Iterator[int | None]:
    """A handle to send signals by, which stays with this process whatever becomes of its number.

    None when it has ended.
    """
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield handle if process.alive else None
    finally:
        os.close(handle)


def end(process: ProcessId) -> None:
    """End a process that we recognize: SIGTERM, then SIGKILL. Does nothing when it has ended."""
    with recognized(process) as handle:
        if handle is not None:
            _end(handle)


def end_child(child: "subprocess.Popen[bytes]") -> None:
    """End a process that we started and have not waited for, as `end` does, and wait for it."""
    if child.poll() is None:
        handle = os.pidfd_open(child.pid)
        try:
            _end(handle)
        finally:
            os.close(handle)
        child.wait()


def _end(handle: int) -> None:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    for number, seconds in ((signal.SIGTERM, _POLITE), (signal.SIGKILL, _MERCY)):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)
        if poll.poll(seconds * 1000):
            return


def marked(folder: Path, mark: str = MARK) -> list[ProcessId]:
    """Processes that were started as the kept board of `folder`, or as its FRONT, whatever became of the folder."""
    wanted = f"{mark}={folder}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if entry.stat().st_uid != os.geteuid():
                continue
            where = str((entry / "cwd").readlink())
            if where not in (str(folder), f"{folder} (deleted)"):
                continue  # one that has inherited the mark, such as a debugger's
            if wanted not in (entry / "environ").read_bytes().split(b"\0"):
                continue
        except OSError:
            continue
        process = ProcessId.of(int(entry.name))
        if process is not None:
            found.append(process)
    return found


def state_of(pid: int) -> str:
    """The state of a process in a word: stopped, running; "" when it is gone."""
    try:
        letter = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return ""
    return {"T": "stopped", "t": "stopped", "Z": "", "X": ""}.get(letter, "running")


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
        with (folder / "stderr").open(errors="replace") as stream:
            return stream.read(most).strip()
    except FileNotFoundError:
        return ""
