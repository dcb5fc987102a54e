"""Whole sessions on the native board, with drawn firmware over drawn links: each must end as one table says."""

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from host.boards.folder import private_folder
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import NightjarError
from host.link.faults import Direction, Faults, FrameFaults
from host.link.transport import Transport
from host.report.verdict import Verdict
from host.selftest import links
from host.selftest.links import Line
from host.selftest.pool import Ended, spread
from host.selftest.stock import SEEDS, VECTORS, Firmware, Stock, is_first, make_stock

SLACK = (
    25.0  # seconds beyond a deadline: a debugger looks, HELLO on the other port, the board is ended
)
_MENDED = 60.0  # seconds for what retries mend
_SHORT = 2.0  # seconds for what nothing mends: it ends by its deadline
_PATIENT = 8  # times as long has a session that found no time
_USED = 0.5  # seconds before its deadline at which a session gives up
_FRAMES = 40  # more than a session sends over a link that is whole
_APART = 10_000_000  # sessions between two campaigns
_THREADS = 16  # sessions of one process at once: most of them wait
_DIRECTIONS: tuple[Direction, ...] = ("to_board", "from_board", "both")


@dataclass(frozen=True)
class Kind:
    """A kind of link.

    share: how often it is drawn, in thousandths. turns: what a session ends with that needs an answer after the link
    was struck, whatever firmware runs; "" where retries mend all. line: what happens, where it happens at one moment.
    rate: of damaged bytes. frames: of frames lost, doubled or, with `late`, repeated. seconds: of a session.
    """

    share: int
    turns: str = ""
    line: type[Line] = Line
    rate: float = 0.0
    frames: float = 0.0
    late: bool = False
    seconds: float = _MENDED

    @property
    def happens(self) -> bool:
        """Whether it does at one moment."""
        return self.line is not Line


# The one table: a session ends with what its firmware gives (stock.py); where its link was struck, with `turns`.
# Where that came while a question was already asked, or little by little, its firmware may have been quicker; and where
# the board still hears, it may hang all the same.
KINDS: dict[str, Kind] = {
    "whole": Kind(107),
    "bytes at 1e-4": Kind(100, rate=1e-4),
    "bytes at 1e-3": Kind(120, rate=1e-3),
    "bytes at 1e-2": Kind(90, "LINK", rate=1e-2, seconds=20.0),
    "bytes at 1e-1": Kind(3, "LINK", rate=1e-1, seconds=1.0),
    "frames lost or doubled": Kind(100, frames=0.05),
    "frames lost, doubled or late": Kind(100, frames=0.1, late=True),
    "chatter": Kind(80, line=links.Chatter),
    "boots twice": Kind(80, line=links.Boots),
    "dead": Kind(25, "LINK", links.Dead, seconds=_SHORT),
    "dead to the board": Kind(20, "LINK", links.Deaf, seconds=_SHORT),
    "dead from the board": Kind(20, "LINK", links.Numb, seconds=_SHORT),
    "noise": Kind(15, "LINK", links.Noise, seconds=_SHORT),
    "zeros": Kind(15, "LINK", links.Zeros, seconds=_SHORT),
    "reset": Kind(60, "BOARD", links.Reset),
    "killed": Kind(50, "BOARD", links.Killed),
    "stopped": Kind(15, "BOARD", links.Frozen, seconds=_SHORT),
}
# How often firmware of a kind is drawn. What spins costs this computer its whole deadline.
FIRMWARE = {
    "good": 450,
    "flipped": 350,
    "hanging": 29,
    "spinning": 1,
    "faulting": 80,
    "foreign": 90,
}


@dataclass(frozen=True)
class Drawn:
    """A session, as its seed draws it."""

    seed: int
    kind: str
    firmware: Firmware
    vectors: int
    vector_seed: int
    after: int  # frames, until something happens
    background: float  # rate of damaged bytes besides
    direction: Direction

    @property
    def seconds(self) -> float:
        """Its deadline. Firmware that hangs answers nothing until then, so it is short."""
        return _SHORT if "hangs" in self.firmware.name else KINDS[self.kind].seconds


@dataclass(frozen=True)
class Result:
    """How a session ended.

    outcome: EXACT, DIFFERENT, or the class of its failure. wrong: what is not as it must be; "" where all is. struck:
    whether something happened. again: whether it was done anew, because the first time was too short. repeats:
    requests that were sent more than once. faults: bytes or frames that were damaged.
    """

    seed: int
    kind: str
    firmware: str
    outcome: str
    wrong: str
    struck: bool
    again: bool
    repeats: int
    faults: int
    seconds: float


def draw(stock: Stock, seed: int) -> Drawn:
    """The session of a seed; the same one each time."""
    generator = random.Random(f"session {seed}")
    kind = generator.choices(list(KINDS), [k.share for k in KINDS.values()])[0]
    firmware = generator.choices(list(FIRMWARE), list(FIRMWARE.values()))[0]
    return Drawn(
        seed,
        kind,
        generator.choice(stock.firmware[firmware]),
        generator.randint(1, VECTORS),
        generator.choice(SEEDS),
        generator.randrange(_FRAMES),
        generator.choice((0.0, 0.0, 1e-4)) if KINDS[kind].happens else 0.0,
        generator.choice(_DIRECTIONS),
    )


def run(stock: Stock, seed: int) -> Result:
    """The session of a seed, on a board of its own.

    Whatever is wrong without a verdict, and has used up its time, is done once more with more of it: on a busy
    computer a board may start late.
    """
    drawn = draw(stock, seed)
    result = _attempt(stock, drawn, drawn.seconds, again=False)
    judged = result.outcome in ("EXACT", "DIFFERENT")
    if result.wrong and not judged and result.seconds > drawn.seconds - _USED:
        return _attempt(stock, drawn, drawn.seconds * _PATIENT, again=True)
    return result


def _attempt(stock: Stock, drawn: Drawn, seconds: float, *, again: bool) -> Result:
    lines: list[Line] = []
    firmware, session = drawn.firmware, session_of(stock, drawn, seconds, lines)
    verdict, error = None, None
    started = time.monotonic()
    try:
        verdict = prove(session)
    except NightjarError as raised:
        error = raised
    took = time.monotonic() - started
    line = lines[-1] if lines else None
    outcome = _outcome(verdict, error)
    faults = _faults(line)
    happens = line is not None and KINDS[drawn.kind].happens
    struck = line.struck if line is not None and happens else faults > 0
    certain = line is not None and happens and line.certain
    wrong = _wrong_class(drawn, outcome, struck, certain)
    wrong = wrong or (_wrong_verdict(drawn, verdict) if verdict else _wrong_text(drawn, error))
    if not wrong and took > seconds + SLACK:
        wrong = f"it took {took:.1f} s, its deadline was {seconds:.0f} s"
    if wrong and error is not None:
        wrong = f"{wrong}: {error}"
    repeats = 0 if line is None else line.repeats
    return Result(
        drawn.seed,
        drawn.kind,
        firmware.name,
        outcome,
        wrong,
        struck,
        again,
        repeats,
        faults,
        took,
    )


def session_of(stock: Stock, drawn: Drawn, seconds: float, lines: list[Line]) -> Session:
    """The session that was drawn, on a board of its own, with a deadline; its link is appended to `lines`."""

    def wrap(transport: Transport) -> Transport:
        lines.append(_line(drawn, transport))
        return lines[-1]

    return Session(
        *(drawn.firmware.project, stock.subject, stock.tier, drawn.vectors, drawn.vector_seed),
        limit=Deadline.after(seconds),
        root=stock.boards,
        wrap=wrap,
        repeats=2,
    )


def _line(drawn: Drawn, board: Transport) -> Line:
    kind, link = KINDS[drawn.kind], _damaging(drawn, board)
    return kind.line(board, link, random.Random(f"client {drawn.seed}"), drawn.after)


def _damaging(drawn: Drawn, board: Transport) -> Transport:
    """What damages bytes or frames on the way, if anything does."""
    kind = KINDS[drawn.kind]
    if kind.frames:
        return FrameFaults(board, seed=drawn.seed, rate=kind.frames, late=kind.late)
    rate = kind.rate or drawn.background
    return Faults(drawn.seed, rate, drawn.direction).wrap(board) if rate else board


def _faults(line: Line | None) -> int:
    return 0 if line is None or line.link is line.board else int(getattr(line.link, "faults", 0))


def _outcome(verdict: Verdict | None, error: NightjarError | None) -> str:
    if verdict is not None:
        return "EXACT" if verdict.exact else "DIFFERENT"
    assert error is not None
    return error.failure_class


def _wrong_class(drawn: Drawn, outcome: str, struck: bool, certain: bool) -> str:
    """The table."""
    turns, gives = KINDS[drawn.kind].turns, drawn.firmware.gives
    right = {gives}
    if struck and turns:
        # What is asked still comes to a board that cannot answer: a hang that this begins is seen there.
        seen = KINDS[drawn.kind].line is links.Numb and "hangs" in drawn.firmware.name
        right = {turns} if certain and not seen else {turns, gives}
    return "" if outcome in right else f"{outcome} instead of {' or '.join(sorted(right))}"


def _wrong_verdict(drawn: Drawn, verdict: Verdict) -> str:
    exact = drawn.firmware.gives == "EXACT"
    if (verdict.exact, verdict.exit_code) != (exact, 0 if exact else 19):
        return f"exact: {verdict.exact}, exit code {verdict.exit_code}"
    if not verdict.complete or verdict.vectors != drawn.vectors:
        return f"{verdict.vectors} of {drawn.vectors} vectors, complete: {verdict.complete}"
    found = verdict.first_difference
    if not is_first(drawn.firmware, drawn.vector_seed, drawn.vectors, found):
        return f"not the first difference: {found}"
    return ""


def _wrong_text(drawn: Drawn, error: NightjarError | None) -> str:
    says = drawn.firmware.says
    if error is None or error.failure_class != drawn.firmware.gives or re.search(says, str(error)):
        return ""
    return f"it does not say {says}"


@contextmanager
def stocked(tier: str = "native") -> Iterator[Stock]:
    """A stock of firmware for a tier and a private folder of boards, which end with the block."""
    private = private_folder(None, make=True)
    with (
        TemporaryDirectory(prefix="nightjar-sessions-") as folder,
        TemporaryDirectory(prefix="st-", dir=private) as boards,
    ):
        yield make_stock(Path(folder), Path(boards), tier)


def seeds_of(seed: int, count: int) -> range:
    """The sessions of a campaign; those of another seed are other ones."""
    return range(seed * _APART, seed * _APART + min(count, _APART))


def campaign(stock: Stock, seeds: Sequence[int], workers: int) -> Iterator[Ended[int, Result]]:
    """The sessions of these seeds, as they end."""
    limit = max(kind.seconds for kind in KINDS.values()) * _PATIENT + 2 * SLACK
    start: Callable[[], Callable[[int], Result]] = partial(_start, stock)
    return spread(seeds, start, workers=workers, depth=_THREADS, limit=limit)


def _start(stock: Stock) -> Callable[[int], Result]:
    return partial(run, stock)
