"""Ways to flash a bench board, one file each, and what every way can do."""

import importlib
from collections.abc import Callable, Sequence
from typing import Protocol

from host.boards.base import FlashReport
from host.boards.bench_file import BenchBoard
from host.boards.flashers.parts import Image
from host.boards.gdb_script import Server
from host.boards.kinds import NOT_SEEN, SILICON
from host.deadline import Deadline


class Flasher(Protocol):
    """One way to flash. What it was not seen to do on a board, it says."""

    def seen(self, board: BenchBoard) -> bool:
        """Whether somebody has watched it work on such a board."""

    def remarks(self, image: Image, board: BenchBoard) -> tuple[str, ...]:
        """What its commands do not say, such as what is tried where the chip does not answer."""

    def commands(self, image: Image, board: BenchBoard) -> list[str]:
        """The exact commands of the first connect mode, as one types them into a shell. Nothing is run.

        Raises:
            BadInput: it cannot flash that image, or nothing says which probe.
            BoardFailure: nothing says which probe, and none is plugged in.
        """

    def holds(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> bool:
        """Whether the NOR holds every part of an image for the boot from flash. Nothing is written.

        Raises: as `flash`.
        """

    def flash(
        self, image: Image, board: BenchBoard, deadline: Deadline, say: Callable[[str], None]
    ) -> FlashReport:
        """Write and verify the image; for a development boot, start it.

        Each attempt to connect is told to `say`.

        Raises:
            HostFailure: a tool is missing.
            BadInput: it cannot flash that image, it is too large, or nothing says which probe.
            BoardFailure: there is no probe, no answer from the chip, or it boots from flash.
            IdentityFailure: the chip's unique id is not the bench's; nothing was written.
            FlashFailure: it could not be written, or reads back differently.
        """


# Way -> module and class. A new way is one file and one line here.
_WAYS = {
    "gdb": ("host.boards.flashers.gdb_server", "GdbServer"),
    "probe-rs": ("host.boards.flashers.probe_rs", "ProbeRs"),
    "cubeprogrammer": ("host.boards.flashers.cubeprogrammer", "CubeProgrammer"),
}


def flasher_of(board: BenchBoard, server: Server | None = None) -> Flasher:
    """The way in which a board of the bench is flashed.

    server: the gdb server that is there, where neither its program nor its port tells.
    """
    module, name = _WAYS[board.flasher]
    way = getattr(importlib.import_module(module), name)
    made: Flasher = way(server=server) if board.flasher == "gdb" else way()
    return made


def dry_run(flasher: Flasher, image: Image, board: BenchBoard) -> str:
    """What `flash --dry-run` prints: where the switches must stand, and each command as one types it.

    Raises:
        BadInput, BoardFailure: as `Flasher.commands`.
    """
    lines = [f"# {board.name} ({board.kind}), by {board.flasher}"]
    if not flasher.seen(board):
        lines[0] += f": {NOT_SEEN}"
    remarks = flasher.remarks(image, board)
    lines += [f"# {line}" for line in (*switches(image, board), *remarks)]
    return "\n".join([*lines, *flasher.commands(image, board)]) + "\n"


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
