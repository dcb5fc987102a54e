"""Ways to flash a bench board, one file each: what is written, and what every way can do."""

import importlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from host.boards.base import FlashReport
from host.boards.bench_file import BenchBoard
from host.boards.kinds import NOT_SEEN, SILICON
from host.deadline import Deadline
from host.errors import BadInput


@dataclass(frozen=True)
class Part:
    """A file that goes to an address of the external NOR.

    Attributes:
        file: raw bytes.
        address: where its first byte, or its header's, lies.
        entry: Reset_Handler with bit 0 set, of what needs ST's header; None: what needs none.
        headed: whether that header stands in the file already.
    """

    file: Path
    address: int
    entry: int | None = None
    headed: bool = False


@dataclass(frozen=True)
class Image:
    """What is flashed: an ELF into RAM for a development boot, or parts into the NOR for a flash boot."""

    elf: Path
    parts: tuple[Part, ...] = ()

    @property
    def boot(self) -> str:
        """Which boot it is for, "development" or "flash"."""
        return "flash" if self.parts else "development"


class Flasher(Protocol):
    """One way to flash. What it was not seen to do on a board, it says."""

    @property
    def seen_on_a_board(self) -> bool:
        """Whether somebody has watched it work on a board."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What its commands do not say."""

    def commands(self, image: Image, board: BenchBoard) -> list[list[str]]:
        """The exact commands, in their order, each a list of words. Nothing is run.

        Raises:
            BadInput: it cannot flash that image.
        """

    def flash(self, image: Image, board: BenchBoard, deadline: Deadline) -> FlashReport:
        """Write and verify the image.

        Raises:
            HostFailure: a tool is missing.
            BadInput: it cannot flash that image, or nothing says which probe.
            BoardFailure: there is no probe, or no answer from the chip.
            FlashFailure: it could not be written, or reads back differently.
        """


# Way -> module and class. A new way is one file and one line here.
_WAYS = {
    "probe-rs": ("host.boards.flashers.probe_rs", "ProbeRs"),
    "cubeprogrammer": ("host.boards.flashers.cubeprogrammer", "CubeProgrammer"),
}


def flasher_of(board: BenchBoard) -> Flasher:
    """The way in which a board of the bench is flashed by a vendor's tool.

    Raises:
        BadInput: it is flashed in another way.
    """
    if board.flasher not in _WAYS:
        raise BadInput(
            f"{board.flasher} is no vendor's tool",
            evidence=f"Received: flasher = {board.flasher!r} of board.{board.name}",
            next_step=f"the tools are {', '.join(_WAYS)}",
        )
    module, name = _WAYS[board.flasher]
    way: Flasher = getattr(importlib.import_module(module), name)()
    return way


def dry_run(flasher: Flasher, image: Image, board: BenchBoard) -> str:
    """What `flash --dry-run` prints: where the switches must stand, and each command as one types it.

    Raises:
        BadInput: it cannot flash that image.
    """
    lines = [f"# {board.name} ({board.kind}), by {board.flasher}"]
    if not flasher.seen_on_a_board:
        lines[0] += f": {NOT_SEEN}"
    lines += [f"# {line}" for line in (*switches(image, board), *flasher.remarks)]
    lines += [shlex.join(command) for command in flasher.commands(image, board)]
    return "\n".join(lines) + "\n"


def switches(image: Image, board: BenchBoard) -> Sequence[str]:
    """Where the boot switches must stand, told before anybody waits for a board."""
    if board.kind not in SILICON:
        return []
    kind = SILICON[board.kind]
    lines = [f"switches for flashing: {kind.development}, then reset"]
    if image.boot == "flash":
        lines.append(
            f"switches for the boot from flash, afterwards: {kind.flash}, then power-cycle"
        )
    return lines
