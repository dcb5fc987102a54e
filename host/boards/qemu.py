"""The QEMU process behind the virtual board."""

import re
import subprocess
from pathlib import Path

from host.boards.process import ProcessId, ended_within, error_text, spawn
from host.boards.tools import check_version, find_tool
from host.deadline import Deadline
from host.errors import BoardFailure, FirmwareFailure, NightjarError

PROGRAM = "qemu-system-arm"
PACKAGE = "qemu-system-arm"
# Relative to the board's folder, so that no path is too long for a unix socket.
GDB_SOCKET = "gdb.sock"
UART_SOCKET = "uart0.sock"
NET_BOARD = "board.sock"
NET_HOST = "host.sock"
_LEAST = (7, 2)
_LOOK = 0.005  # seconds between two looks at a QEMU that is starting


# More arguments for every QEMU that this process starts: `nightjar profile` loads its plugin so.
extra: list[str] = []


def arguments(program: str, more: tuple[str, ...] = ()) -> list[str]:
    """The command line, `more` last: an AN547 with one Cortex-M55, halted until gdb has written.

    One instruction takes 64 ns of virtual time (`-icount shift=6`), so that its timers count instructions.
    """
    return [
        program,
        *("-machine", "mps3-an547", "-nodefaults", "-display", "none", "-S"),
        *("-icount", "shift=6"),
        *("-chardev", f"socket,id=gdb,path={GDB_SOCKET},server=on,wait=off", "-gdb", "chardev:gdb"),
        *("-chardev", f"socket,id=uart0,path={UART_SOCKET},server=on,wait=off"),
        *("-serial", "chardev:uart0"),
        "-netdev",
        f"dgram,id=net,local.type=unix,local.path={NET_BOARD},remote.type=unix,remote.path={NET_HOST}",
        *("-net", "nic,netdev=net"),
        *extra,
        *more,
    ]


def start(
    folder: Path, *, kept: bool, deadline: Deadline, more: tuple[str, ...] = ()
) -> "subprocess.Popen[bytes]":
    """Start QEMU in `folder`, with `more` arguments, and wait until its sockets are there.

    Raises:
        HostFailure: QEMU is missing or too old.
        BoardFailure: it did not start.
    """
    program = find_tool(PROGRAM, PACKAGE)
    check_version(program, _LEAST, PACKAGE, "older ones lack `-netdev dgram` on unix sockets")
    child = spawn(arguments(program, more), folder, kept=kept)
    try:
        while not all((folder / name).exists() for name in (GDB_SOCKET, UART_SOCKET, NET_BOARD)):
            if ended_within(child.pid, deadline.at_most(_LOOK)):
                raise why_died(folder)
            if deadline.expired:
                raise BoardFailure(
                    "QEMU did not open its sockets before the deadline",
                    evidence=error_text(folder) or "it printed nothing",
                    next_step="run again when the computer is less busy",
                )
    except BaseException:
        child.kill()
        child.wait()
        raise
    return child


def process_of(child: "subprocess.Popen[bytes]", folder: Path) -> ProcessId:
    """What a started child is recognized by later.

    Raises:
        BoardFailure: it has died already.
    """
    process = ProcessId.of(child.pid)
    if process is None:
        raise why_died(folder)
    return process


def why_died(folder: Path) -> NightjarError:
    """The error for a QEMU that is gone. A locked-up CPU is the firmware's doing."""
    text = error_text(folder)
    lockup = re.search(r"qemu: fatal: (Lockup[^\n]*)", text)
    if lockup is not None:
        registers = re.findall(r"\b(R1[345]|XPSR)=([0-9a-f]{8})", text)
        return FirmwareFailure(
            "the firmware faulted inside its fault handler, and the CPU locked up",
            evidence="; ".join([lockup[1], *(f"{name} {value}" for name, value in registers)]),
            next_step="look at vector table, stack and fault handler; then flash the board again",
        )
    return BoardFailure(
        "the QEMU process of the virtual board has ended",
        evidence=f"it said: {text}" if text else "it printed nothing; somebody may have killed it",
        next_step="start again; with a kept board, `nightjar board up`",
    )
