"""A board at a serial port; a debugger, where the bench knows one, writes its firmware and resets it."""

from dataclasses import dataclass
from pathlib import Path

from host.boards.base import FlashReport
from host.boards.gdb import Debugger
from host.boards.symbolize import symbolize
from host.boards.whereabouts import Whereabouts, of_looks
from host.deadline import Deadline
from host.errors import BoardFailure
from host.link.serial_url import SerialUrl
from host.link.transport import Transport


@dataclass(frozen=True)
class PortBoard:
    """The board at a serial port.

    Attributes:
        name: what it is called.
        url: of its port, as pyserial takes it.
        baud: bits a second.
        debugger: what flashes and resets it; None: it runs what it runs.
    """

    name: str
    url: str
    baud: int
    debugger: Debugger | None

    kept = True

    def flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        return self._debugged.flash(elf, deadline)

    def reset(self, deadline: Deadline) -> None:
        self._debugged.reset(deadline)

    def connect(self, deadline: Deadline) -> Transport:
        return SerialUrl(self.url, self.baud)

    def connect_slow(self, deadline: Deadline) -> Transport:
        return self.connect(deadline)

    def symbolize(self, elf: Path, pc: int) -> str:
        return symbolize(("arm-none-eabi-addr2line", "addr2line"), elf, pc)

    def whereabouts(self, elf: Path, deadline: Deadline) -> Whereabouts | None:
        if self.debugger is None:
            return None
        return of_looks(elf, self.debugger.looks(elf, deadline), self.symbolize)

    def close(self) -> None:
        """It stays as it is."""

    @property
    def _debugged(self) -> Debugger:
        if self.debugger is None:
            raise BoardFailure(
                f"nothing is known that resets the board {self.name}",
                evidence=f"Received: {self.url}, and no gdb server",
                next_step="press its reset button, or write gdb into bench.toml",
            )
        return self.debugger
