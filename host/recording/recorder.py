"""Records a session while it runs: everything that it takes from outside, in order."""

import json
import platform
import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import host
from host.boards.base import Board, FlashReport
from host.boards.whereabouts import Whereabouts
from host.compare.session import Session
from host.compare.vectors import make_vectors
from host.deadline import Deadline
from host.errors import HostFailure, NightjarError
from host.link import frames, messages
from host.link.faults import client_seed, parse_faults
from host.link.transport import Transport
from host.recording import archive
from host.recording.manifest import EXPLAINED, Asked, Manifest, SuiteRun, Test, stated
from host.recording.recording import (
    Recording,
    project_members,
    subject_members,
    too_long,
    vectors_npz,
)
from host.recording.records import MOST_RECORDS, Kind, Stream

T = TypeVar("T")


class Recorder:
    """The tape that a session is recorded on: `replace(session, tape=Recorder(session))`.

    The ELF is taken as it is now, before it is flashed.

    Args:
        session: without a tape.
        faults: of its link, as `parse_faults` takes them; they seed the client, too. None or "": there are none.
        seed: of the client's ids and nonces, to ask as another session did; None: of the faults, or a new one.
        trusts: whether the session may believe what was kept of an earlier run. If that is wrong, it is no recording.
    """

    def __init__(
        self,
        session: Session,
        *,
        faults: str | None = None,
        seed: str | None = None,
        trusts: bool = False,
    ) -> None:
        self.session = session
        self.faults = faults or ""
        drawn = client_seed(parse_faults(faults).seed) if faults else secrets.token_hex(16)
        self.seed = drawn if seed is None else seed
        self.generator = random.Random(self.seed)
        self.trusts = trusts
        self.test: Test | None = None  # that will ask next
        self._deceived = False
        self._project = project_members(session.project)
        self._origin = time.monotonic_ns() // 1000
        self._stream = Stream()
        self._depth = 0  # in what is recorded by its outcome alone
        self._lines = 1
        self._asked: list[Asked] = []
        self._errors: list[NightjarError] = []

    def now(self) -> float:
        at = self._at()
        if not self._depth:
            self._put(Kind.CLOCK, at)
        return (self._origin + at) / 1e6

    @contextmanager
    def opened(self, opening: Callable[[], AbstractContextManager[Board]]) -> Iterator[Board]:
        with ExitStack() as stack:
            board = self.outcome(
                "open",
                lambda: stack.enter_context(opening()),
                lambda made: {"name": made.name, "kept": made.kept, "boot": made.boot},
            )
            yield _Board(board, self)

    def line(self, transport: Transport) -> Transport:
        return _Line(transport, self, 0)

    def other_line(self, transport: Transport) -> Transport:
        """Another connection to the same board."""
        self._lines += 1
        return _Line(transport, self, self._lines - 1)

    def explained(
        self, error: NightjarError, ask: Callable[[], NightjarError] | None
    ) -> NightjarError:
        return error if ask is None else self.outcome(EXPLAINED, ask, stated)

    def asked(self, what: str) -> None:
        self._asked.append(Asked(what, test=self.test))
        self.test = None
        self.note({"asked": what})

    def answered(self) -> None:
        self._asked[-1] = replace(self._asked[-1], answered=True)

    def deceived(self) -> None:
        self._deceived = True

    @property
    def begun(self) -> bool:
        """Whether a board was asked for."""
        return self._stream.count > 0

    def broke(self, error: NightjarError) -> None:
        """What went wrong, outside the session, with the question under way, or else outside any."""
        last = self._asked[-1] if self._asked else None
        if last is None or last.answered or last.broken is not None:
            self._errors.append(error)
        else:
            self._asked[-1] = replace(last, broken=stated(error))

    def recording(self, line: str = "", suite: SuiteRun | None = None) -> Recording:
        """What was recorded; `line` is the command of the session, `suite` how the suite ended, if it was one.

        Raises:
            HostFailure: it is more than a recording may hold, or what the session did rests on what was kept wrongly.
            BadInput: its vectors are more than anybody could have drawn.
        """
        session = self.session
        if self._deceived:
            raise HostFailure(
                "the session believed an expectation that was kept of an earlier run, and was wrong",
                evidence="it asked again, as no replay would",
                next_step="run it again: what was kept is mended",
            )
        if len(self._stream) > archive.MOST_UNPACKED or self._stream.count > MOST_RECORDS:
            raise too_long(len(self._stream))
        manifest = Manifest(
            line=line,
            versions=_versions(),
            board=session.board,
            vectors=session.vectors,
            given=len(session.given),
            seed=session.seed,
            repeats=session.repeats,
            generator=self.seed,
            origin=self._origin,
            model=str(session.subject.path),
            project=str(session.project.path),
            bundle=session.subject.contract_json is not None,
            flashes=session.flashes,
            limit=None if session.limit is None else session.limit.at,
            faults=self.faults,
            asked=tuple(self._asked),
            errors=tuple(map(stated, self._errors)),
            suite=suite,
            quarantine=session.quarantine,
            npu_library="" if session.network is None else session.network.generated.library,
        )
        members = {
            **subject_members(session.subject),
            **self._project,
            **self._vectors(),
            archive.FRAMES: bytes(self._stream),
        }
        return Recording(manifest, members)

    def outcome(self, call: str, act: Callable[[], T], told: Callable[[T], Any]) -> T:
        """What the board did, and a note of it; `told` makes JSON of it."""
        try:
            with self.hidden():
                made = act()
        except NightjarError as error:
            self.note({"call": call, "raised": stated(error)})
            raise
        self.note({"call": call, "gave": told(made)})
        return made

    def note(self, content: dict[str, Any]) -> None:
        """Write a note."""
        self._put(Kind.NOTE, self._at(), data=json.dumps(content, allow_nan=False).encode())

    def passed(self, kind: Kind, line: int, data: bytes = b"") -> None:
        """Write what passed a line."""
        self._put(kind, self._at(), line, data)

    def _at(self) -> int:
        return time.monotonic_ns() // 1000 - self._origin

    def _put(self, kind: Kind, at: int, line: int = 0, data: bytes = b"") -> None:
        # What is too long is given up, and said when the session is over: its verdict is the same.
        if len(self._stream) <= archive.MOST_UNPACKED and self._stream.count <= MOST_RECORDS:
            self._stream.put(kind, at, line, data)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """What is done in the block is recorded by its outcome alone."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def _vectors(self) -> dict[str, bytes]:
        """The inputs of the session that are no chunks of its bundle."""
        session, ports = self.session, self.session.project.description.inputs
        if not session.raw:
            return {}
        made = make_vectors(session.subject, ports, session.vectors, session.seed, session.given)
        return {archive.VECTORS: vectors_npz([one.inputs for one in made[: session.raw]])}


class _Line:
    """A transport whose frames, reads and failures are recorded."""

    def __init__(self, transport: Transport, recorder: Recorder, number: int) -> None:
        self._transport = transport
        self._recorder = recorder
        self._number = number

    def write(self, data: bytes, deadline: Deadline) -> None:
        self._recorder.passed(Kind.SENT, self._number, data)
        self._act(lambda: self._transport.write(data, deadline))

    def read(self, deadline: Deadline) -> bytes:
        data = self._act(lambda: self._transport.read(deadline))
        self._recorder.passed(Kind.CAME if data else Kind.SILENCE, self._number, data)
        return data

    def close(self) -> None:
        self._transport.close()

    def _act(self, act: Callable[[], T]) -> T:
        try:
            with self._recorder.hidden():
                return act()
        except NightjarError as error:
            self._recorder.note({"line": self._number, "raised": stated(error)})
            raise


class _Board:
    """A board whose doings are recorded. Its fast link is not: faults come between it and the client."""

    def __init__(self, board: Board, recorder: Recorder) -> None:
        self._board = board
        self._recorder = recorder

    @property
    def name(self) -> str:
        return self._board.name

    @property
    def kept(self) -> bool:
        return self._board.kept

    @property
    def boot(self) -> str:
        return self._board.boot

    def flash(self, elf: Path, deadline: Deadline) -> FlashReport:
        return self._recorder.outcome("flash", lambda: self._board.flash(elf, deadline), asdict)

    def reset(self, deadline: Deadline) -> None:
        self._recorder.outcome("reset", lambda: self._board.reset(deadline), lambda done: None)

    def connect(self, deadline: Deadline) -> Transport:
        return self._connected("connect", lambda: self._board.connect(deadline))

    def connect_slow(self, deadline: Deadline) -> Transport:
        made = self._connected("connect_slow", lambda: self._board.connect_slow(deadline))
        return self._recorder.other_line(made)

    def symbolize(self, elf: Path, pc: int) -> str:
        return self._recorder.outcome("symbolize", lambda: self._board.symbolize(elf, pc), str)

    def whereabouts(self, elf: Path, deadline: Deadline) -> Whereabouts | None:
        return self._recorder.outcome(
            "whereabouts",
            lambda: self._board.whereabouts(elf, deadline),
            lambda where: None if where is None else asdict(where),
        )

    def noted(self) -> tuple[str, ...]:
        """For who looks on: no part of the recording, by which nothing is judged."""
        return self._board.noted()

    def close(self) -> None:
        self._board.close()

    def _connected(self, call: str, connect: Callable[[], Transport]) -> Transport:
        return self._recorder.outcome(call, connect, lambda transport: None)


def _versions() -> dict[str, str]:
    return {
        "nightjar": host.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "link": str(frames.VERSION),
        "protocol": str(messages.PROTOCOL),
    }
