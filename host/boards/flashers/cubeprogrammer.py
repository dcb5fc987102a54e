"""Flashing by STM32CubeProgrammer and its signing tool, for the boot from flash. Not seen on a board.

Which connect mode works depends on what runs on the chip, and the reports contradict each other: HOTPLUG after a
development boot, UR (under reset) after a boot from flash, and a power-down in between for what answers neither.
"""

import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from host.boards.base import FlashReport
from host.boards.bench_file import BenchBoard
from host.boards.flashers.attempts import Attempt, Connection, NoAnswer, after_power_cycle, in_turn
from host.boards.flashers.chip_id import WORDS, check_chip, read_words
from host.boards.flashers.parts import Image, Part, check_fits, require_flash_boot
from host.boards.flashers.signing import is_signed_here, make_headers, sign, written
from host.boards.flashers.tool import NO_PROBE, Symptom, require, told
from host.boards.gdb_script import UNIQUE_ID
from host.boards.kinds import SILICON
from host.boards.probes import Probe, choose_probe, find_probes
from host.deadline import Deadline
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
class CubeProgrammer:
    """The way `cubeprogrammer`. `probes` says what is plugged in."""

    probes: Callable[[], tuple[Probe, ...]] = find_probes

    def seen(self, board: BenchBoard) -> bool:
        """As `Flasher.seen`."""
        return False

    def remarks(self, image: Image, board: BenchBoard) -> tuple[str, ...]:
        """As `Flasher.remarks`."""
        return (in_turn(_attempts(board, board.probe)),)

    def commands(self, image: Image, board: BenchBoard) -> list[str]:
        """As `Flasher.commands`."""
        _check(image, board)
        loader, first = _loader(board), _attempts(board, board.probe)[0]
        lines = [sign(part) for part in image.parts if is_signed_here(part)]
        lines += [_read_id(first)] if board.chip_uid else []
        lines += [_with_loader(first, loader, _download(part)) for part in image.parts]
        return [shlex.join(line) for line in lines]

    def holds(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> bool:
        """As `Flasher.holds`: what the NOR holds is read into a file, and compared."""
        connection = self._begin(image, board, deadline, say)
        loader = _loader(board)
        with tempfile.TemporaryDirectory() as folder:
            read = Path(folder) / "read.bin"
            for part in image.parts:
                wanted = written(part).read_bytes()
                read.unlink(missing_ok=True)
                words = ("--upload", f"{part.address:#010x}", str(len(wanted)), str(read))
                connection.do(partial(_of_nor, loader, words, deadline))
                if not read.is_file() or read.read_bytes() != wanted:
                    return False
        return True

    def flash(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> FlashReport:
        """As `Flasher.flash`."""
        started = time.monotonic()
        connection = self._begin(image, board, deadline, say)
        loader, writing = _loader(board), time.monotonic()
        for part in image.parts:
            connection.do(partial(_of_nor, loader, _download(part), deadline))
        ended = time.monotonic()
        size = sum(written(part).stat().st_size for part in image.parts)
        return FlashReport(size, ended - writing, ended - started)

    def _begin(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> Connection:
        """The connection to the right chip, with every header made."""
        _check(image, board)
        require(
            PROGRAM,
            "install STM32CubeProgrammer 2.21 or later and put its bin on PATH,"
            ' or write flasher = "gdb" into bench.toml',
        )
        probe = choose_probe(board.probe, self.probes(), board.name)
        make_headers(image.parts, deadline)
        connection = Connection(_attempts(board, probe.serial), deadline, say)
        if board.chip_uid is not None:
            check_chip(board, connection.do(lambda one: _id(one, deadline)), say)
        return connection


def _attempts(board: BenchBoard, serial: str | None) -> tuple[Attempt, ...]:
    """The connect modes, each with the words that connect in it."""
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


def _read_id(attempt: Attempt) -> list[str]:
    read = ["-r32", f"{UNIQUE_ID:#010x}", str(4 * WORDS)]
    return [PROGRAM, "-q", *attempt.words, *read]


def _id(attempt: Attempt, deadline: Deadline) -> list[int]:
    return read_words(lambda: told(_read_id(attempt), deadline, _SYMPTOMS))


def _download(part: Part) -> tuple[str, ...]:
    return ("--download", str(written(part)), f"{part.address:#010x}", "--verify")


def _with_loader(attempt: Attempt, loader: str, words: Sequence[str]) -> list[str]:
    return [PROGRAM, "-q", *attempt.words, "--extload", loader, *words]


def _of_nor(loader: str, words: Sequence[str], deadline: Deadline, attempt: Attempt) -> str:
    return told(_with_loader(attempt, loader, words), deadline, _SYMPTOMS)


def _check(image: Image, board: BenchBoard) -> None:
    why = "STM32CubeProgrammer is used for the boot from flash alone"
    require_flash_boot(image, board.name, why)
    check_fits(image, board.kind)


def _loader(board: BenchBoard) -> str:
    """The external loader of the board's NOR: beside the installed program, else by its name alone."""
    name = SILICON[board.kind].loader
    program = shutil.which(PROGRAM)
    if program is None:
        return name
    beside = Path(program).resolve().parent / "ExternalLoader" / name
    return str(beside) if beside.is_file() else name
