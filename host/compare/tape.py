"""What stands between a session and its board while the session is recorded or replayed: host/recording."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from host.boards.base import Board
from host.errors import NightjarError
from host.link.transport import Transport


class Tape(Protocol):
    """Everything that a session takes from outside goes through here, time and chance included."""

    @property
    def trusts(self) -> bool:
        """Whether the session may believe expectations that were kept of an earlier run."""

    @property
    def generator(self) -> random.Random:
        """Draws the request ids and nonces of the session's clients."""

    def now(self) -> float:
        """The clock of the session."""

    def opened(
        self, opening: Callable[[], AbstractContextManager[Board]]
    ) -> AbstractContextManager[Board]:
        """The board of the session; `opening` opens a real one."""

    def line(self, transport: Transport) -> Transport:
        """The link of the session as its client is to see it; `transport` is the board's, with its faults."""

    def explained(
        self, error: NightjarError, ask: Callable[[], NightjarError] | None
    ) -> NightjarError:
        """What `ask` makes of an error, by other connections than the session's; None: nobody can be asked."""

    def asked(self, what: str) -> None:
        """The session begins to ask this; what follows belongs to it."""

    def answered(self) -> None:
        """What was asked last was answered, well or not."""

    def deceived(self) -> None:
        """The session believed what was wrong, and asks again: nobody who computes would ask so."""
