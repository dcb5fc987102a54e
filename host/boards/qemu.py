"""The QEMU process behind the virtual board."""

import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from host.boards.process import ProcessId, ended_within, error_text, spawn, state_of
from host.boards.record import GDB_SOCKET as GDB_SOCKET  # in the board's folder, as those below
from host.deadline import Deadline
from host.errors import BoardFailure, FirmwareFailure, HostFailure, NightjarError
from host.tools import check_version, find_tool

PROGRAM = "qemu-system-arm"
PACKAGE = "qemu-system-arm"
# Relative to the board's folder, so that no path is too long for a unix socket.
UART_SOCKET = "uart0.sock"
NET_BOARD = "board.sock"
NET_HOST = "host.sock"
_LEAST = (7, 2)
# What QEMU or its libraries print before they give up for want of memory or for a defect of theirs.
_COMPLAINT = re.compile(
    r"cannot allocate memory|failed to allocate|out of memory|too many open files|"
    r"glib-error|assertion",
    re.IGNORECASE,
)
_NOR = "free space on its disk, or let it be written; machine.nor of bench.toml names it"
_ALL = 10_000_000  # characters: more than our machine writes
ANSWER = 3.0  # seconds that a QEMU of which gdb complains has for an answer
_LOOK = 0.005  # seconds between two looks at a QEMU that is starting


_extra: list[str] = []


@contextmanager
def with_arguments(more: Iterable[str]) -> Iterator[None]:
    """Give every QEMU that this process starts inside the block these arguments, too: a plugin is loaded so."""
    _extra.extend(more)
    try:
        yield
    finally:
        _extra.clear()


@dataclass(frozen=True)
class Machine:
    """A machine of QEMU.

    program: finds the QEMU that has it, or raises HostFailure. arguments: behind the program.
    sockets: what it opens in its folder when it has started. runs: whether its core runs from then on, and is not
    halted until a debugger lets it go.
    """

    program: Callable[[], str]
    arguments: tuple[str, ...]
    sockets: tuple[str, ...]
    runs: bool = False


def _debian() -> str:
    program = find_tool(PROGRAM, PACKAGE)
    check_version(program, _LEAST, PACKAGE, "older ones lack `-netdev dgram` on unix sockets")
    return program


def common(shift: int = 6) -> tuple[str, ...]:
    """What every board of ours is started with: halted until gdb has written, and timers that count instructions.

    Args:
        shift: an instruction takes 2^shift ns of virtual time.
    """
    return (
        *("-nodefaults", "-display", "none", "-S"),
        *("-icount", f"shift={shift}"),
        *("-chardev", f"socket,id=gdb,path={GDB_SOCKET},server=on,wait=off", "-gdb", "chardev:gdb"),
    )


SERIAL = (
    *("-chardev", f"socket,id=uart0,path={UART_SOCKET},server=on,wait=off"),
    *("-serial", "chardev:uart0"),
)
# One Cortex-M55 of Arm's, with a network chip.
AN547 = Machine(
    program=_debian,
    arguments=(
        *("-machine", "mps3-an547"),
        *common(),
        *SERIAL,
        "-netdev",
        f"dgram,id=net,local.type=unix,local.path={NET_BOARD},remote.type=unix,remote.path={NET_HOST}",
        *("-net", "nic,netdev=net"),
    ),
    sockets=(GDB_SOCKET, UART_SOCKET, NET_BOARD),
)


def start(
    folder: Path,
    machine: Machine,
    *,
    kept: bool,
    deadline: Deadline,
    hold: int | None = None,
    more: tuple[str, ...] = (),
) -> "tuple[subprocess.Popen[bytes], ProcessId]":
    """Start a machine in `folder`, with `more` arguments, and wait until it answers.

    `hold` is a lock that it holds from now on.

    Returns:
        The child, and what it is recognized by later.

    Raises:
        HostFailure: QEMU is missing, too old, or does not start; with what it said.
    """
    command = [machine.program(), *machine.arguments, *_extra, *more]
    child = spawn(command, folder, kept=kept, hold=hold)
    try:
        # It opens its sockets before it has its memory, and answers when it has.
        while not (_has_sockets(folder, machine) and answers(folder, deadline)):
            if ended_within(child.pid, deadline.at_most(_LOOK)):
                raise _ended_at_once(child, folder)
            if deadline.expired:
                what = "answer" if _has_sockets(folder, machine) else "open its sockets"
                raise _trouble(f"QEMU did not {what} before the deadline", folder)
        process = ProcessId.of(child.pid)
        if process is not None and machine.runs and not _let_go(folder, deadline):
            raise _trouble("QEMU did not let its core run before the deadline", folder)
        if process is None:
            raise _ended_at_once(child, folder)
    except BaseException:
        child.kill()
        child.wait()
        raise
    return child, process


def _has_sockets(folder: Path, machine: Machine) -> bool:
    return all((folder / name).exists() for name in machine.sockets)


def answers(folder: Path, deadline: Deadline) -> bool:
    """Whether QEMU answers on its gdb port, which it does whatever its firmware does. Its core is halted then."""
    return bool(_said_to(folder, b"+$?#3f", deadline))


def _let_go(folder: Path, deadline: Deadline) -> bool:
    """Let the core run, as a debugger that leaves does."""
    return bool(_said_to(folder, b"+$D#44", deadline))


def _said_to(folder: Path, packet: bytes, deadline: Deadline) -> bytes:
    """The first byte of what the gdb port answers to a packet; nothing where it does not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(max(deadline.remaining, 0.001))
        try:
            connection.connect(str(folder / GDB_SOCKET))
            connection.sendall(packet)
            return connection.recv(1)
        except OSError:
            return b""


def hangs(process: ProcessId, folder: Path, *, kept: bool) -> HostFailure:
    """The error for a QEMU that lives and does not answer; one that is not `kept` ends with the command."""
    state = state_of(process.pid)
    next_step = "run again when the computer is less busy"
    if kept:
        next_step += "; end the board with `nightjar board down`"
    if state == "stopped":
        next_step = (
            f"continue it with `kill -CONT {process.pid}`"
            if kept
            else "run again, and stop nothing: the board's process ends with this command"
        )
    return _trouble(
        f"the QEMU process of the virtual board does not answer (pid {process.pid}, {state})",
        folder,
        next_step,
    )


def why_died(folder: Path, code: int | None = None) -> NightjarError:
    """The error for a QEMU that is gone while it was in use.

    A locked-up CPU is the firmware's doing; what QEMU itself complains of is the computer's; else
    somebody has killed it. `code` is its exit status, where that is known.
    """
    text = error_text(folder)
    lockup = re.search(r"qemu: fatal: (Lockup[^\n]*)", text)
    if lockup is not None:
        registers = re.findall(r"\b(R1[345]|XPSR)=([0-9a-f]{8})", text)
        return FirmwareFailure(
            "the firmware faulted inside its fault handler, and the CPU locked up",
            evidence="; ".join([lockup[1], *(f"{name} {value}" for name, value in registers)]),
            next_step="look at vector table, stack and fault handler; then flash the board again",
        )
    whole = error_text(folder, _ALL)
    nor = re.search(r"nightjar-n6: (the NOR's file [^\n]*)", whole)
    if nor is not None:
        return _trouble(
            "the virtual board ended, since its NOR's file cannot be used", folder, _NOR
        )
    punished = re.search(r"nightjar-n6: (?!note: |boot ROM: )([^\n]*)", whole)
    if punished is not None:
        return FirmwareFailure(
            "the firmware did what the virtual STM32N6 has no answer to, and its run ended",
            evidence=_noted(punished[1], whole),
            next_step="look up the pc in the ELF's map; a register that the chip does have belongs into the lists"
            " of host/boards/virtual_n6/machine",
        )
    if code not in (-signal.SIGKILL, -signal.SIGTERM) and _COMPLAINT.search(text):
        return _trouble("QEMU gave up", folder)
    return BoardFailure(
        "the QEMU process of the virtual board has ended",
        evidence=f"it said: {text}" if text else "it printed nothing; somebody may have killed it",
        next_step="start again; with a kept board, `nightjar board up`",
    )


def with_notes(text: str, folder: Path) -> str:
    """`text`, and what our machine noted of what silicon would have borne in silence."""
    return _noted(text, error_text(folder, _ALL))


def notes(folder: Path) -> tuple[str, ...]:
    """What our machine noted since its last reset."""
    return _notes(error_text(folder, _ALL))


def _noted(text: str, said: str) -> str:
    return "; the chip noted: ".join([text, *_notes(said)])


def _notes(said: str) -> tuple[str, ...]:
    since = said.rpartition("nightjar-n6: note: reset")[2]
    return tuple(re.findall(r"nightjar-n6: note: ([^\n]*)", since))


def _ended_at_once(child: "subprocess.Popen[bytes]", folder: Path) -> HostFailure:
    code = child.wait()
    how = f"signal {-code}" if code < 0 else f"exit status {code}"
    return _trouble(f"QEMU ended at once, with {how}", folder, _about_file(error_text(folder)))


def _about_file(text: str) -> str:
    """What to do where the machine cannot use one of its files; "" where it is something else."""
    if "card's image" in text:
        return (
            "give each board an image of its own, as `nightjar sdcard` makes them (machine.card in"
            " bench.toml); `nightjar board down NAME` ends a board that has it"
        )
    if "the microphone's file" in text:
        return "give a WAV file of one channel, PCM of 16 bits (machine.microphone in bench.toml)"
    if "the NOR's file" not in text:
        return ""
    return (
        "give each board a file of its own in a folder that is there (machine.nor in bench.toml);"
        " `nightjar board down NAME` ends a board that has it"
    )


def _trouble(what: str, folder: Path, next_step: str = "") -> HostFailure:
    text = error_text(folder)
    return HostFailure(
        what,
        evidence=f"it said: {text}" if text else "it printed nothing",
        next_step=next_step
        or "free memory or raise `ulimit -v` if it lacks that; `nightjar doctor` checks QEMU",
    )
