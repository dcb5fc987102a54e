"""The board that a command means. `--board any` is the first free one of the bench that fits, held until it ends."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from host.boards.bench_file import Bench, BenchBoard, find_bench
from host.boards.bench_lock import lock_name
from host.boards.flashers.reach import first_free, marks
from host.boards.kinds import SILICON
from host.boards.lease import leased, needs_lease
from host.boards.lent import lend
from host.boards.recovery.mark import require_well
from host.boards.tiers import TIERS
from host.boards.which import ANY, Which, check_any, check_tagged, which
from host.deadline import Deadline
from host.errors import BadInput, BoardFailure, NightjarError
from host.project import DESCRIPTION, load_project


@contextmanager
def meant(
    board: str,
    tags: Sequence[str] = (),
    *,
    bench: Path | None = None,
    port: str | None = None,
    kind: str | None = None,
    flashes: bool = True,
    wait: float = 0,
    say: Callable[[str], None] = lambda line: None,
    writes: bool = False,
) -> Iterator[Which]:
    """The board that a command means; one that is chosen or leased is held until the block ends.

    Args:
        board: a kind, a name of the bench, or ANY.
        tags: as `fitting`, as are bench, kind and flashes.
        port: its serial port by hand.
        wait: seconds to wait where it, or all that fit, are taken.
        say: told which board was taken of several.
        writes: whether it is only written, which needs no serial port.

    Raises:
        BadInput: there is none, or no board of the bench fits.
        BoardFailure: all that fit are marked.
        BoardLocked: it, or all that fit, are taken, and by whom.
    """
    if board == ANY:
        check_any(port)
        found = fitting(tags, bench=bench, kind=kind, flashes=flashes)
        found = tuple(sorted(found, key=needs_lease))  # what is here costs no question
    else:
        check_tagged(board, tags)
        at = which(board, bench=bench, port=port, flashes=flashes)
        if not needs_lease(at):
            yield at if writes else at.located()
            return
        found = (at,)
    with _held(found, wait) as at:
        if len(found) > 1:
            say(f"took {at.name}, of {', '.join(one.name for one in found)}")
        yield at.located()


@contextmanager
def _held(found: Sequence[Which], wait: float) -> Iterator[Which]:
    """The first that is free, and its lease given where it needs one, held by the command as long as it runs: what it
    calls and starts has it.
    """
    boards = [one.standing or _entry(one) for one in found]
    reached: list[Which] = []

    @contextmanager
    def claim(board: BenchBoard, limit: Deadline) -> Iterator[None]:
        """Where there are others, nobody waits longer for a lease than its command needs."""
        patience = limit.remaining if len(found) == 1 else 0.0
        with leased(found[boards.index(board)], patience) as at:
            reached.append(at)
            yield

    with first_free(boards, wait, claim) as (board, handles):
        names = [lock_name(*mark) for mark in marks(board)]
        with lend(dict(zip(names, handles, strict=True))):
            yield reached[-1]


def firmware_kind(source: Path | None) -> str | None:
    """The kind that firmware of a project was generated for; None for what firmware is still made of.

    Raises:
        BadInput: the project cannot be read.
    """
    if source is None or not (source / DESCRIPTION).exists():
        return None
    return load_project(source).description.board


def fitting(
    tags: Sequence[str],
    *,
    bench: Path | None = None,
    kind: str | None = None,
    flashes: bool = True,
) -> tuple[Which, ...]:
    """Every board that ANY may mean, in the order of the bench file, whether it is free or not.

    Args:
        tags: which it must have, all of them.
        bench: as `which` takes it.
        kind: of the firmware that it must run; None: any.
        flashes: as `Which.flashes`.

    Raises:
        BadInput: none fits, and why each does not.
        BoardFailure: all that fit are marked.
    """
    known = find_bench(bench)
    found, marked, unfit = [], [], []
    for entry in known.boards:
        try:
            _require_fit(entry, tags, kind)
            one = which(entry.name, bench=known.path, flashes=flashes)
            one = one if needs_lease(one) else one.located()
        except NightjarError as error:
            unfit.append(f"{entry.name}: {error.what}")
            continue
        try:
            require_well(one.standing or entry)
        except BoardFailure as error:
            marked.append(error)
            continue
        found.append(one)
    if found:
        return tuple(found)
    if marked:
        raise BoardFailure(
            "every board of the bench that fits is marked",
            evidence="; ".join(f"{error.what}: {error.evidence}" for error in marked),
            next_step="look at them, then `nightjar board recover NAME`",
        )
    raise _none_fits(known, tags, kind, unfit)


def _require_fit(entry: BenchBoard, tags: Sequence[str], kind: str | None) -> None:
    """Refuse a board that the question does not mean.

    Raises:
        BadInput: with the reason as `what`.
    """
    missing = [tag for tag in tags if tag not in entry.tags]
    if missing:
        raise BadInput(f"it has no tag {', '.join(missing)}")
    if kind is not None and kind not in TIERS[entry.kind].runs:
        raise BadInput(f"it is of kind {entry.kind}, and the firmware is for {kind}")
    if entry.port is None and entry.lease is None and entry.kind not in SILICON:
        raise BadInput("it is a virtual one that no port leads to")


def _entry(one: Which) -> BenchBoard:
    assert one.entry is not None  # it comes from the bench
    return one.entry


def _none_fits(
    bench: Bench, tags: Sequence[str], kind: str | None, unfit: Sequence[str]
) -> BadInput:
    asked = [f"--tag {tag}" for tag in tags] + ([f"firmware for {kind}"] if kind else [])
    boards = "; ".join(unfit) or "it has none"
    return BadInput(
        "no board of the bench fits",
        evidence=f"Received: --board {ANY} {', '.join(asked)}; of {bench.path or 'no bench.toml'}: {boards}",
        next_step='write tags = ["..."] into bench.toml, or name one board with --board',
    )
