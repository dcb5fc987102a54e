"""What a board can do. One file or folder a kind of board implements it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from host.boards.whereabouts import Whereabouts
from host.deadline import Deadline
from host.link.transport import Transport


@dataclass(frozen=True)
class FlashReport:
    """What flashing took: bytes written, seconds for writing them, and seconds with start, verification and reset."""

    bytes: int
    seconds: float
    total_seconds: float

    @property
    def bytes_per_second(self) -> float:
        """Speed of the writing alone."""
        return self.bytes / max(self.seconds, 1e-9)


class Board(Protocol):
    """A board that is ours until its context ends."""

    @property
    def name(self) -> str:
        """The kind of board, "virtual"."""

    @property
    def kept(self) -> bool:
        """Whether it outlives us (`nightjar board up`)."""

    @property
    def boot(self) -> str:
        """What its firmware starts from: "ram" (a debugger loads it), "flash", or "" without a choice or a witness."""

    def flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        """Write and verify firmware, and start it.

        Raises:
            FlashFailure: it could not be written, or reads back differently.
            BoardFailure: the board is gone.
            HostFailure: a tool is missing.
        """

    def reset(self, deadline: Deadline) -> None:
        """Start the firmware again, whatever state it is in. Open connections may be lost."""

    def connect(self, deadline: Deadline) -> Transport:
        """Open the fast link; the caller closes it."""

    def connect_slow(self, deadline: Deadline) -> Transport:
        """Open the serial port; the same where a board has one link only."""

    def symbolize(self, elf: Path, pc: int) -> str:
        """The place of a code address as "file:line (function)", or the address where it is unknown."""

    def whereabouts(self, elf: Path, deadline: Deadline) -> Whereabouts | None:
        """Where the firmware is now, as a debugger sees it without the link; it goes on then.

        `elf` is what was flashed. None when it cannot be seen before the deadline.
        """

    def noted(self) -> tuple[str, ...]:
        """What silicon bears in silence, such as a write that is lost: a virtual chip notes it, others do not."""

    def close(self) -> None:
        """End the board if it is our own; leave a kept one running."""
