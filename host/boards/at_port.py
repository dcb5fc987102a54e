"""A board at a serial port; a debugger or a vendor's tool, where the bench knows one, writes its firmware."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from host.boards.base import FlashReport
from host.boards.bench_file import BenchBoard
from host.boards.flashers import flasher_of, switches
from host.boards.flashers.gdb_server import GdbServer
from host.boards.flashers.job import ready
from host.boards.flashers.parts import Image
from host.boards.gdb import Debugger
from host.boards.gdb_script import Target
from host.boards.kinds import NOT_SEEN, SILICON, VIRTUAL_N6
from host.boards.symbolize import symbolize
from host.boards.whereabouts import Whereabouts, of_looks
from host.deadline import Deadline
from host.errors import BoardFailure
from host.link.serial_url import SerialUrl
from host.link.transport import Transport

_LOG = logging.getLogger("nightjar.boards")


@dataclass(frozen=True)
class PortBoard:
    """The board at a serial port.

    Attributes:
        name: what it is called.
        url: of its port, as pyserial takes it.
        baud: bits a second.
        entry: what the bench says of it, with its probe; None: it runs what it runs.
        boot: what its firmware starts from, as far as that is known.
    """

    name: str
    url: str
    baud: int
    entry: BenchBoard | None
    boot: str = ""

    kept = True

    def flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        """As Board.flash, in the way that the bench names.

        Raises:
            IdentityFailure: its unique id is not the bench's, as far as it is known before; nothing was written.
            BoardFailure: its switches stand for the boot from flash, or nothing is known that writes it.
        """
        entry = self.entry
        if entry is None or entry.kind not in (*SILICON, VIRTUAL_N6):
            return self._debugged.flash(elf, deadline)
        entry, image, way = replace(entry, port=self.url), Image(elf), flasher_of(entry)
        if not way.seen(entry):
            _LOG.warning("%s (%s), by %s: %s", self.name, entry.kind, entry.flasher, NOT_SEEN)
        for line in switches(image, entry):
            _LOG.info(line)
        ready(entry, image)
        return way.flash(image, entry, deadline, _LOG.info)

    def reset(self, deadline: Deadline) -> None:
        self._debugged.reset(deadline)

    def connect(self, deadline: Deadline) -> Transport:
        return SerialUrl(self.url, self.baud)

    def connect_slow(self, deadline: Deadline) -> Transport:
        return self.connect(deadline)

    def symbolize(self, elf: Path, pc: int) -> str:
        return symbolize(("arm-none-eabi-addr2line", "addr2line"), elf, pc)

    def whereabouts(self, elf: Path, deadline: Deadline) -> Whereabouts | None:
        debugger = self._debugger
        if debugger is None:
            return None
        return of_looks(elf, debugger.looks(elf, deadline), self.symbolize)

    def noted(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        """It stays as it is."""

    @property
    def _debugger(self) -> Debugger | None:
        """gdb on it; None where nothing tells how it gets there."""
        entry = self.entry
        if entry is None or (entry.gdb is None and (entry.probe is None or entry.flasher != "gdb")):
            return None
        if entry.kind in (*SILICON, VIRTUAL_N6):
            return GdbServer().debugger(entry)
        target = Target.parse(str(entry.gdb))
        return Debugger(target, target.server)

    @property
    def _debugged(self) -> Debugger:
        debugger = self._debugger
        if debugger is None:
            raise BoardFailure(
                f"nothing is known that flashes or resets the board {self.name}",
                evidence=f"Received: {self.url}, and no gdb server",
                next_step="press its reset button, or write gdb into bench.toml",
            )
        return debugger
