"""Who has a serial port open, and how to keep others from opening it."""

import fcntl
import os
import stat
import termios
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def port_holders(port: str, proc: Path = _PROC) -> list[tuple[int, str]]:
    """(pid, command) of every process that has a device open, as far as this user may see.

    Empty for what is no device, such as a URL.
    """
    try:
        wanted = Path(port).stat()
    except (OSError, ValueError):
        return []
    if not stat.S_ISCHR(wanted.st_mode):
        return []
    found = []
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        with suppress(OSError):  # it has ended, or is somebody else's
            if any(_is(opened, wanted) for opened in (process / "fd").iterdir()):
                found.append((int(process.name), _command(process)))
    return sorted(found)


def describe_holders(port: str) -> str:
    """The holders in words; "" where none is seen."""
    return "; ".join(f"it is open in pid {pid}, `{command}`" for pid, command in port_holders(port))


def keep_others_out(handle: int) -> None:
    """Let nobody but root open the terminal again until it is closed.

    A pseudo-terminal is left alone: there the mark would outlive us. Other devices know no such mark.
    """
    with suppress(OSError):
        if os.major(os.fstat(handle).st_rdev) not in _PSEUDO:
            fcntl.ioctl(handle, termios.TIOCEXCL)


# Major numbers of the slaves of pseudo-terminals (Linux, admin-guide/devices).
_PSEUDO = range(136, 144)


def _is(opened: Path, wanted: os.stat_result) -> bool:
    try:
        found = opened.stat()
    except OSError:
        return False
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == wanted.st_rdev


def _command(process: Path) -> str:
    text = (process / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
    return text.decode(errors="replace")[:200]
