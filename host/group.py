"""Programs that start programs of their own: none of them outlives its deadline, or us."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from host.deadline import Deadline

_MERCY = 5.0  # seconds that a build which is interrupted has to end its compilers


def run_group(
    command: Sequence[str],
    deadline: Deadline,
    *,
    environment: Mapping[str, str],
    where: Path | None = None,
) -> tuple[int, str]:
    """Run a program in a process group of its own, with nothing to read.

    Returns:
        (exit code, what it printed, standard error included).

    Raises:
        OSError: it cannot be started.
        subprocess.TimeoutExpired: it did not end before the deadline; it and its children are gone.
    """
    process = subprocess.Popen(
        command,
        cwd=where,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=max(deadline.remaining, 0))
    except BaseException:
        _end(process)
        raise
    return process.returncode, output


def _end(process: "subprocess.Popen[str]") -> None:
    """End a program and its children: ninja gives each compiler a group of its own, and ends them when interrupted."""
    with suppress(ProcessLookupError):  # it may have ended just now
        os.killpg(process.pid, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_MERCY)
    with suppress(ProcessLookupError):  # whoever does not hear an interrupt
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
