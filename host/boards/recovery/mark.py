"""The mark of a board that no rung brought back: who finds it is refused in moments, until it says HELLO again."""

from typing import Any

from host.boards.bench_file import BenchBoard
from host.boards.bench_lock import leave_mark, newest_mark
from host.boards.flashers.reach import marks
from host.boards.lock import right_now, this_command
from host.errors import BoardFailure


def mark_wedged(board: BenchBoard, cause: str) -> None:
    """Leave word that the board does not come back, for every user of this computer.

    Args:
        board: with its probe and its port, as `reach.named` gives it.
        cause: what was found first.
    """
    content = {"wedged": True, "cause": cause, "since": right_now(), "command": this_command()}
    for mark in marks(board):
        leave_mark(*mark, {**content, "name": board.name})


def mark_well(board: BenchBoard) -> None:
    """Leave word that it answers again, where it was marked."""
    if wedged(board) is not None:
        for mark in marks(board):
            leave_mark(*mark, {"wedged": False, "since": right_now()})


def wedged(board: BenchBoard) -> dict[str, Any] | None:
    """What was left of it: cause, since, command, uid; None where it is not marked."""
    for mark in marks(board):
        found = newest_mark(*mark)
        if found is not None and found.get("wedged") is True:
            return found
    return None


def require_well(board: BenchBoard) -> None:
    """Refuse a board that is marked.

    Raises:
        BoardFailure: it is, with what was found first and by whom.
    """
    found = wedged(board)
    if found is not None:
        raise BoardFailure(
            f"the board {board.name} is marked: no rung of the ladder brought it back",
            evidence=f"Received: {found.get('cause')}; since {found.get('since')},"
            f" `{found.get('command')}` of user {found.get('uid')}",
            next_step=f"look at it, then `nightjar board recover {board.name}`",
        )
