"""A way that writes the NOR by a vendor's tool: the loop over parts and connect modes, one for all such tools."""

import shlex
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from host.boards.base import FlashReport
from host.boards.bench_file import BenchBoard
from host.boards.flashers.attempts import Attempt, Connection, in_turn
from host.boards.flashers.chip_id import check_chip, read_words
from host.boards.flashers.parts import Image, Part, check_fits, require_flash_boot
from host.boards.flashers.signing import is_signed_here, make_headers, sign, written
from host.boards.flashers.tool import Symptom, require, told
from host.boards.probes import Probe, choose_probe, find_probes
from host.deadline import Deadline

_USUAL = "0483:3754"  # the ST-LINK on both boards, for a dry run without one
# Runs the tool, in the connect mode that works, with the words that are made for a mode; gives what it said.
Ask = Callable[[Callable[[Attempt], list[str]]], str]


@dataclass(frozen=True)
class VendorTool(ABC):
    """A vendor's tool as a `Flasher`. `probes` says what is plugged in.

    Attributes:
        program: its name.
        remedy: how one gets it.
        alone: that, and why, it writes for the boot from flash alone.
        symptoms: what it says when something is wrong.
    """

    probes: Callable[[], tuple[Probe, ...]] = find_probes

    program: ClassVar[str]
    remedy: ClassVar[str]
    alone: ClassVar[str]
    symptoms: ClassVar[tuple[Symptom, ...]]

    @abstractmethod
    def attempts(self, board: BenchBoard, usb: str, serial: str | None) -> tuple[Attempt, ...]:
        """Its connect modes, each with the words that reach a board in it.

        Args:
            board: which.
            usb: vendor and product of its probe, "0483:3754".
            serial: the probe's serial number; None: the only one that is plugged in.
        """

    @abstractmethod
    def read_id(self, attempt: Attempt) -> list[str]:
        """The command that reads the words of the chip's unique id."""

    @abstractmethod
    def write(self, board: BenchBoard, part: Part, attempt: Attempt) -> list[str]:
        """The command that writes a part into the NOR and verifies it."""

    @abstractmethod
    def is_held(self, board: BenchBoard, part: Part, ask: Ask) -> bool:
        """Whether the NOR holds a part, as the tool says."""

    def seen(self, board: BenchBoard) -> bool:
        """As `Flasher.seen`."""
        return False

    def remarks(self, image: Image, board: BenchBoard) -> tuple[str, ...]:
        """As `Flasher.remarks`."""
        return (in_turn(self.attempts(board, _USUAL, board.probe)),)

    def commands(self, image: Image, board: BenchBoard) -> list[str]:
        """As `Flasher.commands`."""
        self._check(image, board)
        there = [probe.usb for probe in self.probes() if probe.serial == board.probe]
        first = self.attempts(board, (there or [_USUAL])[0], board.probe)[0]
        lines = [sign(part) for part in image.parts if is_signed_here(part)]
        lines += [list(first.before)] if first.before else []
        lines += [self.read_id(first)] if board.chip_uid else []
        lines += [self.write(board, part, first) for part in image.parts]
        return [shlex.join(line) for line in lines]

    def holds(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> bool:
        """As `Flasher.holds`."""
        ask = self._begin(image, board, deadline, say)
        return all(self.is_held(board, part, ask) for part in image.parts)

    def flash(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> FlashReport:
        """As `Flasher.flash`."""
        started = time.monotonic()
        ask = self._begin(image, board, deadline, say)
        writing = time.monotonic()
        for part in image.parts:
            ask(partial(self.write, board, part))
        ended = time.monotonic()
        size = sum(written(part).stat().st_size for part in image.parts)
        return FlashReport(size, ended - writing, ended - started)

    def _check(self, image: Image, board: BenchBoard) -> None:
        require_flash_boot(image, board.name, self.alone)
        check_fits(image, board.kind)

    def _begin(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> Ask:
        """How the right chip is asked, with every header made."""
        self._check(image, board)
        require(self.program, f'{self.remedy}, or write flasher = "gdb" into bench.toml')
        probe = choose_probe(board.probe, self.probes(), board.name)
        make_headers(image.parts, deadline)
        connection = Connection(self.attempts(board, probe.usb, probe.serial), deadline, say)

        def ask(line: Callable[[Attempt], list[str]]) -> str:
            return connection.do(lambda attempt: told(line(attempt), deadline, self.symptoms))

        if board.chip_uid is not None:
            check_chip(board, read_words(lambda: ask(self.read_id)), say)
        return ask
