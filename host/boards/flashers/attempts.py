"""Connect modes, tried in turn: which one works depends on what runs on the chip."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from host.boards.bench_file import BenchBoard
from host.boards.flashers.tool import run
from host.deadline import Deadline
from host.errors import BoardFailure, NightjarError

T = TypeVar("T")


class NoAnswer(BoardFailure):
    """The chip does not answer in one connect mode; nothing was written."""


@dataclass(frozen=True)
class Attempt:
    """One way to connect.

    Attributes:
        how: for people.
        words: what the tool is told.
        before: a command that is run first; whether it helped, the attempt shows.
    """

    how: str
    words: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


def after_power_cycle(board: BenchBoard, words: tuple[str, ...] = ()) -> tuple[Attempt, ...]:
    """The attempt behind a power cycle; nothing where the bench cannot switch the board's power."""
    cycle = board.power.cycle
    return () if cycle is None else (Attempt("after a power cycle", words, ("sh", "-c", cycle)),)


def in_turn(attempts: Iterable[Attempt]) -> str:
    """What is tried, for people."""
    return f"connect modes, in turn: {', '.join(attempt.how for attempt in attempts)}"


class Connection:
    """The connect mode that works: once found it stays, until the chip no longer answers in it."""

    def __init__(
        self, attempts: Iterable[Attempt], deadline: Deadline, say: Callable[[str], None]
    ) -> None:
        self._left = list(attempts)
        self._deadline = deadline
        self._say = say
        self._failed: list[tuple[Attempt, NoAnswer]] = []
        self._prepare()

    def do(self, work: Callable[[Attempt], T]) -> T:
        """What `work` gives in the first connect mode in which it meets an answer.

        Raises:
            BoardFailure: it meets none in any; the first cause, with what else was tried.
            NightjarError: what `work` raises besides NoAnswer.
        """
        while True:
            attempt = self._left[0]
            try:
                return work(attempt)
            except NoAnswer as error:
                self._say(f"{attempt.how}: {error.what}")
                self._failed.append((attempt, error))
                del self._left[0]
                if not self._left or self._deadline.expired:
                    raise self._given_up() from self._failed[0][1]
                self._prepare()

    def _prepare(self) -> None:
        before = self._left[0].before
        if not before:
            return
        try:
            code = run(before, self._deadline)[0]
            self._say(f"{' '.join(before)}: exit status {code}")
        except NightjarError as error:
            self._say(f"{' '.join(before)}: {error.what}")

    def _given_up(self) -> BoardFailure:
        first = self._failed[0][1]
        tried = "; ".join(f"{attempt.how}: {error.what}" for attempt, error in self._failed)
        if len(self._failed) == 1:
            return BoardFailure(first.what, evidence=first.evidence, next_step=first.next_step)
        return BoardFailure(
            f"{first.what}, in any connect mode",
            evidence=f"{first.evidence}; tried: {tried}",
            next_step=first.next_step,
        )
