"""Flashing by STM32CubeProgrammer and its signing tool, for the boot from flash. Not seen on a board.

Which connect mode works depends on what runs on the chip, and the reports contradict each other: HOTPLUG after a
development boot, UR (under reset) after a boot from flash, and a power-down in between for what answers neither.
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from host.boards.bench_file import BenchBoard
from host.boards.flashers.attempts import Attempt, NoAnswer, after_power_cycle
from host.boards.flashers.chip_id import WORDS
from host.boards.flashers.parts import Part
from host.boards.flashers.signing import written
from host.boards.flashers.tool import NO_PROBE, Symptom
from host.boards.flashers.vendor import Ask, VendorTool
from host.boards.gdb_script import UNIQUE_ID
from host.boards.kinds import SILICON
from host.errors import BadInput, BoardFailure, FlashFailure

PROGRAM = "STM32_Programmer_CLI"
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
        NoAnswer,
        "the chip does not answer the probe",
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
class CubeProgrammer(VendorTool):
    """The way `cubeprogrammer`."""

    program: ClassVar[str] = PROGRAM
    remedy: ClassVar[str] = "install STM32CubeProgrammer 2.21 or later and put its bin on PATH"
    alone: ClassVar[str] = "STM32CubeProgrammer is used for the boot from flash alone"
    symptoms: ClassVar[tuple[Symptom, ...]] = _SYMPTOMS

    def attempts(self, board: BenchBoard, usb: str, serial: str | None) -> tuple[Attempt, ...]:
        """As `VendorTool.attempts`."""
        chosen = [] if serial is None else [f"sn={serial}"]
        hotplug, under_reset = (
            ("-c", "port=SWD", f"mode={mode}", "ap=1", *chosen) for mode in ("HOTPLUG", "UR")
        )
        off = (PROGRAM, "-q", "-c", "port=SWD", "mode=powerdown", "freq=2000", "ap=1", *chosen)
        return (
            Attempt("mode=HOTPLUG", hotplug),
            Attempt("mode=UR", under_reset),
            Attempt("mode=HOTPLUG after mode=powerdown freq=2000", hotplug, off),
            *after_power_cycle(board, hotplug),
        )

    def read_id(self, attempt: Attempt) -> list[str]:
        """As `VendorTool.read_id`."""
        return [PROGRAM, "-q", *attempt.words, "-r32", f"{UNIQUE_ID:#010x}", str(4 * WORDS)]

    def write(self, board: BenchBoard, part: Part, attempt: Attempt) -> list[str]:
        """As `VendorTool.write`."""
        words = ["--download", str(written(part)), f"{part.address:#010x}", "--verify"]
        return _of_nor(board, attempt, words)

    def is_held(self, board: BenchBoard, part: Part, ask: Ask) -> bool:
        """As `VendorTool.is_held`: what the NOR holds is read into a file, and compared."""
        wanted = written(part).read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            read = Path(folder) / "read.bin"
            words = ["--upload", f"{part.address:#010x}", str(len(wanted)), str(read)]
            ask(lambda attempt: _of_nor(board, attempt, words))
            return read.is_file() and read.read_bytes() == wanted


def _of_nor(board: BenchBoard, attempt: Attempt, words: Sequence[str]) -> list[str]:
    return [PROGRAM, "-q", *attempt.words, "--extload", _loader(board), *words]


def _loader(board: BenchBoard) -> str:
    """The external loader of the board's NOR: beside the installed program, else by its name alone."""
    name = SILICON[board.kind].loader
    program = shutil.which(PROGRAM)
    if program is None:
        return name
    beside = Path(program).resolve().parent / "ExternalLoader" / name
    return str(beside) if beside.is_file() else name
