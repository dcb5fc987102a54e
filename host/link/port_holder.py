"""Who has a serial port open, and how to keep others from opening it."""

import fcntl
import os
import re
import stat
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from host.deadline import Deadline
from host.errors import BoardLocked
from host.locks import lock

_PROC = Path("/proc")
_GRACE = 0.2  # seconds: somebody may only be looking whether it is free
_LOOK = 0.05  # seconds between two looks
_NAMED = 4  # holders in a message
# Major numbers of pseudo-terminals' slaves (Linux, admin-guide/devices), and the minor numbers of one.
_PSEUDO = range(136, 144)
_MINORS = 256
_held: set[int] = set()  # device numbers of the ports that this process holds


def port_holders(port: str, proc: Path = _PROC) -> list[tuple[int, str]]:
    """(pid, command) of every process that has a device open, as far as this user may see.

    Who serves a pseudo-terminal does not count. Empty for what is no device, such as a URL.
    """
    wanted = _device(port)
    if wanted is None:
        return []
    found = []
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        with suppress(OSError):  # it has ended, or is somebody else's
            opened = (process / "fd").iterdir()
            if any(_is(one, wanted) for one in opened) and not _serves(process, wanted):
                found.append((int(process.name), _command(process)))
    return sorted(found)


def other_holders(port: str) -> list[tuple[int, str]]:
    """As `port_holders`, without this process. Who has it open for a moment only is not named."""
    deadline = Deadline.after(_GRACE)
    while True:
        others = [(pid, command) for pid, command in port_holders(port) if pid != os.getpid()]
        if not others or deadline.expired:
            return others
        time.sleep(_LOOK)


def describe(holders: list[tuple[int, str]]) -> str:
    """Holders in words, the first ones; "" where there is none."""
    said = [
        f"it is open in pid {pid}, `{command}`{_since(_PROC / str(pid))}"
        for pid, command in holders[:_NAMED]
    ]
    more = len(holders) - _NAMED
    return "; ".join(said + [f"and in {more} more"] * (more > 0))


def in_use(port: str, holders: list[tuple[int, str]]) -> BoardLocked:
    """The failure where a port is in other hands."""
    return BoardLocked(
        f"the serial port {port} is in use",
        evidence=describe(holders) or "its holder cannot be seen by this user",
        next_step="end what else uses the port, or wait for it with --wait SECONDS",
    )


@contextmanager
def held_port(port: str, wait: float) -> Iterator[None]:
    """Hold a terminal for this process, for the block. What is none, or cannot be opened, is left alone.

    The lock is the one that pyserial and other programs of the field take on a port.

    Args:
        port: its path or URL.
        wait: seconds to wait for who has it open.

    Raises:
        BoardLocked: somebody else has it open.
    """
    device, handle = _device(port), None
    if device is not None:
        with suppress(OSError):  # who opens it next says why
            handle = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    if device is None or handle is None:
        yield
        return
    try:
        if not os.isatty(handle):
            yield
            return
        deadline = Deadline.after(max(wait, _GRACE))
        if not lock(handle, deadline):
            raise in_use(port, other_holders(port))
        while others := other_holders(port):
            if deadline.expired:
                raise in_use(port, others)
        _held.add(device)
        try:
            yield
        finally:
            _held.discard(device)
    finally:
        os.close(handle)


def is_held_here(port: str) -> bool:
    """Whether this process holds the device."""
    return _device(port) in _held


def keep_others_out(handle: int) -> None:
    """Let nobody but root open the terminal again, until `let_others_in` or its last close.

    A pseudo-terminal is left alone: there the mark would outlive us. Other devices know no such mark.
    """
    _mark(handle, termios.TIOCEXCL)


def let_others_in(handle: int) -> None:
    """Take back what `keep_others_out` has done: the port may still be held by us, and be opened again."""
    _mark(handle, termios.TIOCNXCL)


def _mark(handle: int, request: int) -> None:
    with suppress(OSError, termios.error):
        if os.major(os.fstat(handle).st_rdev) not in _PSEUDO:
            fcntl.ioctl(handle, request)


def _device(port: str) -> int | None:
    """The number of a character device; None for everything else."""
    try:
        found = Path(port).stat()
    except (OSError, ValueError):
        return None
    return found.st_rdev if stat.S_ISCHR(found.st_mode) else None


def _is(opened: Path, device: int) -> bool:
    try:
        found = opened.stat()
    except OSError:
        return False
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == device


def _serves(process: Path, device: int) -> bool:
    """Whether a process has the other end of a pseudo-terminal open."""
    if os.major(device) not in _PSEUDO:
        return False
    number = (os.major(device) - _PSEUDO.start) * _MINORS + os.minor(device)
    for opened in (process / "fdinfo").iterdir():
        with suppress(OSError):
            if re.search(rf"^tty-index:\s*{number}$", opened.read_text(), re.MULTILINE):
                return True
    return False


def _command(process: Path) -> str:
    text = (process / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
    return text.decode(errors="replace")[:200]


def _since(process: Path) -> str:
    """When a process began, in words; "" where it has ended."""
    try:
        # Its name may hold spaces and brackets; field 22 of the line, in ticks since the start of the computer.
        ticks = int((process / "stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return ""
    began = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")
    return time.strftime(", which runs since %Y-%m-%d %H:%M:%S", time.localtime(began))
