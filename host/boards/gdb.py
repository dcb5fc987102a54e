"""Flashing through gdb, the way a debugger loads a board in its development boot mode."""

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from host.boards.base import FlashReport
from host.boards.tools import find_tool
from host.deadline import Deadline
from host.errors import BadInput, FlashFailure

PROGRAM = "gdb-multiarch"
PACKAGE = "gdb-multiarch"
_DONE = "nightjar: done"
_LOAD = f"""\
load
compare-sections
monitor system_reset
detach
echo {_DONE}\\n
"""
_RESET = f"""\
monitor system_reset
detach
echo {_DONE}\\n
"""


def flash(socket: Path, elf: Path, deadline: Deadline) -> FlashReport:
    """Write the sections of `elf`, read them back, and reset.

    Raises:
        HostFailure: gdb is missing.
        BadInput: there is no such ELF, or it is none.
        FlashFailure: it could not be written, or reads back differently.
    """
    _check_elf(elf)
    started = time.monotonic()
    output = _run(socket, _LOAD, deadline, elf)
    total = time.monotonic() - started
    size = re.search(r"load size (\d+)", output)
    if size is None or "matched." not in output:
        raise _failed("gdb did not say what it wrote", output)
    if "MIS-MATCHED" in output:
        raise _failed("the board's memory differs from what was written to it", output)
    return FlashReport(int(size[1]), _transfer_seconds(output, int(size[1]), total), total)


def reset(socket: Path, deadline: Deadline) -> None:
    """Start what is in the board's memory again, whatever state the CPU is in.

    Raises:
        HostFailure: gdb is missing.
        FlashFailure: gdb could not reach the board.
    """
    _run(socket, _RESET, deadline, None)


def _run(socket: Path, commands: str, deadline: Deadline, elf: Path | None) -> str:
    program = find_tool(PROGRAM, PACKAGE)
    seconds = max(1, int(deadline.remaining))
    script = (
        "set confirm off\nset pagination off\nset architecture armv8.1-m.main\n"
        f"set remotetimeout {seconds}\nset tcp connect-timeout {seconds}\n"
        f"target remote {socket.name}\n{commands}"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".gdb") as file:
        file.write(script)
        file.flush()
        command = [program, "-nx", "-batch", "-x", file.name]
        if elf is not None:
            command.append(str(elf.resolve()))
        try:
            done = subprocess.run(
                command,
                cwd=socket.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=max(deadline.remaining, 0.001),
                env={**os.environ, "LC_ALL": "C", "DEBUGINFOD_URLS": ""},
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            said = error.stdout.decode(errors="replace") if error.stdout else ""
            raise _failed("gdb did not finish before the deadline", said) from error
    if _DONE not in done.stdout:
        raise _failed("gdb could not do its work on the board", done.stdout)
    return done.stdout


def _check_elf(elf: Path) -> None:
    try:
        with elf.open("rb") as stream:
            head = stream.read(20)
    except OSError as error:
        raise BadInput(
            "the firmware cannot be read",
            evidence=f"Received: {elf}: {error.strerror}",
            next_step="build it with `nightjar build`",
        ) from error
    # e_ident, then e_type and e_machine: 40 is Arm.
    if head[:4] != b"\x7fELF" or int.from_bytes(head[18:20], "little") != 40:
        raise BadInput(
            "the virtual board runs ELF files for Arm only",
            evidence=f"Received: {elf}, which begins with {head.hex()}",
            next_step="build the firmware for this board: `nightjar build --board virtual`",
        )


def _transfer_seconds(output: str, size: int, total: float) -> float:
    """The time of the writing alone, from gdb's own rate; the whole time when gdb does not say it."""
    rate = re.search(r"Transfer rate: (\d+) (KB|bytes)/sec", output)
    if rate is None or int(rate[1]) == 0:
        return total
    return min(total, size / (int(rate[1]) * (1024 if rate[2] == "KB" else 1)))


def _failed(what: str, output: str) -> FlashFailure:
    lines = [line for line in output.strip().split("\n") if line]
    return FlashFailure(
        what,
        evidence=" | ".join(lines[-6:]) or "gdb printed nothing",
        next_step="end the board with `nightjar board down`, then try again",
    )
