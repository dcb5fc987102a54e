"""Whose fault it is that nothing comes: the line's, the firmware's or the board's. It is asked."""

import random
from collections.abc import Callable
from pathlib import Path

from host.boards.base import Board
from host.boards.whereabouts import Whereabouts
from host.deadline import Deadline
from host.errors import (
    BoardFailure,
    FirmwareFailure,
    IdentityFailure,
    LinkFailure,
    NightjarError,
)
from host.link.attempts import Mute, Silence, Unanswered
from host.link.client import Client

_LOOK = 10.0  # seconds for the debugger; it needs less than one on an idle computer
_HELLO = 2.0  # seconds for HELLO on the other port


def explain_silence(
    error: Silence | Mute,
    board: Board,
    elf: Path,
    hang_up: Callable[[], None],
    generator: random.Random | None = None,
) -> NightjarError:
    """The failure behind `error`, which a client of `board` has raised.

    FIRMWARE, with its line: it is somewhere in its code, or it waits and never answered on any
    port. LINK: it waits, or answers on the board's other port. BOARD: nobody can say where it is,
    or it is nowhere in its code. The time for finding out is taken beyond the client's deadline.

    Args:
        elf: what was flashed.
        hang_up: closes the client's connection: some boards have only one at a time.
        generator: as the client's.
    """
    where = board.whereabouts(elf, Deadline.after(_LOOK))
    if where is None or not (where.inside or where.waiting):
        return BoardFailure(
            f"{error.what}, and its firmware is not to be found",
            evidence=f"{_seen(where)}; {error.evidence}",
            next_step="check power and cable, then flash the board again",
        )
    if isinstance(error, Mute | Unanswered):
        hang_up()
        return _other_port(error, board, where, generator)
    if where.waiting:
        return LinkFailure(
            f"{error.what}: the firmware waits at {where.place}, so the request or its answer is"
            " lost",
            evidence=f"{_seen(where)}; {error.evidence}",
            next_step="the line is dead: check the cable, then run again",
        )
    return FirmwareFailure(
        f"{error.what}: the firmware is at {where.place}",
        evidence=f"{_seen(where)}; {error.evidence}",
        next_step="it hangs, or needs more time: look at that line, or raise the deadline",
    )


def _other_port(
    error: Silence | Mute, board: Board, where: Whereabouts, generator: random.Random | None
) -> NightjarError:
    evidence = f"{_seen(where)}; {error.evidence}"
    try:
        transport = board.connect_slow(Deadline.after(_HELLO))
        try:
            Client(transport, generator=generator).hello(Deadline.after(_HELLO))
        finally:
            transport.close()
    except IdentityFailure:
        pass  # it answers, whatever it is
    except FirmwareFailure as fault:
        return fault
    except NightjarError as other:
        return FirmwareFailure(
            f"no answer from the firmware to HELLO on any port: it is at {where.place}",
            evidence=f"{evidence}; on the other port: {other.what}",
            next_step="look at that line, and at what runs before it",
        )
    return LinkFailure(
        "the line is dead: the firmware answers on another connection to the board",
        evidence=evidence,
        next_step="check the cable of this port, then run again",
    )


def _seen(where: Whereabouts | None) -> str:
    if where is None:
        return "the board does not say where its PC is"
    return f"PC {where.pc:#010x}, at {where.place}" + (", waiting" if where.waiting else "")
