"""A board brought back, or marked."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from host.boards import open_board
from host.boards.flashers.reach import plugged
from host.boards.lease import lease_is_lost
from host.boards.recovery.ladder import ANSWERS, Step, climb
from host.boards.recovery.mark import mark_wedged, mark_well
from host.boards.recovery.rungs import hello, rungs_of
from host.boards.which import Which
from host.deadline import Deadline


@dataclass(frozen=True)
class Recovery:
    """What came of the ladder. answers: whether the board says HELLO; marked: whether it was left marked."""

    answers: bool
    marked: bool
    steps: tuple[Step, ...]


def recover(
    at: Which,
    elf: Path | None,
    say: Callable[[str], None],
    limit: Deadline,
    *,
    cause: str = "",
    wait: float = 0,
    root: Path | None = None,
) -> Recovery:
    """Climb the ladder until the board answers; mark one at a port that does not.

    Args:
        at: which board: at its port, or kept.
        elf: what is to run there; None: nobody has said.
        say: told each step.
        limit: no rung is begun behind it.
        cause: what was found first; "": what the first rung finds.
        wait, root: as of `open_board`.

    Raises:
        NightjarError: as `open_board`.
    """
    at = replace(at, flashes=False).located()
    if at.standing is not None:
        at = replace(at, entry=plugged(at.standing))
    with open_board(at, root=root, wait=wait, marked=True) as board:
        steps = climb(rungs_of(board, at.entry, elf), lambda: hello(board), say, limit)
        answers, standing = steps[-1].outcome == ANSWERS, at.standing
        if not answers and lease_is_lost(at.name):
            standing = None  # nobody knows how the board is
        if standing is not None and answers:
            mark_well(standing)
        elif standing is not None:
            mark_wedged(standing, cause or f"{steps[0].rung}: {steps[0].said}")
    return Recovery(answers, standing is not None and not answers, steps)
