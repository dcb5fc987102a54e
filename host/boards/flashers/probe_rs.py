"""Flashing by probe-rs, which programs the NOR of the STM32N6570-DK by an algorithm of its own. Not seen on a board.

Its algorithm loads at 0x24000020 (0x34000020): nothing of ours may lie there. Power-cycle the board first: it connects
best to a chip that nothing has touched since its boot ROM.
"""

import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

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

PROGRAM = "probe-rs"
_USUAL = "0483:3754"  # the ST-LINK on both boards, for a dry run without one
_SYMPTOMS = (
    Symptom(
        r"no (connected )?(debug )?probes? (was |were )?found|probe not found",
        BoardFailure,
        "probe-rs finds no such probe",
        NO_PROBE,
    ),
    Symptom(
        r"multiple probes found|\d+ probes were found",
        BadInput,
        "several probes are plugged in, and nothing says which",
        'write probe = "..." into bench.toml: `nightjar board scan`',
    ),
    Symptom(
        r"could not be opened|resource busy|access denied|permission denied|in use by another",
        BoardFailure,
        "the probe cannot be opened",
        "end what else uses it (a gdb server, an IDE); `nightjar doctor` checks udev rules and groups",
    ),
    Symptom(
        r"verif\w*.* (failed|error)|contents? (do|does) not match",
        FlashFailure,
        "what was written reads back differently",
        "power-cycle the board and try again; if it stays, its NOR or its supply fails",
    ),
    Symptom(
        r"connecting to the chip was unsuccessful|target did not respond|no core|not halt",
        NoAnswer,
        "the chip does not answer the probe",
        "put the boot switches into the development position and power-cycle the board",
    ),
)


@dataclass(frozen=True)
class ProbeRs:
    """The way `probe-rs`. `probes` says what is plugged in."""

    probes: Callable[[], tuple[Probe, ...]] = find_probes

    def seen(self, board: BenchBoard) -> bool:
        """As `Flasher.seen`."""
        return False

    def remarks(self, image: Image, board: BenchBoard) -> tuple[str, ...]:
        """As `Flasher.remarks`."""
        first = () if board.power.cycle else ("power-cycle the board first",)
        return (*first, in_turn(_attempts(board)))

    def commands(self, image: Image, board: BenchBoard) -> list[str]:
        """As `Flasher.commands`."""
        _check(image, board)
        there = [probe.usb for probe in self.probes() if probe.serial == board.probe]
        asked = _Asked(board, (there or [_USUAL])[0], board.probe, _attempts(board)[0])
        lines = [sign(part) for part in image.parts if is_signed_here(part)]
        lines += [list(asked.attempt.before)] if asked.attempt.before else []
        lines += [asked.read_id()] if board.chip_uid else []
        lines += [asked.part("download", part) for part in image.parts]
        return [shlex.join(line) for line in lines]

    def holds(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> bool:
        """As `Flasher.holds`: its `verify` ends with 0 whatever it finds, and so its words count."""
        connection, probe = self._begin(image, board, deadline, say)
        for part in image.parts:
            output = connection.do(partial(_of_part, "verify", part, board, probe, deadline))
            if re.search(r"^verification successful", output, re.IGNORECASE | re.MULTILINE) is None:
                return False
        return True

    def flash(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> FlashReport:
        """As `Flasher.flash`."""
        started = time.monotonic()
        connection, probe = self._begin(image, board, deadline, say)
        writing = time.monotonic()
        for part in image.parts:
            connection.do(partial(_of_part, "download", part, board, probe, deadline))
        ended = time.monotonic()
        size = sum(written(part).stat().st_size for part in image.parts)
        return FlashReport(size, ended - writing, ended - started)

    def _begin(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> tuple[Connection, Probe]:
        """The connection to the right chip, with every header made."""
        _check(image, board)
        require(
            PROGRAM,
            "install it from https://probe.rs, version 0.32 or later,"
            ' or write flasher = "gdb" into bench.toml',
        )
        probe = choose_probe(board.probe, self.probes(), board.name)
        make_headers(image.parts, deadline)
        connection = Connection(_attempts(board), deadline, say)
        if board.chip_uid is not None:
            check_chip(board, connection.do(lambda one: _id(board, probe, one, deadline)), say)
        return connection, probe


@dataclass(frozen=True)
class _Asked:
    """Commands to one probe in one connect mode."""

    board: BenchBoard
    usb: str
    serial: str | None
    attempt: Attempt

    def part(self, command: str, part: Part) -> list[str]:
        """`download` or `verify` of a part."""
        verify = ["--verify"] if command == "download" else []
        words = [PROGRAM, command, "--non-interactive", "--disable-progressbars", *verify]
        words += [*self._where(), "--binary-format", "bin"]
        return [*words, "--base-address", f"{part.address:#010x}", str(written(part))]

    def read_id(self) -> list[str]:
        """The three words of the chip's unique id."""
        read = ["b32", f"{UNIQUE_ID:#010x}", str(WORDS)]
        return [PROGRAM, "read", "--non-interactive", *self._where(), *read]

    def _where(self) -> list[str]:
        probe = self.usb if self.serial is None else f"{self.usb}:{self.serial}"
        return [*self.attempt.words, "--probe", probe, "--chip", SILICON[self.board.kind].chip]


def _attempts(board: BenchBoard) -> tuple[Attempt, ...]:
    """It connects best to a chip that nothing has touched since its boot ROM."""
    first = after_power_cycle(board) or (Attempt("as the chip runs"),)
    return (*first, Attempt("--connect-under-reset", ("--connect-under-reset",)))


def _of_part(
    command: str, part: Part, board: BenchBoard, probe: Probe, deadline: Deadline, attempt: Attempt
) -> str:
    asked = _Asked(board, probe.usb, probe.serial, attempt)
    return told(asked.part(command, part), deadline, _SYMPTOMS)


def _id(board: BenchBoard, probe: Probe, attempt: Attempt, deadline: Deadline) -> list[int]:
    asked = _Asked(board, probe.usb, probe.serial, attempt)
    return read_words(lambda: told(asked.read_id(), deadline, _SYMPTOMS))


def _check(image: Image, board: BenchBoard) -> None:
    why = "probe-rs is used for the boot from flash alone: after a load to RAM it stays attached"
    require_flash_boot(image, board.name, why)
    check_fits(image, board.kind)
