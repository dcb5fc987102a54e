"""What is plugged in, as boards of a bench: each ST-LINK with the serial port that it brings."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from host.boards.bench_file import BenchBoard
from host.boards.kinds import DK, NUCLEO, SILICON
from host.boards.probes import ST, Probe
from host.errors import BadInput, NightjarError
from host.nearest import did_you_mean

BY_ID = Path("/dev/serial/by-id")
_LIST = ("STM32_Programmer_CLI", "-l", "st-link")
_SHORT = {DK.name: "dk", NUCLEO.name: "nucleo"}
# As STM32CubeProgrammer's list has it: "ST-LINK SN : 0039...", some lines below it "Board Name : STM32N6570-DK".
_LISTED = re.compile(r"ST-?LINK SN\s*:\s*(\S+)|Board(?: Name)?\s*:\s*(\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class SerialPort:
    """A serial port with what USB says of it; `vendor` in hex, "" where it is not on USB."""

    device: str
    vendor: str
    serial: str


def serial_ports() -> tuple[SerialPort, ...]:
    """The serial ports of this computer, as pyserial lists them."""
    from serial.tools import list_ports

    return tuple(
        SerialPort(port.device, f"{port.vid:04x}" if port.vid else "", port.serial_number or "")
        for port in list_ports.comports()
    )


def lasting_name(device: str, by_id: Path = BY_ID) -> str:
    """The name of a device that does not depend on the order of plugging in; its own where there is none."""
    for link in sorted(by_id.iterdir()) if by_id.is_dir() else ():
        if link.resolve() == Path(device).resolve():
            return str(link)
    return device


def listed_kinds(output: str) -> dict[str, str]:
    """Kind by serial number, from what STM32CubeProgrammer says to `-l st-link`."""
    kinds, serial = {}, ""
    for found in _LISTED.finditer(output):
        if found[1]:
            serial = found[1]
        elif serial and found[2].lower() in SILICON:
            kinds[serial] = found[2].lower()
    return kinds


def ask_programmer() -> dict[str, str]:
    """Kind by serial number, as far as STM32CubeProgrammer is installed and knows."""
    from host.boards.flashers.tool import run
    from host.deadline import Deadline

    if shutil.which(_LIST[0]) is None:
        return {}
    try:
        return listed_kinds(run(_LIST, Deadline.after(20.0))[1])
    except NightjarError:
        return {}


def given_kinds(given: Sequence[str], probes: Sequence[Probe]) -> dict[str, str]:
    """Kind by serial number, from options: KIND for every probe, PROBE=KIND for one.

    Raises:
        BadInput: no such kind or probe.
    """
    kinds: dict[str, str] = {}
    serials = [probe.serial for probe in probes]
    for text in sorted(given, key=lambda one: "=" in one):
        serial, joined, kind = text.rpartition("=")
        if kind not in SILICON or (joined and serial not in serials):
            known = serials if kind in SILICON else SILICON
            raise BadInput(
                "--kind takes the kind of every board, or PROBE=KIND for one."
                + did_you_mean(serial if kind in SILICON else kind, known),
                evidence=f"Received: {text!r}; plugged in: {', '.join(serials) or 'none'}",
                next_step=f"kinds are {', '.join(SILICON)}",
            )
        kinds |= {serial: kind} if joined else dict.fromkeys(serials, kind)
    return kinds


def scan(
    probes: Sequence[Probe],
    ports: Sequence[SerialPort],
    kinds: Mapping[str, str],
    by_id: Path = BY_ID,
) -> tuple[list[BenchBoard], dict[str, list[str]]]:
    """A board for each probe, and by its name what could not be seen.

    Raises:
        BadInput: nothing says what kind of board a probe belongs to.
    """
    boards: list[BenchBoard] = []
    notes: dict[str, list[str]] = {}
    unknown = [probe.serial for probe in probes if probe.serial not in kinds]
    if unknown:
        raise BadInput(
            "a probe does not say on what kind of board it is",
            evidence=f"Received: no kind for {', '.join(unknown)}",
            next_step=f"name it, for example --kind {unknown[0]}={DK.name}; kinds are {', '.join(SILICON)}",
        )
    for probe in probes:
        kind = kinds[probe.serial]
        count = sum(board.kind == kind for board in boards) + 1
        port = next(
            (port for port in ports if port.vendor == ST and port.serial == probe.serial), None
        )
        board = BenchBoard(
            f"{_SHORT[kind]}{count}",
            kind,
            probe=probe.serial,
            port=None if port is None else lasting_name(port.device, by_id),
        )
        boards.append(board)
        missing = ["port: unknown; none of its serial ports is there"] if port is None else []
        notes[board.name] = [
            *missing,
            "uid: unknown; HELLO says it once firmware runs, and then another chip is refused",
            "gdb: unknown; host:port, the path of a socket, or `| command`",
            "power.cycle: unknown; a command, where the board's supply can be switched",
            'switches: cannot be read from here; "development" is taken',
        ]
    return boards, notes
