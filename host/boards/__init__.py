"""Boards: how to start, flash, reset and reach each kind. A new kind is one file or folder and one line here."""

import importlib
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host.boards.kinds import DK, VIRTUAL_N6
from host.boards.tiers import KINDS as KINDS
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure
from host.tools import require_open_files

if TYPE_CHECKING:
    from host.boards.base import Board
    from host.boards.process import ProcessId
    from host.boards.record import Record
    from host.boards.which import Which

_FREE = 2.0  # seconds that a process that was ended has for freeing its lock
_LOG = logging.getLogger("nightjar.boards")


@dataclass(frozen=True)
class Status:
    """A kept board as it is found.

    `record` is None where none is kept. `ended` is the record of one whose process has ended by itself
    or was killed. `holder` is who uses it now. `lost` are processes of boards that were kept, and whose
    folder somebody has cleaned away: nobody can reach them. `unseen` says that a process uses the
    board's folder that cannot be seen from here, as in another container.
    """

    record: "Record | None"
    ended: "Record | None"
    holder: "dict[str, Any] | None"
    lost: "tuple[ProcessId, ...]"
    unseen: bool


def _kind(which: "Which") -> Any:
    """The class of a board that we start or keep.

    Raises:
        BadInput: it is none.
    """
    if which.tier not in KINDS:
        raise BadInput(
            "only a virtual board is started and kept",
            evidence=f"Received: {which.name}, of kind {which.tier}",
            next_step=f"those are: {', '.join(KINDS)}",
        )
    module, kind = KINDS[which.tier]
    return getattr(importlib.import_module(module), kind)


def _machine(which: "Which") -> dict[str, Any]:
    """What `start` and `keep` are told of a bench board's machine."""
    if which.entry is None or which.tier != VIRTUAL_N6:
        return {}
    from host.boards.n6_virtual import machine_of

    entry = which.entry
    return {"machine": machine_of(DK.name, entry.machine, entry.switches)}


def _meant(board: "str | Which") -> "Which":
    from host.boards.which import which

    return which(board) if isinstance(board, str) else board


@contextmanager
def open_board(
    board: "str | Which", *, root: Path | None = None, wait: float = 0, marked: bool = False
) -> "Iterator[Board]":
    """The board that is meant, locked for us: at its port, or kept, or else one of our own that ends with the context.

    Boards of one's own run side by side, any number, but for one that stands on a bench: that is a single one.
    They end when the thread that opened them ends.

    Args:
        board: which; a name is looked up as `which` does.
        root: the private folder of boards, for tests; None is the user's.
        wait: seconds to wait for a kept board that somebody else uses.
        marked: whether it may be one that no rung of the ladder brought back: host/boards/recovery.

    Raises:
        BadInput: no such kind.
        BoardLocked: somebody else uses the board, or has its serial port open.
        IdentityFailure: its unique id is not the bench's, as far as it is known before firmware is asked.
        HostFailure: a tool is missing or does not run, or no folder can be trusted.
        BoardFailure: the board does not start, or is marked.
    """
    from host.boards.folder import private_folder
    from host.boards.lock import board_lock
    from host.boards.record import find_record

    meant = _meant(board).located()
    if meant.url is not None:
        with _at_port(meant, wait, marked) as there:
            yield there
        return
    kind, private, name = _kind(meant), private_folder(root, make=True), meant.name
    require_open_files()
    with ExitStack() as stack:
        if meant.entry is not None or find_record(private, name) is not None:
            stack.enter_context(board_lock(private, name, wait))
            # Now that nobody can end it.
            record = find_record(private, name)
            if record is not None:
                attached = kind.attach(record)
                _require_ours(meant, record, attached)
                yield attached
                return
            if meant.entry is None:
                stack.close()
        if not meant.flashes:
            raise BoardFailure(
                f"the board {name} is not up: nothing runs there that could be judged",
                evidence="Received: --no-flash",
                next_step=f"`nightjar board up {name}` and flash it, or leave out --no-flash",
            )
        started: Board = kind.start(private, **_machine(meant))
        try:
            yield started
        finally:
            started.close()


def _require_ours(meant: "Which", record: "Record", attached: Any) -> None:
    """Refuse a kept board that is not the bench's, or whose serial line somebody else has."""
    from host.link.port_holder import in_use, other_holders

    _require_fitted(meant, attached)
    if record.port is not None:
        others = other_holders(str(record.port))
        if others:  # the board takes one connection at a time
            raise in_use(str(record.port), others)


def _require_fitted(meant: "Which", attached: Any) -> None:
    """Refuse a kept board that is not what the bench says of it."""
    if attached.unique_id is not None:
        meant.check_chip(bytes.fromhex(attached.unique_id), untouched=True)
    fitting = _machine(meant)
    if fitting:
        attached.require_fitted(meant.name, **fitting)


@contextmanager
def _at_port(which: "Which", wait: float, marked: bool) -> "Iterator[Board]":
    """The board at a serial port, locked against every user of this computer, and its port with it."""
    from host.boards.at_port import PortBoard
    from host.boards.flashers.reach import held
    from host.boards.recovery.mark import require_well
    from host.link.port_holder import held_port

    assert which.url is not None
    with ExitStack() as stack:
        entry = which.standing
        if entry is not None:
            stack.enter_context(held(entry, wait))
            if not marked:
                require_well(entry)
        stack.enter_context(held_port(which.url, wait))
        yield PortBoard(which.name, which.url, which.baud, which.entry, which.boot)


def keep_board(
    board: "str | Which", *, root: Path | None = None, wait: float = 0
) -> "tuple[Record, bool]":
    """Start a board that outlives this command; (its record, whether it is new).

    One that was kept before, and whose folder is gone, is ended first.

    Raises: as `open_board`.
    """
    from host.boards.folder import LOCK, make_kept_folder, private_folder
    from host.boards.lock import board_lock
    from host.boards.record import find_record, forget
    from host.locks import take

    meant = _meant(board)
    kind, private, name = _kind(meant), private_folder(root, make=True), meant.name
    require_open_files()
    with board_lock(private, name, wait):
        record = find_record(private, name)
        if record is not None:
            _require_fitted(meant, kind.attach(record))
            return record, False
        for process in _end_lost(private, name):
            _LOG.warning("ended a %s board whose folder is gone: pid %d", name, process.pid)
        _require_unused(private, name)
        folder = make_kept_folder(private, name)
        try:
            hold = take(folder / LOCK, Deadline.after(_FREE))
            assert hold is not None
            try:
                made: Record = kind.keep(folder, hold, **_machine(meant))
            finally:
                os.close(hold)  # the board's process holds it
        except BaseException:
            forget(private, name)
            raise
        return made, True


def end_board(board: "str | Which", *, root: Path | None = None, wait: float = 0) -> bool:
    """End the kept board, and one that is lost; whether there was any.

    Raises:
        BadInput: no such kind.
        BoardLocked: somebody uses it.
        BoardFailure: its process cannot be seen from here.
        HostFailure: no folder can be trusted.
    """
    from host.boards.folder import private_folder
    from host.boards.lock import board_lock
    from host.boards.process import end
    from host.boards.record import find_record, forget

    meant = _meant(board)
    _kind(meant)
    name = meant.name
    if not (private_folder(root, make=False).exists() or board_status(meant, root=root).lost):
        return False
    private = private_folder(root, make=True)
    with board_lock(private, name, wait):
        record = find_record(private, name)
        if record is not None and record.process is not None:
            end(record.process)
        lost = _end_lost(private, name)
        _require_unused(private, name)
        forget(private, name)
        return record is not None or bool(lost)


def board_status(board: "str | Which", *, root: Path | None = None) -> Status:
    """What is kept under that name, and who uses it. Nothing is written.

    Raises:
        BadInput: no such kind.
        HostFailure: no folder can be trusted.
    """
    from host.boards.folder import kept_folder, private_folder
    from host.boards.lock import holder_of
    from host.boards.process import marked
    from host.boards.record import find_ended, find_record, is_in_use

    meant = _meant(board)
    _kind(meant)
    private, name = private_folder(root, make=False), meant.name
    record = find_record(private, name)
    lost = () if record is not None else tuple(marked(kept_folder(private, name)))
    unseen = record is None and not lost and is_in_use(private, name)
    ended = None if unseen else find_ended(private, name)
    return Status(record, ended, holder_of(private, name), lost, unseen)


def _end_lost(private: Path, name: str) -> "list[ProcessId]":
    """End the processes of kept boards that have no record any more, and what served their ports."""
    from host.boards.folder import kept_folder
    from host.boards.process import FRONT, end, marked

    folder = kept_folder(private, name)
    lost = marked(folder)
    for process in (*lost, *marked(folder, FRONT)):
        end(process)
    return lost


def _require_unused(private: Path, name: str) -> None:
    from host.boards.record import is_in_use

    deadline = Deadline.after(_FREE)
    while is_in_use(private, name):
        if deadline.expired:
            raise BoardFailure(
                f"a process that cannot be seen from here keeps the board {name}",
                evidence=f"it holds the lock in {private / name}",
                next_step="end the board where it was started; that may be in another container",
            )
        time.sleep(0.02)
