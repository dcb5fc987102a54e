"""Replays a session: the board, its links and the clock as they were recorded."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from host.boards.base import Board, FlashReport
from host.boards.whereabouts import Whereabouts
from host.deadline import Deadline
from host.errors import BadInput, NightjarError
from host.link.transport import Transport
from host.reading import load_json
from host.recording.manifest import EXPLAINED, Asked, restated, stated
from host.recording.recording import Recording
from host.recording.records import Kind, Record
from host.typed import typed

T = TypeVar("T")
_SHOWN = 24  # bytes of a frame in a message


class Diverged(BadInput):
    """The session does not go on as it was recorded: another version of nightjar asks otherwise."""


class CutOff(Exception):
    """The recorded session was ended here from outside; `error` says by what, where that is known."""

    def __init__(self, error: NightjarError | None) -> None:
        super().__init__("the recorded session was ended here")
        self.error = error


class Player:
    """The tape that a session is replayed from: `replace(session, tape=Player(recording))`.

    No time passes but what was recorded: a read gives what came next, or else was a silence until its deadline.

    diverged: the first thing that was not as it was recorded. Whatever the session made of it, it then proves nothing.
    """

    trusts = False

    def __init__(self, recording: Recording) -> None:
        manifest = recording.manifest
        self.generator = random.Random(manifest.generator)
        self.diverged: Diverged | None = None
        self._origin = manifest.origin
        self._versions = manifest.versions
        self._ended = None if manifest.ended is None else restated(manifest.ended)
        self._asked: Iterator[Asked] = iter(manifest.asked)
        self._under_way: Asked | None = None
        self._records = recording.records()
        self._next = next(self._records, None)
        self._at: float = 0  # microseconds since the session began
        self._frames = 0
        self._lines = 1

    @property
    def elapsed(self) -> float:
        """Seconds of the session that are replayed."""
        return self._at / 1e6

    def now(self) -> float:
        if self._next is not None and self._next.kind == Kind.CLOCK:
            self._take()
        return (self._origin + self._at) / 1e6

    @contextmanager
    def opened(self, opening: Callable[[], AbstractContextManager[Board]]) -> Iterator[Board]:
        gave = self.gave("open", dict)
        yield _Board(self, str(gave.get("name")), bool(gave.get("kept")), str(gave.get("boot", "")))

    def line(self, transport: Transport) -> Transport:
        return transport

    def explained(
        self, error: NightjarError, ask: Callable[[], NightjarError] | None
    ) -> NightjarError:
        record = self._event()
        if record is None or self._note(record).get("call") != EXPLAINED:
            return error
        again = _error(self.gave(EXPLAINED, dict))
        return error if stated(again) == stated(error) else again

    def asked(self, what: str) -> None:
        self._under_way = next(self._asked, None)
        record = self._event()
        said = self._note(record) if record is not None else {}
        if self._under_way is None or said.get("asked") != what or self._under_way.what != what:
            raise self._otherwise(f"{what} is asked")
        self._take()

    def answered(self) -> None:
        self._under_way = None

    def deceived(self) -> None:
        """It never is: it believes nothing."""

    def finish(self) -> None:
        """The session is over.

        Raises:
            Diverged: it was not so when it was recorded, or went another way before.
        """
        if self.diverged is None and self._event() is not None:
            self._otherwise("the session is over")
        if self.diverged is not None:
            raise self.diverged

    def send(self, line: int, data: bytes) -> None:
        """The client sends a frame: it must be the next one that was recorded."""
        record = self._event()
        self._frames += 1
        if record is None or (record.kind, record.line, record.data) != (Kind.SENT, line, data):
            frame = f"frame {self._frames} to the board, {_shown(data)}"
            raise self._otherwise(f"{frame}, is sent")
        self._take()
        # What failed stands right behind it: to look beyond the clock would set it on.
        self._raise_what_came(line, self._next)

    def receive(self, line: int, deadline: Deadline) -> bytes:
        """What the client reads next."""
        record = self._event()
        self._raise_what_came(line, record)
        if record is None or "asked" in self._note(record):
            raise self._otherwise("more is read")
        if record.kind in (Kind.CAME, Kind.SILENCE) and record.line == line:
            self._take()
            return record.data
        # Nothing came before the session did something else: another client would have waited in vain.
        self._wait_until(deadline.at)
        return b""

    def _wait_until(self, at: float) -> None:
        """Let the clock show `at` or later; rounding alone may leave it short of that, for ever."""
        self._at = max(self._at, at * 1e6 - self._origin)
        while (self._origin + self._at) / 1e6 < at:
            self._at += 1

    def other_line(self) -> int:
        """The number of another connection."""
        self._lines += 1
        return self._lines - 1

    def gave(self, call: str, kind: type) -> Any:
        """What a call of the board gave, of type `kind`; or what it raised."""
        record = self._event()
        said = self._note(record) if record is not None else {}
        if said.get("call") != call:
            raise self._otherwise(f"{call} of the board is called")
        self._take()
        if "raised" in said:
            raise _error(said["raised"])
        gave = said.get("gave")
        if not isinstance(gave, kind):
            raise _damaged(f"{call} gave {str(gave)[:80]!r}")
        return gave

    def _take(self) -> None:
        assert self._next is not None
        self._at = max(self._at, self._next.at)
        self._next = next(self._records, None)

    def _event(self) -> Record | None:
        """The next record that is no look at the clock; it is not taken yet."""
        while self._next is not None and self._next.kind == Kind.CLOCK:
            self._take()
        return self._next

    def _note(self, record: Record) -> Mapping[str, Any]:
        if record.kind != Kind.NOTE:
            return {}
        said = load_json(record.data, "a note of a recording")
        return said if isinstance(said, dict) else {}

    def _raise_what_came(self, line: int, record: Record | None) -> None:
        """Raise what the line failed with, if that is `record`, which is next."""
        said = self._note(record) if record is not None else {}
        if "raised" in said and said.get("line") == line:
            self._take()
            raise _error(said["raised"])

    def _otherwise(self, now: str) -> Exception:
        """What it means that the session does now what was not recorded.

        It was cut off there, where it is at the end of what was recorded of a question that was never answered.
        """
        record = self._event()
        over = record is None or "asked" in self._note(record)
        if over and self._under_way is not None and not self._under_way.answered:
            broken = self._under_way.broken
            return CutOff(self._ended if broken is None else restated(broken))
        if record is None and self._ended is not None:
            return CutOff(self._ended)
        recorded = "nothing more" if record is None else _described(record)
        if self.diverged is None:
            self.diverged = Diverged(
                f"the session does not go on as it was recorded: {now}",
                evidence=f"Received: a recording with {recorded} there, made by"
                f" {', '.join(f'{name} {version}' for name, version in self._versions.items())}",
                next_step="replay it with the version of nightjar that recorded it",
            )
        return self.diverged


class _Line:
    """A connection to the board that was."""

    def __init__(self, player: Player, number: int) -> None:
        self._player = player
        self._number = number

    def write(self, data: bytes, deadline: Deadline) -> None:
        self._player.send(self._number, data)

    def read(self, deadline: Deadline) -> bytes:
        return self._player.receive(self._number, deadline)

    def close(self) -> None:
        pass


class _Board:
    """The board that was."""

    def __init__(self, player: Player, name: str, kept: bool, boot: str) -> None:
        self.name = name
        self.kept = kept
        self.boot = boot
        self._player = player

    def flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        return _typed(FlashReport, self._player.gave("flash", dict))

    def reset(self, deadline: Deadline) -> None:
        self._player.gave("reset", type(None))

    def connect(self, deadline: Deadline) -> Transport:
        self._player.gave("connect", type(None))
        return _Line(self._player, 0)

    def connect_slow(self, deadline: Deadline) -> Transport:
        self._player.gave("connect_slow", type(None))
        return _Line(self._player, self._player.other_line())

    def symbolize(self, elf: Path, pc: int) -> str:
        return str(self._player.gave("symbolize", str))

    def whereabouts(self, elf: Path, deadline: Deadline) -> Whereabouts | None:
        gave = self._player.gave("whereabouts", object)
        return None if gave is None else _typed(Whereabouts, gave)

    def noted(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        pass


def _typed(kind: type[T], raw: Any) -> T:
    try:
        return typed(kind, raw)
    except ValueError as error:
        raise _damaged(str(error)) from error


def _error(raw: Any) -> NightjarError:
    try:
        return restated(raw)
    except ValueError as error:
        return _damaged(str(error))


def _damaged(received: str) -> BadInput:
    return BadInput(
        "a recording holds what its board did, as nightjar writes it",
        evidence=f"Received: {received}",
    )


def _described(record: Record) -> str:
    if record.kind == Kind.NOTE:
        return f"the note {record.data[:80].decode(errors='replace')}"
    return f"{record.kind.name} on line {record.line}, {_shown(record.data)},"


def _shown(data: bytes) -> str:
    more = "" if len(data) <= _SHOWN else f"... of {len(data)} bytes"
    return data[:_SHOWN].hex() + more
