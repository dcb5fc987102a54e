"""At which speed does the board answer? Asked once it is silent, or garbled, at the speed that was given."""

from host.deadline import Deadline
from host.errors import IdentityFailure, LinkFailure, NightjarError
from host.link.attempts import Mute, Silence
from host.link.client import Client
from host.link.serial_url import SerialUrl
from host.link.stats import LinkStats

# Our firmware's own first, then what virtual COM ports are often left at.
KNOWN = (921600, 115200, 460800, 230400, 1_000_000, 2_000_000, 3_000_000, 57600, 38400, 9600)
_HELLO = 0.4  # seconds for HELLO at each


def explain_speed(
    error: NightjarError, url: str, baud: int, seen: LinkStats | None = None
) -> NightjarError:
    """The failure behind `error`, which HELLO on a serial port has raised: LINK where only its speed is wrong.

    Every other known speed is tried once, with HELLO alone. The time for that, 4 seconds at most, is
    taken beyond the caller's deadline.

    Args:
        url: of the port, which the caller has closed.
        baud: the speed at which HELLO was said.
        seen: what came then; None where nobody has counted.
    """
    if not isinstance(error, LinkFailure | Mute | Silence):
        return error
    for other in KNOWN:
        if other != baud and _answers(url, other):
            there = (
                f": there {seen.bytes_in} bytes and {seen.frames_in} frames came" if seen else ""
            )
            return LinkFailure(
                f"the board answers at {other} baud, and not at {baud}{there}",
                evidence=f"{error.what}; {error.evidence}",
                next_step=f"set the speed of the port to {other}: baud = {other} in bench.toml",
            )
    return error


def _answers(url: str, baud: int) -> bool:
    try:
        port = SerialUrl(url, baud)
    except NightjarError:  # such as a speed that this port cannot have
        return False
    try:
        Client(port).hello(Deadline.after(_HELLO))
    except IdentityFailure:
        return True  # it answers, whatever it is
    except NightjarError:
        return False
    finally:
        port.close()
    return True
