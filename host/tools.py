"""Tools that boards need: how to get one that is missing, and how one is run that may not outlive us."""

import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from host.deadline import Deadline
from host.errors import HostFailure

LEAST_OPEN_FILES = 64  # that a command needs: CMake waits for ever with a dozen
_START = 20.0  # seconds that a tool has for saying its version


def find_tool(name: str, package: str) -> str:
    """The path of a tool.

    Raises:
        HostFailure: it is not installed; the next step is the command that installs it.
    """
    path = shutil.which(name)
    if path is None:
        raise HostFailure(
            f"{name} is not installed",
            evidence="it is not on PATH",
            next_step=f"apt-get install {package}",
        )
    return path


# Each thread of ours that is left hands a child on as it dies, and the kernel signals the child each time: from a
# parent that has one thread it comes once.
_ONCE = 'trap : INT TERM; setpriv --pdeathsig "$0" -- "$@"; exit $?'


def leashed(command: Sequence[str], number: str = "KILL") -> list[str]:
    """The command of a process that the kernel signals when the thread that started it ends, however that happens.

    A signal that it may heed comes once. It has a shell before it then, which passes by what its group gets and ends as
    it did, with 128 and the number where a signal ended it: signal the group.

    Args:
        command: program and arguments.
        number: the signal's name: KILL, INT or TERM.

    Raises:
        HostFailure: there is no setpriv, which does that.
    """
    setpriv = [find_tool("setpriv", "util-linux"), "--pdeathsig"]
    if number == "KILL":
        return [*setpriv, number, *command]
    return [*setpriv, "KILL", "sh", "-c", _ONCE, number, *command]


class Overdue(Exception):
    """A tool did not end before its deadline, and was ended; `said` is what it had printed."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def run_leashed(
    command: Sequence[str],
    deadline: Deadline,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run a tool to its end, which comes with ours at the latest: its exit status and all that it printed.

    Args:
        command: program and arguments.
        deadline: when it is ended, with what it has started in its group.
        folder: where it runs; None: here.
        environment: what it has beside ours, and LC_ALL=C.

    Raises:
        HostFailure: it does not start.
        Overdue: it did not end before the deadline.
    """
    if shutil.which(command[0]) is None:
        raise HostFailure(
            f"{command[0]} cannot be started",
            evidence="it is no program, or not on PATH",
            next_step="`nightjar doctor` checks the tools",
        )
    # Into a file: a pipe has no end as long as anything that the tool has left behind holds it.
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            leashed(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
            start_new_session=True,
        )
        late = False
        try:
            process.wait(max(deadline.remaining, 0.001))
        except subprocess.TimeoutExpired:
            late = True
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said.seek(0)
        text = said.read().decode(errors="replace")
    if late:
        raise Overdue(text)
    return process.returncode, text


def require_open_files() -> None:
    """See to it that this process and those that it starts may open enough files.

    Raises:
        HostFailure: the computer does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= LEAST_OPEN_FILES:
        return
    if hard != resource.RLIM_INFINITY and hard < LEAST_OPEN_FILES:
        raise HostFailure(
            f"a command must be allowed to open {LEAST_OPEN_FILES} files",
            evidence=f"Received: a limit of {hard} (RLIMIT_NOFILE)",
            next_step="raise it, for example with `ulimit -n 1024` in a new shell",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (LEAST_OPEN_FILES, hard))


@cache
def check_version(path: str, least: tuple[int, int], package: str, why: str) -> None:
    """Refuse a tool that does not run, or is too old.

    Raises:
        HostFailure: older than `least`, or it does not start; with what it said.
    """
    try:
        done = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_START,
        )
    except subprocess.TimeoutExpired:
        raise _broken(path, f"no answer to --version within {_START:.0f} s", package) from None
    except OSError as error:
        raise _broken(path, error.strerror or str(error), package) from error
    if done.returncode != 0:
        said = (done.stderr + done.stdout).strip()[:500] or "it printed nothing"
        raise _broken(path, f"exit status {done.returncode}; it said: {said}", package)
    first = done.stdout.split("\n")[0]
    # The first line ends with it in gdb's case, and names the distribution before it.
    found = re.search(r"version (\d+)\.(\d+)", done.stdout) or re.search(r"(\d+)\.(\d+)\S*$", first)
    if found is None or (int(found[1]), int(found[2])) < least:
        raise HostFailure(
            f"{path} must be version {least[0]}.{least[1]} or later: {why}",
            evidence=f"Received: {first!r}",
            next_step=f"apt-get install {package} (Debian 12 or Ubuntu 23.04, or later)",
        )


def _broken(path: str, reason: str, package: str) -> HostFailure:
    return HostFailure(
        f"{path} does not run",
        evidence=f"Received: {reason}",
        next_step=f"free memory or raise `ulimit -v` if that is what it lacks; else "
        f"apt-get install --reinstall {package}",
    )
