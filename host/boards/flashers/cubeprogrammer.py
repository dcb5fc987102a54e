"""Flashing by STM32CubeProgrammer and its signing tool, for the boot from flash. Not seen on a board.

Which connect mode works depends on what runs on the chip, and the reports contradict each other: HOTPLUG after a
development boot, UR (under reset) after a boot from flash, and a power-down in between for what answers neither.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from host.boards.base import FlashReport
from host.boards.bench_file import BenchBoard
from host.boards.flashers import Image, Part
from host.boards.flashers.header import check_header, read_payload
from host.boards.flashers.tool import NO_PROBE, Symptom, failure, run
from host.boards.kinds import SILICON
from host.boards.probes import Probe, choose_probe, find_probes
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, FlashFailure, HostFailure

PROGRAM = "STM32_Programmer_CLI"
SIGNER = "STM32_SigningTool_CLI"
MODES = ("HOTPLUG", "UR")
FIRST_STAGE = 0x70000000
_NO_ANSWER = "the chip does not answer the probe in any connect mode"
_SYMPTOMS = (
    Symptom(
        r"no (st-?link|debug probe)s? (was |were )?(detected|found)|st-?link not (detected|found)"
        r"|serial number .*not (found|match)|no st-?link with",
        BoardFailure,
        "STM32CubeProgrammer finds no such probe",
        NO_PROBE,
    ),
    Symptom(
        r"several st-?links?|multiple (st-?links?|probes)|more than one st-?link",
        BadInput,
        "several probes are plugged in, and nothing says which",
        'write probe = "..." into bench.toml: `nightjar board scan`',
    ),
    Symptom(
        r"st-?link .*(in use|busy|already used)|DEV_USB_COMM_ERR|access denied",
        BoardFailure,
        "the probe cannot be opened",
        "end what else uses it (a gdb server, an IDE); `nightjar doctor` checks udev rules and groups",
    ),
    Symptom(
        r"unable to get core id|no stm32 target|unable to connect|target is not responding"
        r"|cannot connect to (the )?target|DEV_TARGET_(NOT_HALTED|CMD_ERR|HELD_UNDER_RESET)",
        BoardFailure,
        _NO_ANSWER,
        "put the boot switches into the development position and power-cycle the board",
    ),
    Symptom(
        r"verif\w* (has )?failed|data mismatch|download verif\w+ (error|failed)",
        FlashFailure,
        "what was written reads back differently",
        "power-cycle the board and try again; if it stays, its NOR or its supply fails",
    ),
    Symptom(
        r"external loader|failed to (erase|download)|loader .*(not|fail)",
        FlashFailure,
        "the external loader could not program the NOR",
        "put the boot switches into the development position and power-cycle the board",
    ),
)


@dataclass(frozen=True)
class CubeProgrammer:
    """The way `cubeprogrammer`. `probes` says what is plugged in."""

    probes: Callable[[], tuple[Probe, ...]] = find_probes
    seen_on_a_board: bool = False
    remarks: tuple[str, ...] = (
        "where the chip does not answer: mode=UR, then mode=powerdown freq=2000 and mode=HOTPLUG again",
    )

    def commands(self, image: Image, board: BenchBoard) -> list[list[str]]:
        """As `Flasher.commands`: those of the first connect mode; others are tried where it fails."""
        _check(image, board)
        loader = _loader(board)
        signing = [_sign(part) for part in image.parts if _is_signed_here(part)]
        return signing + [
            _write(part, _target(board.probe, MODES[0]), loader) for part in image.parts
        ]

    def flash(self, image: Image, board: BenchBoard, deadline: Deadline) -> FlashReport:
        """As `Flasher.flash`."""
        _check(image, board)
        for tool in (PROGRAM, SIGNER):
            if shutil.which(tool) is None:
                raise HostFailure(
                    f"{tool} is not installed",
                    evidence="it is not on PATH",
                    next_step="install STM32CubeProgrammer 2.21 or later and put its bin on PATH,"
                    ' or write flasher = "gdb" into bench.toml',
                )
        probe = choose_probe(board.probe, self.probes(), board.name)
        started = time.monotonic()
        for part in image.parts:
            _make_header(part, deadline)
        modes = _attempts(probe.serial)
        before, mode = next(modes)
        loader, writing = _loader(board), time.monotonic()
        for part in image.parts:
            while True:
                code, output = run(_write(part, _target(probe.serial, mode), loader), deadline)
                if code == 0:
                    break
                error = failure(PROGRAM, code, output, _SYMPTOMS)
                following = next(modes, None) if error.what == _NO_ANSWER else None
                if following is None:
                    raise error
                before, mode = following
                if before is not None:
                    run(before, deadline)  # whether it helped, the next attempt shows
        ended = time.monotonic()
        size = sum(_written(part).stat().st_size for part in image.parts)
        return FlashReport(size, ended - writing, ended - started)


def _check(image: Image, board: BenchBoard) -> None:
    if image.boot != "flash":
        raise BadInput(
            "STM32CubeProgrammer is used for the boot from flash alone",
            evidence=f"Received: {image.elf} for a development boot of {board.name}",
            next_step='write flasher = "gdb" into bench.toml, or flash for the boot from flash',
        )


def _attempts(serial: str) -> Iterator[tuple[list[str] | None, str]]:
    """What to run before, if anything, and the connect mode, of one attempt after the other."""
    for mode in MODES:
        yield None, mode
    yield (
        [PROGRAM, "-q", "-c", "port=SWD", "mode=powerdown", "freq=2000", "ap=1", f"sn={serial}"],
        (MODES[0]),
    )


def _is_signed_here(part: Part) -> bool:
    return part.entry is not None and not part.headed


def _written(part: Part) -> Path:
    """The file that is written: the signed one where it is signed here."""
    file = part.file
    return file.with_name(f"{file.stem}-trusted.bin") if _is_signed_here(part) else file


def _sign(part: Part) -> list[str]:
    kind = "fsbl" if part.address == FIRST_STAGE else "ssbl"
    out = str(_written(part))
    head = [SIGNER, "-bin", str(part.file), "-nk", "-of", "0x80000000", "-t", kind]
    return [*head, "-hv", "2.3", "-align", "-o", out, "-dump", out, "-s"]


def _make_header(part: Part, deadline: Deadline) -> None:
    """Sign a part that needs it, and hold the header to what the boot ROM will read."""
    if part.entry is None:
        return
    if _is_signed_here(part):
        _written(part).unlink(
            missing_ok=True
        )  # what an earlier run left is not what was signed now
        code, output = run(_sign(part), deadline)
        if code != 0 or not _written(part).is_file():
            raise failure(SIGNER, code, output, ())
        check_header(_written(part), part.entry, read_payload(part.file))
    else:
        check_header(part.file, part.entry)


def _target(serial: str | None, mode: str) -> list[str]:
    chosen = [] if serial is None else [f"sn={serial}"]
    return ["-c", "port=SWD", f"mode={mode}", "ap=1", *chosen]


def _write(part: Part, target: Sequence[str], loader: str) -> list[str]:
    written = ["--download", str(_written(part)), f"{part.address:#010x}", "--verify"]
    return [PROGRAM, "-q", *target, "--extload", loader, *written]


def _loader(board: BenchBoard) -> str:
    """The external loader of the board's NOR: beside the installed program, else by its name alone."""
    name = SILICON[board.kind].loader
    program = shutil.which(PROGRAM)
    if program is None:
        return name
    beside = Path(program).resolve().parent / "ExternalLoader" / name
    return str(beside) if beside.is_file() else name
