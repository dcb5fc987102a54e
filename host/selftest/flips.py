"""Single bits flipped anywhere in a linked ELF: its record finds each, and its tensors most.

Every flip is judged twice. With the record of the build unchanged it must be IDENTITY. With the
record made anew it is judged by a full verdict, and must give what the byte's place explains:

* A byte that the same verdict neither executes nor reads: EXACT.
* A value of the model (weights, biases, multipliers, tables): EXACT or DIFFERENT. Values are added
  and multiplied, and never say where something is written or what runs next, so nothing but tensors
  can show them.
* Any other byte that is reached, code or a pointer: also FIRMWARE (it faults, hangs, or breaks the
  protocol), IDENTITY (build-id, hashes, tables), and BOARD or LINK: what runs there may start the
  board again, or spoil what the link rests on, since all code shares one memory. In the file's own
  headers and notes also INPUT, as the file then is none that can be judged.

An EXACT of a byte that is reached is a survivor: it is listed, for a person to explain.
"""

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from host.boards.folder import private_folder
from host.bundle import Subject
from host.compare.flip import copy_project
from host.compare.prepare import prepare
from host.compare.prove import prove
from host.compare.session import Session
from host.coverage.measure import coverage_reason
from host.deadline import Deadline
from host.elf_record import write_record
from host.errors import HostFailure, IdentityFailure, NightjarError
from host.project import Project
from host.selftest.places import Layout, Place, Reach, lines_of_code, reached_by, source_of
from host.selftest.pool import Ended, spread

EXACT, DIFFERENT = "EXACT", "DIFFERENT"
_VALUES = re.compile(r"nj_op\d+_\w+")  # what the generator makes of weights and the like
_HEADERS = ("(headers)", ".note")
_VALUE = {EXACT, DIFFERENT}
_CODE = {EXACT, DIFFERENT, "FIRMWARE", "IDENTITY", "BOARD", "LINK"}
_REPEATS = 2  # untapped runs on each vector: enough to see that they are the same
_FLOOR = 5.0  # seconds that a question has at least before it counts as a hang
_LEAST = 60.0  # seconds that a flip has at least
_SLACK = 60.0  # seconds beyond that in which a flip must have ended
_TEXT = 300  # characters of a failure that are kept


@dataclass(frozen=True)
class Target:
    """What is flipped: a built project that is exact, how it is judged, and its loaded bytes.

    patience: seconds of a question, after which the firmware hangs. limit: seconds of a flip.
    """

    subject: Subject
    project: Project
    board: str
    vectors: int
    seed: int
    layout: Layout
    root: Path
    patience: float
    limit: float

    def session(self, project: Project) -> Session:
        """The session that judges the ELF of `project`."""
        return Session(
            *(project, self.subject, self.board, self.vectors, self.seed),
            limit=Deadline.after(self.limit),
            root=self.root,
            patience=self.patience,
            repeats=_REPEATS,
        )


@dataclass(frozen=True)
class Flip:
    """One bit, and what became of it.

    number: of the flip in its campaign. bit: 0 to 7. refused: whether the unchanged record refused
    it. outcome: of the full verdict, once it was recorded anew. text: its failure or difference.
    again: whether that was done twice. wrong: what is not as it must be. source, before, after: of
    a survivor, file:line of code, and the instruction or byte.
    """

    number: int
    place: Place
    bit: int
    refused: bool
    outcome: str
    text: str
    wrong: str
    again: bool
    seconds: float
    source: str = ""
    before: str = ""
    after: str = ""

    @property
    def survived(self) -> bool:
        """Whether nothing shows it though its byte is reached, or may be."""
        return self.outcome == EXACT and self.place.reach != Reach.NOT


def draw(size: int, seed: int, count: int) -> list[tuple[int, int]]:
    """`count` different bits of `size` bytes, as (byte, bit); more of the same seed begin with the same."""
    generator = random.Random(f"flips {seed}")
    drawn: dict[int, None] = {}
    while len(drawn) < min(count, 8 * size):
        drawn.setdefault(generator.randrange(8 * size))
    return [divmod(bit, 8) for bit in drawn]


@contextmanager
def target(
    model: Path,
    board: str,
    *,
    project: Path | None,
    vectors: int,
    seed: int,
    limit: float | None,
) -> Iterator[Target]:
    """Build what is to be flipped, and judge it as it is: it must be exact. Its folder of boards ends with the block.

    Raises:
        HostFailure: it is not exact, so that no flip would mean anything.
    """
    subject, made = prepare(model, board, rounding=None, project=project)
    private = private_folder(None, make=True)
    with TemporaryDirectory(prefix="st-", dir=private) as root:
        took: list[float] = []

        def judge() -> None:
            session = Session(
                *(made, subject, board, vectors, seed), root=Path(root), repeats=_REPEATS
            )
            started = time.monotonic()
            verdict = prove(session)
            took.append(time.monotonic() - started)
            if not verdict.exact:
                raise HostFailure(
                    "the firmware is not exact before anything was flipped",
                    evidence=verdict.headline,
                    next_step=f"nightjar verify {model} --board {board}",
                )

        judge()  # the references are kept from here on
        judge()
        layout = Layout(made.elf)
        if not coverage_reason(board):
            layout = Layout(made.elf, *reached_by(made.elf, judge))
        yield Target(
            *(subject, made, board, vectors, seed, layout, Path(root)),
            patience=max(_FLOOR, 2 * took[1]),
            limit=max(_LEAST, 10 * took[1]) if limit is None else limit,
        )


def judge(given: Target, flip: tuple[int, int, int]) -> Flip:
    """Flip a bit, given as (number of the flip, byte, bit), and see what becomes of it.

    What its place does not explain is judged once more: a retry on a busy computer may run code that the measured
    verdict did not.
    """
    number, byte, bit = flip
    place = given.layout.place(byte)
    with TemporaryDirectory(prefix="nightjar-flip-") as folder:
        project = copy_project(given.project, Path(folder))
        data = bytearray(project.elf.read_bytes())
        data[place.offset] ^= 1 << bit
        project.elf.write_bytes(data)
        started = time.monotonic()
        taken = wrong = _recorded(given, project)
        write_record(project.elf)
        outcome, text = _outcome(given, project)
        again = not wrong and outcome not in right_of(place)
        if again:
            outcome, text = _outcome(given, project)
        if outcome not in right_of(place):
            wrong = wrong or f"{outcome} where only {' or '.join(sorted(right_of(place)))} is right"
        took = time.monotonic() - started
        if took > 2 * (given.limit + _SLACK):
            wrong = wrong or f"it took {took:.0f} s, its limit is {given.limit:.0f} s"
        made = Flip(number, place, bit, not taken, outcome, text, wrong, again, took)
        return _explained(made, given, project) if made.survived else made


def right_of(place: Place) -> set[str]:
    """What a flip of a byte may give; see above."""
    if place.reach == Reach.NOT:
        return {EXACT}
    if _VALUES.fullmatch(place.symbol):
        return _VALUE
    return _CODE | {"INPUT"} if place.section.startswith(_HEADERS) else _CODE


def campaign(
    given: Target, flips: Sequence[tuple[int, int, int]], workers: int
) -> Iterator[Ended[tuple[int, int, int], Flip]]:
    """These flips, as they end."""
    start: Callable[[], Callable[[tuple[int, int, int]], Flip]] = partial(_start, given)
    # Three sessions at most: without and with a record, and once more.
    return spread(flips, start, workers=workers, limit=3 * (given.limit + _SLACK))


def _start(given: Target) -> Callable[[tuple[int, int, int]], Flip]:
    return partial(judge, given)


def _recorded(given: Target, project: Project) -> str:
    """What is wrong where the record of the build is as it was: prepare and the session itself must refuse the ELF."""
    model = given.subject.path
    ways: dict[str, Callable[[], object]] = {
        "prepare": lambda: prepare(model, given.board, rounding=None, project=project.path),
        "the session": lambda: prove(given.session(project)),
    }
    for name, way in ways.items():
        try:
            way()
        except IdentityFailure:
            continue
        except NightjarError as error:
            return (
                f"{name} says {error.failure_class} of an ELF that its record does not fit: {error}"
            )
        return f"{name} takes an ELF that its record does not fit"
    return ""


def _outcome(given: Target, project: Project) -> tuple[str, str]:
    try:
        verdict = prove(given.session(project))
    except NightjarError as error:
        return error.failure_class, f"{error.what}; {error.evidence}"[:_TEXT]
    if verdict.exact:
        return EXACT, ""
    return DIFFERENT, verdict.headline[:_TEXT]


def _explained(flip: Flip, given: Target, project: Project) -> Flip:
    """With what a person needs to explain a survivor."""
    place, board = flip.place, given.board
    byte = given.project.elf.read_bytes()[place.offset]
    before, after = f"byte {byte:#04x}", f"byte {byte ^ 1 << flip.bit:#04x}"
    source = ""
    if place.reach == Reach.EXECUTED or "text" in place.section:
        before = lines_of_code(given.project.elf, board, place) or before
        after = lines_of_code(project.elf, board, place) or after
        source = source_of(given.project.elf, board, place)
    return replace(flip, source=source, before=before, after=after)
