"""Tools that boards need, and how to get one that is missing."""

import re
import resource
import shutil
import subprocess
from functools import cache

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
