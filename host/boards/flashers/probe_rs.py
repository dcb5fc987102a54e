"""Flashing by probe-rs, which programs the NOR of the STM32N6570-DK by an algorithm of its own. Not seen on a board.

Its algorithm loads at 0x24000020 (0x34000020): nothing of ours may lie there. Power-cycle the board first: it connects
best to a chip that nothing has touched since its boot ROM.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from host.boards.bench_file import BenchBoard
from host.boards.flashers.attempts import Attempt, NoAnswer, after_power_cycle
from host.boards.flashers.chip_id import WORDS
from host.boards.flashers.parts import Image, Part
from host.boards.flashers.signing import written
from host.boards.flashers.tool import NO_PROBE, Symptom
from host.boards.flashers.vendor import Ask, VendorTool
from host.boards.gdb_script import UNIQUE_ID
from host.boards.kinds import SILICON
from host.errors import BadInput, BoardFailure, FlashFailure

PROGRAM = "probe-rs"
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
class ProbeRs(VendorTool):
    """The way `probe-rs`."""

    program: ClassVar[str] = PROGRAM
    remedy: ClassVar[str] = "install it from https://probe.rs, version 0.32 or later"
    alone: ClassVar[str] = (
        "probe-rs is used for the boot from flash alone: after a load to RAM it stays attached"
    )
    symptoms: ClassVar[tuple[Symptom, ...]] = _SYMPTOMS

    def remarks(self, image: Image, board: BenchBoard) -> tuple[str, ...]:
        """As `Flasher.remarks`."""
        first = () if board.power.cycle else ("power-cycle the board first",)
        return (*first, *super().remarks(image, board))

    def attempts(self, board: BenchBoard, usb: str, serial: str | None) -> tuple[Attempt, ...]:
        """As `VendorTool.attempts`: it connects best to a chip that nothing has touched since its boot ROM."""
        probe = usb if serial is None else f"{usb}:{serial}"
        words = ("--probe", probe, "--chip", SILICON[board.kind].chip)
        first = after_power_cycle(board, words) or (Attempt("as the chip runs", words),)
        under_reset = "--connect-under-reset"
        return (*first, Attempt(under_reset, (under_reset, *words)))

    def read_id(self, attempt: Attempt) -> list[str]:
        """As `VendorTool.read_id`."""
        read = ["b32", f"{UNIQUE_ID:#010x}", str(WORDS)]
        return [PROGRAM, "read", "--non-interactive", *attempt.words, *read]

    def write(self, board: BenchBoard, part: Part, attempt: Attempt) -> list[str]:
        """As `VendorTool.write`."""
        return _of_part(["download", "--verify"], attempt, part)

    def is_held(self, board: BenchBoard, part: Part, ask: Ask) -> bool:
        """As `VendorTool.is_held`: its `verify` ends with 0 whatever it finds, and so its words count."""
        said = ask(lambda attempt: _of_part(["verify"], attempt, part))
        found = re.search(r"^verification successful", said, re.IGNORECASE | re.MULTILINE)
        return found is not None


def _of_part(command: Sequence[str], attempt: Attempt, part: Part) -> list[str]:
    what, *more = command
    words = [PROGRAM, what, "--non-interactive", "--disable-progressbars", *more, *attempt.words]
    at = ["--base-address", f"{part.address:#010x}", str(written(part))]
    return [*words, "--binary-format", "bin", *at]
