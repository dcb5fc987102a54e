"""A board of the bench is flashed: asked first what it holds, written, and asked again who it is."""

from collections.abc import Callable
from dataclasses import dataclass

from host.boards.base import FlashReport
from host.boards.bench_file import BenchBoard
from host.boards.chip import as_run_by, check_uid
from host.boards.flashers import Flasher
from host.boards.flashers.parts import Image
from host.boards.flashers.started import booted
from host.boards.kinds import SILICON
from host.boards.tiers import tier_of
from host.deadline import Deadline
from host.errors import BoardFailure, BoardLocked, IdentityFailure, NightjarError
from host.link.baud import explain_speed
from host.link.client import Client
from host.link.identity import check_identity
from host.link.messages import Hello
from host.link.serial_url import SerialUrl
from host.project import Project

_WRITE = 900.0  # seconds: a NOR of megabytes, through every connect mode
_ASK = 1.0  # for HELLO of what runs already
_HELLO = 5.0  # for that of what was started
_MOVED = 300.0  # for switches to be moved by hand


@dataclass(frozen=True)
class Flashed:
    """What came of it.

    Attributes:
        report: None where the board held that build already.
        hello: None where nothing could be asked: no serial port is known, or the switches of a virtual
            board do not move.
    """

    report: FlashReport | None
    hello: Hello | None


def flash_board(
    board: BenchBoard,
    project: Project,
    image: Image,
    way: Flasher,
    say: Callable[[str], None],
    *,
    always: bool = False,
    moved: float = _MOVED,
) -> Flashed:
    """Flash a board that is ours.

    Args:
        board: with its probe and its port, as far as they are known.
        project: whose firmware it is.
        image: that firmware.
        way: how it is written.
        say: takes what the user has to do, and what was tried.
        always: whether it is written even where the board says that it holds it.
        moved: seconds for the switches to be moved before a boot from flash is missed.

    Raises:
        NightjarError: as `Flasher.flash`, and:
        BoardLocked: another process has its port.
        IdentityFailure: another chip answers than the bench says, or other firmware than was written.
        BoardFailure: its switches stand for the boot from flash where a development boot is needed, or
            nothing answers afterwards.
        LinkFailure: it answers at another speed.
    """
    before = ready(board, image)
    if before is not None and not always and _is(before, project):
        in_ram = image.boot == "development"
        if in_ram or way.holds(image, board, Deadline.after(_WRITE), say):
            return Flashed(None, as_run_by(tier_of(board.kind), before))
    report = way.flash(image, board, Deadline.after(_WRITE), say)
    if board.port is None:
        say("no serial port of the board is known: HELLO was not asked who runs there")
        return Flashed(report, None)
    if image.boot == "development":
        hello = _started(board)
    elif board.kind in SILICON:
        say(f"now: {SILICON[board.kind].flash}, then power-cycle; waiting for HELLO")
        hello = booted(board, project, before, Deadline.after(moved), say)
    else:
        say("written; it boots from flash once its machine starts with such switches")
        return Flashed(report, None)
    check_identity(hello, project)
    hello = as_run_by(tier_of(board.kind), hello)
    check_uid(board.name, board.chip_uid, hello.uid)
    return Flashed(report, hello)


def ready(board: BenchBoard, image: Image) -> Hello | None:
    """What runs on a board before it is flashed; None where nothing, or nothing sensible, answers.

    Raises:
        BoardFailure: they stand for the boot from flash where a development boot is needed.
        BoardLocked: another process has its port.
        IdentityFailure: another chip answers than the bench says.
    """
    if image.boot == "development" and board.switches == "flash":
        raise _wrong_switches(board)
    before = _running(board)
    if before is not None:
        check_uid(board.name, board.chip_uid, before.uid, untouched=True)
    return before


def _wrong_switches(board: BenchBoard) -> BoardFailure:
    kind = SILICON.get(board.kind)
    positions = "" if kind is None else f": {kind.development}, then power-cycle"
    return BoardFailure(
        f"the switches of {board.name} stand for the boot from flash, and a development boot is needed",
        evidence='Received: switches = "flash" in its bench entry',
        next_step=f'move them{positions}; write switches = "development"; or flash with --boot flash',
    )


def _ask(board: BenchBoard, deadline: Deadline) -> Hello:
    port = SerialUrl(str(board.port), board.baud)
    try:
        return Client(port).hello(deadline)
    finally:
        port.close()


def _running(board: BenchBoard) -> Hello | None:
    """The HELLO of what runs already; None where nothing, or nothing sensible, answers."""
    if board.port is None:
        return None
    try:
        return _ask(board, Deadline.after(_ASK))
    except BoardLocked:
        raise
    except NightjarError:
        return None


def _is(hello: Hello, project: Project) -> bool:
    try:
        check_identity(hello, project)
    except IdentityFailure:
        return False
    return True


def _started(board: BenchBoard) -> Hello:
    try:
        return _ask(board, Deadline.after(_HELLO))
    except NightjarError as error:
        raise explain_speed(error, str(board.port), board.baud) from error
