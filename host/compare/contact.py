"""A session's board and the link to it: opened, flashed, and known to be what was asked for."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial

from host.boards import open_board
from host.boards.base import Board
from host.boards.chip import as_run_by
from host.boards.silence import explain_silence
from host.boards.tiers import tier_of
from host.boards.vanished import explain_vanished
from host.compare.session import Session
from host.deadline import Deadline
from host.elf_record import check_recorded
from host.errors import BoardFailure, IdentityFailure, NightjarError
from host.files import sha256_file
from host.link.attempts import Mute, Silence
from host.link.baud import explain_speed
from host.link.client import Client
from host.link.identity import check_identity, check_tables
from host.link.messages import Hello
from host.link.registers import FirmwareFault
from host.link.stats import LinkStats

START = 60.0  # seconds to start a board and flash it
WRITE = 900.0  # the same at a port: a NOR of megabytes through a probe, and through every way to connect
HELLO = 10.0  # seconds that firmware which has been started has to say who it is


class Contact:
    """The way to one board. What it opens is given back with `stack`.

    client: the connection, once identity is proved. elf_sha256: of what was flashed. boot: what it starts from.
    """

    def __init__(self, session: Session, stack: ExitStack) -> None:
        self.client: Client | None = None
        self.elf_sha256 = ""
        self.boot = ""
        self._session = session
        self._stack = stack
        self._board: Board | None = None
        self._hang_up: Callable[[], None] | None = None
        self._generator: random.Random | None = (
            None if session.tape is None else session.tape.generator
        )

    def start(self) -> Hello:
        """Start the board, flash it, and hold its HELLO against what was asked for.

        Raises:
            IdentityFailure: another firmware, model or contract answers; nothing else has been asked by then.
            NightjarError: nobody answers, and why.
        """
        session = self._session
        self.elf_sha256 = check_recorded(session.project.elf)
        board = self._board = self._open()
        at_port = session.at is not None and session.at.url is not None
        limit = Deadline.after(WRITE if at_port else START)  # without what was waited for the board
        if session.limit is not None:
            limit = limit.at_most(session.limit.remaining)
        if session.flashes:
            board.flash(session.project.elf, limit)
        if sha256_file(session.project.elf) != self.elf_sha256:
            raise IdentityFailure(
                "the ELF changed while it was flashed",
                evidence=f"Received: {session.project.elf}",
                next_step="run it again when its build has ended",
            )
        self.boot = board.boot
        client = self._connect(board, limit)
        hello = self._hello(client, limit.at_most(min(HELLO, session.patience)))
        if session.at is not None:
            session.at.check_uid(hello)
        check_identity(hello, session.project, session.subject)
        check_tables(hello, session.project)
        hello = as_run_by(tier_of(session.board), hello)
        self.client = client
        return hello

    def _hello(self, client: Client, limit: Deadline) -> Hello:
        """The board's HELLO; where it answers at another speed of its port, that is said."""
        try:
            return client.hello(limit)
        except NightjarError as error:
            explained = self._at_another_speed(error, client.stats)
            if explained is error:
                raise
            raise explained from error

    def _at_another_speed(self, error: NightjarError, seen: LinkStats) -> NightjarError:
        """What HELLO raised, or else that the board answers at another speed, where it is one at a port."""
        at, tape = self._session.at, self._session.tape
        ask = None
        if at is not None and at.url is not None:
            ask = partial(self._ask_speeds, error, at.url, at.baud, seen)
        if tape is not None:
            return tape.explained(error, ask)
        return error if ask is None else ask()

    def _ask_speeds(
        self, error: NightjarError, url: str, baud: int, seen: LinkStats
    ) -> NightjarError:
        assert self._hang_up is not None
        self._hang_up()
        return explain_speed(error, url, baud, seen)

    def told(self) -> list[str]:
        """What was told beside the answers: by the firmware in its log, by the virtual chip in its notes."""
        logs = (
            [] if self.client is None else [f"the firmware says: {log}" for log in self.client.logs]
        )
        notes = () if self._board is None else self._board.noted()
        return logs + [f"the chip noted: {note}" for note in notes]

    def explained(self, error: NightjarError) -> NightjarError:
        """The failure behind `error`, as far as the board can tell: whose fault a silence is, where a fault is."""
        board, elf = self._board, self._session.project.elf
        if board is None:
            return error
        if isinstance(error, FirmwareFault):
            return error.symbolized(lambda address: board.symbolize(elf, address))
        if isinstance(error, Mute | Silence) and self._hang_up is not None:
            return explain_silence(error, board, elf, self._hang_up, self._generator)
        return self._away(error) if isinstance(error, BoardFailure) else error

    def _away(self, error: BoardFailure) -> NightjarError:
        """What a board at a port has raised, or else whether the port came back, where it has vanished."""
        at, tape = self._session.at, self._session.tape
        ask = None if at is None or at.url is None else partial(explain_vanished, error, at.url)
        if tape is not None:
            return tape.explained(error, ask)
        return error if ask is None else ask()

    def _open(self) -> Board:
        session = self._session
        left = float("inf") if session.limit is None else session.limit.remaining

        def opening() -> AbstractContextManager[Board]:
            meant = session.at or session.board
            return open_board(meant, root=session.root, wait=min(session.wait, left))

        opened = opening() if session.tape is None else session.tape.opened(opening)
        return self._stack.enter_context(opened)

    def _connect(self, board: Board, limit: Deadline) -> Client:
        session = self._session
        transport = board.connect(limit)
        self._stack.callback(transport.close)
        self._hang_up = transport.close
        line = session.wrap(transport) if session.wrap is not None else transport
        if session.tape is not None:
            line = session.tape.line(line)
        else:
            # Firmware that goes on running does not answer the nonce of a session that has ended.
            self._generator = getattr(line, "generator", None) if session.flashes else None
        return Client(line, generator=self._generator)
