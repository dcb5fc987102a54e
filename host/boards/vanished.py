"""A serial port that was open and is gone: is it back within seconds, as behind a loose cable, or absent?"""

import re
import time
from pathlib import Path

from host.deadline import Deadline
from host.errors import BoardFailure, NightjarError
from host.link.serial_url import PortVanished
from host.tools import Overdue, run_leashed

RETURN = 10.0  # seconds: what a chip, its probe and the kernel need behind a loose contact
_LOOK = 0.05
_DMESG = 5.0  # seconds
_SHOWN = 3  # lines of the kernel
_USB = re.compile(r"\busb\b|\btty(ACM|USB)\d", re.IGNORECASE)


def explain_vanished(error: NightjarError, url: str, seconds: float = RETURN) -> NightjarError:
    """The failure behind `error`: whether the port that has vanished came back, and what the kernel says of USB.

    A name below /dev/serial/by-id holds the serial number, so that what comes back there is the same board. The time
    for that is taken beyond the caller's deadline.

    Args:
        error: any; what is not of a port that has vanished stays as it is.
        url: of the port.
        seconds: that it has for coming back.
    """
    if not isinstance(error, PortVanished) or "://" in url:
        return error
    port, began, limit = Path(url), time.monotonic(), Deadline.after(seconds)
    while not port.exists() and not limit.expired:
        time.sleep(_LOOK)
    there, waited = port.exists(), time.monotonic() - began
    how = f"it was back after {waited:.1f} s" if there else f"it is absent, {waited:.0f} s later"
    return BoardFailure(
        f"{error.what}: {how}",
        evidence=f"{error.evidence}; {_kernel()}",
        next_step="check cable, hub and supply, then run again"
        if there
        else "plug the board in again, and see `nightjar board scan`",
    )


def usb_lines(log: str) -> list[str]:
    """The last lines of the kernel's log that are about USB or its serial ports."""
    return [line.strip() for line in log.splitlines() if _USB.search(line)][-_SHOWN:]


def _kernel() -> str:
    try:
        code, said = run_leashed(["dmesg"], Deadline.after(_DMESG))
    except (Overdue, NightjarError, OSError):
        code, said = 1, ""
    if code != 0:
        return "the kernel's log cannot be read by this user"
    return "the kernel says: " + (" | ".join(usb_lines(said)) or "nothing of USB")
