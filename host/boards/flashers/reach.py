"""How a board of the bench is reached that is flashed: its probe, its port, and held against all other users."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from host.boards import board_status, scan
from host.boards.bench_file import BenchBoard, unnamed
from host.boards.bench_lock import (
    GRACE,
    bench_holder,
    bench_lock,
    forget_holders,
    is_ours,
    lock_name,
    queued,
)
from host.boards.kinds import SILICON, VIRTUAL_N6
from host.boards.places import places
from host.boards.probes import ST, choose_probe, find_probes
from host.boards.which import Which
from host.deadline import Deadline
from host.errors import BadInput, BoardLocked, NightjarError

_LOOK = 0.1  # seconds between two attempts
_ASK_AGAIN = 5.0  # seconds behind which a lease that was not given is asked for again
Claim = Callable[[BenchBoard, Deadline], AbstractContextManager[object]]


def kept_board(at: Which) -> BenchBoard:
    """A kept virtual STM32N6 as a board with a gdb server and a serial port.

    Raises:
        BadInput: another board is meant, or none is kept.
    """
    record = board_status(at).record if at.tier == VIRTUAL_N6 else None
    if record is None:
        raise BadInput(
            "a dry run is for a board of the bench, or a virtual STM32N6 that is kept",
            evidence=f"Received: --board {at.name}",
            next_step="`nightjar board up` keeps one; `nightjar board list` shows those of the bench",
        )
    entry = at.entry or BenchBoard(unnamed(at.tier), at.tier)
    port = None if record.port is None else str(record.port)
    return replace(entry, gdb=None if record.gdb is None else str(record.gdb), port=port)


def named(board: BenchBoard) -> BenchBoard:
    """The board with its probe and its serial port, as far as what is plugged in tells them.

    Raises:
        BadInput: several probes are plugged in, and nothing says which.
        BoardFailure: none is plugged in, and nothing else leads to the board.
    """
    probe, port = board.probe, board.port
    if probe is None and board.gdb is None and board.kind in SILICON:
        probe = choose_probe(None, find_probes(), board.name).serial
    if port is None and probe is not None:
        devices = [
            one.device for one in scan.serial_ports() if (one.vendor, one.serial) == (ST, probe)
        ]
        port = scan.lasting_name(devices[0]) if devices else None
    return replace(board, probe=probe, port=port)


def plugged(board: BenchBoard) -> BenchBoard:
    """As `named`; the board as it is given where nothing plugged in tells more."""
    try:
        return named(board)
    except NightjarError:
        return board


@contextmanager
def held(board: BenchBoard, wait: float) -> Iterator[tuple[int, ...]]:
    """Hold a board of the bench against every user of this computer. Gives the handles that hold it.

    Args:
        board: with what is plugged in, as `named` gives it.
        wait: seconds to wait for who holds it.

    Raises:
        BoardLocked: somebody else holds it, or one of the ways to it.
        HostFailure: the lock cannot be used.
    """
    with first_free((board,), wait) as (_, handles):
        yield handles


@contextmanager
def first_free(
    boards: Sequence[BenchBoard], wait: float, claim: Claim | None = None
) -> Iterator[tuple[BenchBoard, tuple[int, ...]]]:
    """As `held`, of the first of several that is free; who waits is served in the order of arrival.

    Gives the board, and its handles in the order of its `marks`.

    Args:
        boards: those that would do.
        wait: seconds to wait for one.
        claim: what else must be had, as long as the lock is, of a board that is locked; BoardLocked says that it
            cannot be had now.
    """
    limit = Deadline.after(max(wait, GRACE))
    with ExitStack() as stack:
        with queued([mark for board in boards for mark in marks(board)]) as ahead:
            taken = _first(boards, ahead, stack, limit, claim)
        yield taken


def _first(
    boards: Sequence[BenchBoard],
    ahead: Callable[[], set[str]],
    stack: ExitStack,
    limit: Deadline,
    claim: Claim | None,
) -> tuple[BenchBoard, tuple[int, ...]]:
    """The first board that is free and nobody's who came before, its locks put on the stack: all of them or none."""
    refused: dict[str, tuple[Deadline, BoardLocked]] = {}
    while True:
        last, before, locked = limit.expired, ahead(), list[BoardLocked]()
        for board in boards:
            until, why = refused.get(board.name, (None, None))
            if until is not None and why is not None and not until.expired:
                locked.append(why)
                continue
            names = {lock_name(*mark) for mark in marks(board)}
            ours = any(is_ours(*mark) for mark in marks(board))
            if not ours and not before.isdisjoint(names):
                if last:  # who it is costs more to find out than to wait
                    locked.append(_promised(board, holder_of(board)))
                continue
            try:
                with ExitStack() as tried:
                    handles = tuple(
                        tried.enter_context(bench_lock(*mark, name=board.name, wait=0))
                        for mark in marks(board)
                    )
                    if claim is not None:
                        try:
                            tried.enter_context(claim(board, limit))
                        except BoardLocked as error:
                            refused[board.name] = (Deadline.after(_ASK_AGAIN), error)
                            raise
                    stack.push(tried.pop_all())
                    return board, handles
            except BoardLocked as error:
                locked.append(error)
        if last:
            raise locked[0] if len(locked) == 1 else _all_taken(boards, locked)
        time.sleep(min(_LOOK, limit.remaining))


def _promised(board: BenchBoard, holder: dict[str, Any] | None) -> BoardLocked:
    now = "nobody has it" if holder is None else f"pid {holder.get('pid')} has it"
    return BoardLocked(
        f"the board {board.name} is taken",
        evidence=f"{now}, and others wait for it who came before",
        next_step="wait with --wait SECONDS",
    )


def _all_taken(boards: Sequence[BenchBoard], locked: Sequence[BoardLocked]) -> BoardLocked:
    each = zip(boards, locked, strict=True)
    return BoardLocked(
        f"all of {len(boards)} boards that fit are taken",
        evidence="; ".join(f"{board.name}: {error.evidence}" for board, error in each),
        next_step="wait longer with --wait SECONDS, or end one of those commands",
    )


def holder_of(board: BenchBoard) -> dict[str, Any] | None:
    """Who holds a board, or one of the ways to it, as `bench_holder` says it; None: nobody.

    Raises:
        HostFailure: the lock cannot be trusted.
    """
    holders = (bench_holder(*mark) for mark in marks(board))
    return next((holder for holder in holders if holder is not None), None)


def forget_dead(board: BenchBoard) -> int:
    """Remove the records that dead holders of a board left, as far as this user may; their number.

    Raises:
        HostFailure: the lock cannot be trusted.
    """
    return sum(forget_holders(*mark) for mark in marks(board))


def marks(board: BenchBoard) -> list[tuple[str, str]]:
    """What tells a board from others on this computer, in an order that is the same for all: its probe, each place
    that leads to it, and its lease. Who holds all of them has it alone, whatever of it another bench file names.
    """
    marks = [] if board.probe is None else [(board.kind, board.probe)]
    for what, text in (("gdb", board.gdb), ("port", board.port)):
        marks += [] if text is None else [(what, place) for place in places(text)]
    marks += [] if board.lease is None else [("lease", board.lease.mark)]
    return sorted(marks) or [("name", board.name)]
