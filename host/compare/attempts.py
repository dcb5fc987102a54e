"""A session that its board or its link ended is begun anew, from the flashing on; never one that was judged."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from host.boards import board_status
from host.boards.recovery.ladder import Step
from host.boards.recovery.recover import recover
from host.boards.tiers import KINDS
from host.boards.which import Which
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import BoardFailure, BoardLocked, FlashFailure, LinkFailure, NightjarError
from host.exit_codes import Exit
from host.report.attempt import FailedAttempt
from host.report.verdict import Verdict

T = TypeVar("T")
_RECOVERY = 1200.0  # seconds for bringing a board back


def is_retried(error: BaseException | None) -> bool:
    """Whether another attempt may end otherwise: no verdict on the firmware, and nobody else's board."""
    infrastructure = isinstance(error, BoardFailure | LinkFailure | FlashFailure)
    return infrastructure and not isinstance(error, BoardLocked)


def attempted(
    most: int,
    attempt: Callable[[int], T],
    back: Callable[[NightjarError, int], tuple[Step, ...] | None],
    say: Callable[[str], None],
) -> tuple[T, tuple[FailedAttempt, ...]]:
    """What the first attempt gives that is not retried, and those before it.

    Args:
        most: attempts at most, 1 or more.
        attempt: made with its number, from 1; raises what ends it.
        back: told what ended an attempt, and its number; the steps of the ladder, or None where the board stays away.
        say: told of each attempt that failed.

    Raises:
        NightjarError: what ended the first attempt, where no later one did better; with what ended the others.
    """
    failed: list[FailedAttempt] = []
    first: NightjarError | None = None
    while True:
        try:
            return attempt(len(failed) + 1), tuple(failed)
        except NightjarError as error:
            if not is_retried(error):
                raise
            first = first or error
            number = len(failed) + 1
            say(f"attempt {number} of {most}: {error}")
            steps = back(error, number) if number < most else None
            failed.append(FailedAttempt.of(error, steps or ()))
            if steps is None:
                raise _first(first, failed) from error


def _first(cause: NightjarError, failed: list[FailedAttempt]) -> NightjarError:
    """The first cause, which tells of what was found behind it."""
    if len(failed) > 1:
        others = "; ".join(
            f"attempt {number}: {one.failure}: {one.what}"
            for number, one in enumerate(failed[1:], start=2)
        )
        cause.evidence = f"{cause.evidence}; {others}"
    return cause


def outlives(session: Session) -> bool:
    """Whether the board of a session is there before and behind it: at a port, or kept."""
    at = session.at or Which(session.board)
    if at.url is not None:
        return True
    return at.tier in KINDS and board_status(at, root=session.root).record is not None


def bring_back(
    session: Session, error: NightjarError, say: Callable[[str], None]
) -> tuple[Step, ...] | None:
    """Climb the ladder of a session's board, if it is one that outlives the session.

    Returns:
        the steps; None where the board stays away, and is marked if it is one at a port.
    """
    if not outlives(session):
        return ()  # a new one is started
    at = session.at or Which(session.board)
    limit = Deadline.after(_RECOVERY)
    if session.limit is not None:
        limit = limit.at_most(session.limit.remaining)
    elf = session.project.elf if session.flashes else None
    try:
        found = recover(
            *(at, elf, say, limit),
            cause=f"{error.failure_class}: {error.what}",
            root=session.root,
        )
    except NightjarError as worse:
        say(f"it cannot be brought back: {worse.what}")
        return None
    return found.steps if found.answers else None


def with_attempts(verdict: Verdict, failed: tuple[FailedAttempt, ...], allowed: int) -> Verdict:
    """The verdict with what failed before it: FLAKY where they are more than `allowed`, if no other code is first."""
    flaky = verdict.exit_code == Exit.OK and len(failed) > allowed
    return replace(
        verdict,
        attempts=1 + len(failed),
        failed_attempts=failed,
        exit_code=Exit.FLAKY if flaky else verdict.exit_code,
    )
