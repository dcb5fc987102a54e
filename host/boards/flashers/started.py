"""Waits for a board that is started by hand: what answers may be what ran before, or has begun since.

A number of starts decides nothing: it lies in memory, which begins anew with the power. A session does: firmware
forgets it when it starts, and nobody else begins one while the port is ours.
"""

import time
from collections.abc import Callable

from host.boards.bench_file import BenchBoard
from host.boards.kinds import SILICON
from host.deadline import Deadline
from host.errors import BoardFailure, BoardLocked, LinkFailure, NightjarError
from host.link.client import Client
from host.link.exchange import Exchange
from host.link.frames import Frame, FrameType
from host.link.identity import check_identity
from host.link.messages import ErrorCode, ErrorResponse, Hello, cost_request
from host.link.serial_url import SerialUrl
from host.link.transport import Transport
from host.project import Project

_ASK = 1.0  # seconds for each question
_AGAIN = 0.2  # between two looks: a port may be gone while the board has no power
_REPEAT = 0.1  # between two tries of one question
_REQUESTS = 1 << 16


def booted(
    board: BenchBoard,
    project: Project,
    before: Hello | None,
    deadline: Deadline,
    say: Callable[[str], None],
) -> Hello:
    """The HELLO of the project's firmware, started after `before`.

    Args:
        board: with its port.
        project: whose firmware it is to run.
        before: what answered before it was written; None: nothing did.
        deadline: to begin the last look at it.
        say: takes what is there meanwhile, whenever that changes.

    Raises:
        BoardLocked: another process has its port.
        BoardFailure: it was not started again, or nothing answers.
        IdentityFailure: other firmware was started.
        LinkFailure: nothing sensible answers.
    """
    said = ""
    while True:
        try:
            return _look(board, project, before)
        except BoardLocked:
            raise
        except NightjarError as error:
            if deadline.expired:
                raise
            if error.what != said:
                said = error.what
                say(said)
        time.sleep(_AGAIN)


def _look(board: BenchBoard, project: Project, before: Hello | None) -> Hello:
    port = SerialUrl(str(board.port), board.baud)
    try:
        if before is not None and still_runs(port, before.nonce, Deadline.after(_ASK)):
            raise BoardFailure(
                "the board was not started again after it was written",
                evidence=f"build-id {before.build_id.hex()} still knows the session that was begun before",
                next_step=f"switches: {SILICON[board.kind].flash}; then power-cycle the board",
            )
        hello = Client(port).hello(Deadline.after(_ASK))
    finally:
        port.close()
    check_identity(hello, project)
    return hello


def still_runs(transport: Transport, session: int, deadline: Deadline) -> bool:
    """Whether what answers has run without a new start since it began its last session, which is `session`.

    Raises:
        LinkFailure: nothing answers.
        NightjarError: as `Exchange.receive`.
    """
    exchange, asked = Exchange(transport), set[int]()
    while not deadline.expired:
        # A number that it takes for an older request's is not answered: half of all are.
        request = exchange.generator.randrange(1, _REQUESTS)
        asked.add(request)
        attempt = deadline.at_most(_REPEAT)
        exchange.send(FrameType.REQUEST, request, cost_request(session, 0, 0), deadline)
        while (frame := exchange.receive(attempt)) is not None:
            if (
                isinstance(frame, Frame)
                and frame.type == FrameType.RESPONSE
                and frame.request in asked
            ):
                said = exchange.parse(frame)
                return not (isinstance(said, ErrorResponse) and said.code == ErrorCode.NO_SESSION)
    raise LinkFailure(
        "nothing sensible answers",
        evidence=f"{len(asked)} questions; link: {exchange.stats}",
        next_step="check the board's power and its cable, and that the switches stand as told",
    )
