"""Tools that boards need, and how to get one that is missing."""

import re
import shutil
import subprocess
from functools import cache

from host.errors import HostFailure


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


@cache
def check_version(path: str, least: tuple[int, int], package: str, why: str) -> None:
    """Refuse a tool that is too old.

    Raises:
        HostFailure: older than `least`, or it does not start.
    """
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20)
        text = done.stdout
    except (OSError, subprocess.SubprocessError) as error:
        text = str(error)
    # The first line ends with it in gdb's case, and names the distribution before it.
    found = re.search(r"version (\d+)\.(\d+)", text) or re.search(
        r"(\d+)\.(\d+)\S*$", text.split("\n")[0]
    )
    if found is None or (int(found[1]), int(found[2])) < least:
        raise HostFailure(
            f"{path} must be version {least[0]}.{least[1]} or later: {why}",
            evidence=f"Received: {text.split(chr(10))[0]!r}",
            next_step=f"apt-get install {package} (Debian 12 or Ubuntu 23.04, or later)",
        )
