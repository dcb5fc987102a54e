"""Flashing by probe-rs, which programs the NOR of the STM32N6570-DK by an algorithm of its own. Not seen on a board.

Its algorithm loads at 0x24000020 (0x34000020): nothing of ours may lie there. Power-cycle the board first: it connects
best to a chip that nothing has touched since its boot ROM.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from host.boards.base import FlashReport
from host.boards.bench_file import BenchBoard
from host.boards.flashers import Image
from host.boards.flashers.header import check_header
from host.boards.flashers.tool import NO_PROBE, Symptom, failure, run
from host.boards.kinds import SILICON
from host.boards.probes import Probe, choose_probe, find_probes
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, FlashFailure, HostFailure

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
        BoardFailure,
        "the chip does not answer the probe",
        "put the boot switches into the development position and power-cycle the board",
    ),
)


@dataclass(frozen=True)
class ProbeRs:
    """The way `probe-rs`. `probes` says what is plugged in."""

    probes: Callable[[], tuple[Probe, ...]] = find_probes
    seen_on_a_board: bool = False
    remarks: tuple[str, ...] = ("power-cycle the board first",)

    def commands(self, image: Image, board: BenchBoard) -> list[list[str]]:
        """As `Flasher.commands`."""
        return self._commands(image, board, _USUAL, board.probe)

    def flash(self, image: Image, board: BenchBoard, deadline: Deadline) -> FlashReport:
        """As `Flasher.flash`."""
        for part in image.parts:
            if part.entry is not None and part.headed:
                check_header(part.file, part.entry)
        self.commands(image, board)
        if shutil.which(PROGRAM) is None:
            raise HostFailure(
                f"{PROGRAM} is not installed",
                evidence="it is not on PATH",
                next_step="install it from https://probe.rs, version 0.32 or later,"
                ' or write flasher = "gdb" into bench.toml',
            )
        probe = choose_probe(board.probe, self.probes(), board.name)
        commands = self._commands(image, board, probe.usb, probe.serial)
        started = time.monotonic()
        for command in commands:
            code, output = run(command, deadline)
            if code != 0:
                raise failure(PROGRAM, code, output, _SYMPTOMS)
        seconds = time.monotonic() - started
        size = sum(part.file.stat().st_size for part in image.parts)
        return FlashReport(size, seconds, seconds)

    def _commands(
        self, image: Image, board: BenchBoard, usb: str, serial: str | None
    ) -> list[list[str]]:
        if image.boot != "flash":
            raise BadInput(
                "probe-rs is used for the boot from flash alone: after a load to RAM it stays attached",
                evidence=f"Received: {image.elf} for a development boot of {board.name}",
                next_step='write flasher = "gdb" into bench.toml, or flash for the boot from flash',
            )
        for part in image.parts:
            if part.entry is not None and not part.headed:
                raise BadInput(
                    "probe-rs writes files as they are, and the boot ROM starts none without ST's header",
                    evidence=f"Received: {part.file}, which has no header",
                    next_step='write flasher = "cubeprogrammer" into bench.toml, which signs it first',
                )
        chosen = ["--probe", usb if serial is None else f"{usb}:{serial}"]
        head = [PROGRAM, "download", "--non-interactive", "--disable-progressbars", "--verify"]
        head += [*chosen, "--chip", SILICON[board.kind].chip, "--binary-format", "bin"]
        return [
            [*head, "--base-address", f"{part.address:#010x}", str(part.file)]
            for part in image.parts
        ]
