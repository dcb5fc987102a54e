"""Sessions over drawn links with drawn firmware, recorded and judged again: the same verdict, class, code and words.

Each recording is also damaged as a file: that is refused, or changes nothing.
"""

import json
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from host.compare.conclude import Conclusion
from host.compare.prove import prove
from host.compare.session import Session
from host.errors import BadInput, NightjarError
from host.exit_codes import Exit
from host.recording.manifest import SuiteRun, stated
from host.recording.recorder import Recorder
from host.recording.recording import Recording
from host.recording.replay import check_code, replay
from host.selftest.file_damage import damages
from host.selftest.links import Killed, Line
from host.selftest.pool import Ended, spread
from host.selftest.sessions import KINDS, SLACK, Drawn, draw, session_of
from host.selftest.stock import Stock
from host.soak.sitting import sit

_INFERENCES = 4  # of the suite's soak
_THREADS = 4  # sessions of one process at once
_LIMIT = 600.0  # seconds of a case


@dataclass(frozen=True)
class Came:
    """What a session came to, but for what the caches of a computer knew: a verdict, an error, or both, as JSON."""

    code: int
    verdict: str
    error: str

    @classmethod
    def of(cls, conclusion: Conclusion) -> "Came":
        """Of a conclusion. What `nightjar verify` says of a difference stands in its verdict alone."""
        verdict = conclusion.verdict
        said = {} if verdict is None else verdict.as_json()
        said.pop("recalled", None)
        text = "" if verdict is None else f"{json.dumps(said, sort_keys=True)} {verdict.headline}"
        error = conclusion.error
        if verdict is not None and verdict.first_difference is not None:
            error = None
        return cls(int(conclusion.code), text, "" if error is None else json.dumps(stated(error)))

    def other_than(self, before: "Came") -> str:
        """In what it differs, in a few words; "" where it does not."""
        for name in ("code", "error", "verdict"):
            was, now = str(getattr(before, name)), str(getattr(self, name))
            if was != now:
                place = next(
                    (i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), 0
                )
                part = slice(max(0, place - 40), place + 80)
                return f"another {name}: ...{now[part]}, and was ...{was[part]}"
        return ""


@dataclass(frozen=True)
class Result:
    """How a case ended.

    tier: of its board. kind: of its link. suite: whether every question of the suite was asked. outcome: EXACT,
    DIFFERENT, or the class of the failure. wrong: what is not as it must be; "" where all is. refused, unchanged: of
    its file, damaged: how often it was refused, and how often it came to the same all the same.
    """

    seed: int
    tier: str
    kind: str
    firmware: str
    suite: bool
    outcome: str
    wrong: str
    refused: int
    unchanged: int
    bytes: int


def drawn_of(stocks: Sequence[Stock], seed: int) -> tuple[Stock, Drawn, bool]:
    """The stock, the session and whether it is the whole suite, of a seed: one in eight on the second stock, if any.

    A board that is killed is a native one.
    """
    generator = random.Random(f"replay {seed}")
    stock = stocks[-1] if generator.random() < 1 / 8 else stocks[0]
    drawn = draw(stock, seed)
    if issubclass(KINDS[drawn.kind].line, Killed) and stock is not stocks[0]:
        stock, drawn = stocks[0], draw(stocks[0], seed)
    return stock, drawn, generator.random() < 1 / 2


def run(stocks: Sequence[Stock], seed: int) -> Result:
    """Record the session of a seed, replay it, and replay what damage makes of its file."""
    stock, drawn, suite = drawn_of(stocks, seed)
    lines: list[Line] = []
    session = session_of(stock, drawn, drawn.seconds, lines)
    conclusion, data = recorded(session, suite=suite)
    came = Came.of(conclusion)
    wrong = _again(data, came, refused=False)[1]
    refused = unchanged = 0
    for name, damaged in damages(data, random.Random(f"damage {seed}")):
        was_refused, other = _again(damaged, came, refused=True)
        refused += was_refused
        unchanged += not was_refused and not other
        wrong = wrong or (f"the file with {name}: {other}" if other else "")
    return Result(
        *(seed, stock.tier, drawn.kind, drawn.firmware.name, suite),
        outcome=_outcome(conclusion),
        wrong=wrong,
        refused=refused,
        unchanged=unchanged,
        bytes=len(data),
    )


def recorded(session: Session, *, suite: bool) -> tuple[Conclusion, bytes]:
    """What a session comes to, and its recording, as `nightjar verify` or `nightjar hil` makes it."""
    recorder = Recorder(session)
    taped = replace(session, tape=recorder)
    ended: NightjarError | None = None
    try:
        if suite:
            _, conclusion = sit(taped, 1, _INFERENCES)
        else:
            verdict = prove(taped)
            conclusion = Conclusion(Exit(verdict.exit_code), verdict, None, ())
    except NightjarError as error:
        ended = error
        conclusion = Conclusion(Exit(error.exit_code), None, error, ())
    recording = recorder.recording(
        "nightjar selftest replays", SuiteRun(_INFERENCES) if suite else None
    )
    manifest = replace(
        recording.manifest,
        ended=None if ended is None else stated(ended),
        exit_code=int(conclusion.code),
    )
    return conclusion, replace(recording, manifest=manifest).to_bytes()


def _again(data: bytes, came: Came, *, refused: bool) -> tuple[bool, str]:
    """Whether a file is refused, and what is wrong with what it comes to. `refused`: whether it may be."""
    with tempfile.TemporaryDirectory(prefix="nightjar-") as temporary:
        folder = Path(temporary)
        file = folder / "session.njs"
        file.write_bytes(data)
        try:
            recording = Recording.read(file)
            conclusion = replay([recording], folder / "replay").conclusion
            check_code([recording], conclusion.code)
        except BadInput as error:
            return True, "" if refused else f"refused: {error}"
        return False, Came.of(conclusion).other_than(came)


def _outcome(conclusion: Conclusion) -> str:
    verdict, error = conclusion.verdict, conclusion.error
    if verdict is not None:
        return "EXACT" if verdict.exact else "DIFFERENT"
    assert error is not None
    return error.failure_class


def campaign(
    stocks: Sequence[Stock], seeds: Sequence[int], workers: int
) -> Iterator[Ended[int, Result]]:
    """The cases of these seeds, as they end."""
    start: Callable[[], Callable[[int], Result]] = partial(_start, tuple(stocks))
    return spread(seeds, start, workers=workers, depth=_THREADS, limit=_LIMIT + SLACK)


def _start(stocks: Sequence[Stock]) -> Callable[[int], Result]:
    return partial(run, stocks)
