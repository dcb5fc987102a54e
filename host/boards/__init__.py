"""Boards: how to start, flash, reset and reach each kind. A new kind is one file or folder and one line here."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host.errors import BadInput

if TYPE_CHECKING:
    from host.boards.base import Board
    from host.boards.record import Record

ROOT = Path("build/boards")
# Name -> module and class: start() -> Board, keep(root) -> Record, attach(record, root) -> Board.
KINDS = {
    "virtual": ("host.boards.virtual", "VirtualBoard"),
    "native": ("host.boards.native", "NativeBoard"),
}
# What the firmware of each kind counts when it runs, as its HELLO must say.
UNITS = {"virtual": "instructions", "native": "none"}


def check_name(name: str) -> None:
    """Refuse a board that there is not.

    Raises:
        BadInput: no such kind.
    """
    if name not in KINDS:
        raise BadInput(
            f"the known boards are {', '.join(KINDS)}",
            evidence=f"Received: {name!r}",
            next_step="choose one of them with --board",
        )


def counts(name: str) -> bool:
    """Whether a kind of board counts what a run costs.

    Raises:
        BadInput: no such kind.
    """
    check_name(name)
    return UNITS[name] != "none"


def _kind(name: str) -> Any:
    check_name(name)
    module, kind = KINDS[name]
    return getattr(importlib.import_module(module), kind)


@contextmanager
def open_board(name: str, *, root: Path = ROOT, wait: float = 0) -> "Iterator[Board]":
    """The kept board of that name, locked for us, or else one of our own that ends with the context.

    Boards of one's own run side by side, any number. They end when the thread that opened them ends.

    Args:
        name: kind of board.
        root: folder of records and locks.
        wait: seconds to wait for a kept board that somebody else uses.

    Raises:
        BadInput: no such kind.
        BoardLocked: somebody else uses the kept board.
        HostFailure: a tool is missing.
        BoardFailure: the board does not start.
    """
    from host.boards.lock import board_lock
    from host.boards.record import find_record

    kind = _kind(name)
    if find_record(root, name) is not None:
        with board_lock(root, name, wait):
            # Again, now that nobody can end it.
            record = find_record(root, name)
            if record is not None:
                board: Board = kind.attach(record, root)
                yield board
                return
    board = kind.start()
    try:
        yield board
    finally:
        board.close()


def keep_board(name: str, *, root: Path = ROOT) -> "tuple[Record, bool]":
    """Start a board that outlives this command; (its record, whether it is new).

    Raises: as `open_board`.
    """
    from host.boards.lock import board_lock
    from host.boards.record import find_record

    kind = _kind(name)
    with board_lock(root, name, 0):
        record = find_record(root, name)
        if record is not None:
            record.save(root)  # its file under build/ may have been deleted
            return record, False
        made: Record = kind.keep(root)
        return made, True


def end_board(name: str, *, root: Path = ROOT) -> "Record | None":
    """End the kept board; what it was, or None when there was none.

    Raises:
        BadInput: no such kind.
        BoardLocked: somebody uses it.
    """
    from host.boards.lock import board_lock
    from host.boards.process import end
    from host.boards.record import find_record

    _kind(name)
    with board_lock(root, name, 0):
        record = find_record(root, name)
        if record is None:
            return None
        if record.process is not None:
            end(record.process)
        record.remove(root)
        return record


def board_status(
    name: str, *, root: Path = ROOT
) -> "tuple[Record | None, dict[str, object] | None]":
    """(record of the kept board, who uses it now); None where there is none."""
    from host.boards.lock import holder_of
    from host.boards.record import find_record

    _kind(name)
    return find_record(root, name), holder_of(root, name)
