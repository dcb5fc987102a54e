"""The rungs that a board has: a look, soft reset, probe reset, power cycle, reflash."""

from pathlib import Path

from host.boards.base import Board
from host.boards.bench_file import BenchBoard
from host.boards.recovery.ladder import Rung
from host.boards.recovery.power import can_cycle, cycle
from host.deadline import Deadline
from host.link.client import Client

LINK = 3.0  # seconds for HELLO and RESET of firmware that runs
START = 10.0  # seconds for HELLO of firmware that was started just now
_PROBE, _POWER, _FLASH = 30.0, 60.0, 900.0


def rungs_of(board: Board, entry: BenchBoard | None, elf: Path | None) -> tuple[Rung, ...]:
    """All of them, the mildest first; one that this board lacks says why.

    Args:
        board: opened.
        entry: of the bench, with its power commands; None: there is none.
        elf: what is to run there; None: nobody has said.
    """
    power = None if entry is None or not can_cycle(entry.power) else entry.power
    return (
        Rung("look", lambda limit: None),
        Rung("soft reset", lambda limit: _soft_reset(board, limit), LINK),
        Rung("probe reset", board.reset, _PROBE),
        Rung(
            "power cycle",
            None if power is None else lambda limit: cycle(power, limit),
            _POWER,
            "no power commands in bench.toml",
        ),
        Rung(
            "reflash",
            None if elf is None else lambda limit: _flash(board, elf, limit),
            _FLASH,
            "no firmware was named",
        ),
    )


def hello(board: Board, seconds: float = START) -> str:
    """Who answers within so many seconds, in words.

    Raises:
        NightjarError: nobody, and why.
    """
    limit = Deadline.after(seconds)
    transport = board.connect(limit)
    try:
        found = Client(transport).hello(limit)
    finally:
        transport.close()
    return f"build-id {found.build_id.hex()}, model {found.model.hex()[:12]}"


def _soft_reset(board: Board, limit: Deadline) -> None:
    transport = board.connect(limit)
    try:
        client = Client(transport)
        client.hello(limit)
        client.reset(limit)
    finally:
        transport.close()


def _flash(board: Board, elf: Path, limit: Deadline) -> None:
    board.flash(elf, limit)
