"""Debug probes that are plugged into this computer, as the kernel lists them: no tool is asked."""

from dataclasses import dataclass
from pathlib import Path

from host.errors import BadInput, BoardFailure

USB = Path("/sys/bus/usb/devices")
ST = "0483"
_ST_LINKS = ("3744", "3748", "374a", "374b", "374d", "374e", "374f", "3752", "3753", "3754", "3757")


@dataclass(frozen=True)
class Probe:
    """A probe. `usb` is its vendor and product, "0483:3754"; `node` its file, for the user's rights."""

    serial: str
    usb: str
    product: str
    node: Path


def find_probes(usb: Path | None = None) -> tuple[Probe, ...]:
    """The ST-LINKs that are plugged in, by serial number; `usb` is where the kernel lists devices, for tests."""
    usb = usb or USB
    found = []
    for device in usb.iterdir() if usb.is_dir() else ():
        vendor, product = _word(device / "idVendor"), _word(device / "idProduct")
        serial = _word(device / "serial")
        if vendor != ST or product not in _ST_LINKS or not serial:
            continue
        bus, number = _word(device / "busnum"), _word(device / "devnum")
        node = Path(f"/dev/bus/usb/{bus.zfill(3)}/{number.zfill(3)}")
        found.append(Probe(serial, f"{vendor}:{product}", _word(device / "product"), node))
    return tuple(sorted(found, key=lambda probe: probe.serial))


def choose_probe(wanted: str | None, found: tuple[Probe, ...], name: str) -> Probe:
    """The probe of a board: by its serial number, else the only one there is.

    Args:
        wanted: serial number, in any case; None: the bench says none.
        found: what is plugged in.
        name: what the board is called, for messages.

    Raises:
        BoardFailure: it is not plugged in, or none is.
        BadInput: there are several, and no serial number says which.
    """
    there = ", ".join(probe.serial for probe in found) or "none"
    if wanted is None and len(found) > 1:
        raise BadInput(
            f"{len(found)} probes are plugged in, and nothing says which is that of {name}",
            evidence=f"Received: no serial number; plugged in: {there}",
            next_step=f'write probe = "..." for board.{name} into bench.toml: `nightjar board scan`',
        )
    for probe in found:
        if wanted is None or probe.serial.upper() == wanted.upper():
            return probe
    raise BoardFailure(
        f"the probe of {name} is not plugged in" if wanted else "no debug probe is plugged in",
        evidence=f"wanted: {wanted or 'any ST-LINK'}; plugged in: {there}",
        next_step="check the USB cable (one that carries data, at the ST-LINK's socket) and the"
        " board's power; `nightjar doctor` shows the probes and your rights",
    )


def _word(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
