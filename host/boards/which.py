"""Which board is meant by `--board`, `--bench`, `--port` and `--no-flash` together: one answer, for all commands."""

from dataclasses import dataclass
from pathlib import Path

from host.boards.bench_file import BenchBoard, find_bench
from host.boards.chip import check_uid
from host.boards.kinds import NOT_SEEN, SILICON, VIRTUAL_N6
from host.boards.tiers import KINDS, TIERS
from host.errors import BadInput
from host.link.messages import Hello
from host.nearest import did_you_mean

BAUD = 921600


@dataclass(frozen=True)
class Which:
    """A board, and how it is reached.

    Attributes:
        tier: who runs firmware there; a name of TIERS.
        entry: what the bench says of it; None: a kind was given, and it is nobody's but ours.
        port: its serial port by hand, in place of the bench's.
        bench: the bench file; None: there is none.
        flashes: whether firmware is written first; else what runs is judged, and HELLO says whether it is that.
    """

    tier: str
    entry: BenchBoard | None = None
    port: str | None = None
    bench: Path | None = None
    flashes: bool = True

    @property
    def name(self) -> str:
        """What it is kept and locked under: its name on the bench, or its kind."""
        return self.tier if self.entry is None else self.entry.name

    @property
    def url(self) -> str | None:
        """The serial port that it is reached at; None: it is a virtual one, which is started or kept."""
        return self.port or (None if self.entry is None else self.entry.port)

    @property
    def baud(self) -> int:
        """Bits a second of that port."""
        return BAUD if self.entry is None else self.entry.baud

    def check_uid(self, hello: Hello) -> None:
        """Refuse a board whose unique id is not the bench's.

        Raises:
            IdentityFailure: naming both.
        """
        if self.entry is not None and self.entry.chip_uid is not None:
            check_uid(self.name, self.entry.chip_uid, hello.uid)


def which(
    board: str, *, bench: Path | None = None, port: str | None = None, flashes: bool = True
) -> Which:
    """The board of that name: a kind, or one of the bench.

    Args:
        bench: the bench file that was given; None: as `find_bench` finds it.

    Raises:
        BadInput: there is none, or it cannot be reached from here.
    """
    if board in TIERS:
        found = Which(board, port=port, flashes=flashes)
    else:
        known = find_bench(bench)
        if known.path is None and bench is None:
            raise BadInput(
                f"the known boards are {', '.join(TIERS)}.{did_you_mean(board, TIERS)}",
                evidence=f"Received: {board!r}, and no bench.toml was found",
                next_step="choose one of them with --board, or name a bench file with --bench",
            )
        entry = known.board(board)
        found = Which(entry.kind, entry, port, known.path, flashes)
    _check_reachable(found)
    return found


def kind_for(board: str, *, bench: Path | None = None) -> str:
    """The kind of board that firmware is generated for, for a kind, a tier or a board of the bench.

    Raises:
        BadInput: there is none of that name.
    """
    if board not in TIERS:
        board = which(board, bench=bench, flashes=False).tier
    return TIERS[board].runs[0]


def _check_reachable(found: Which) -> None:
    if found.tier in SILICON and found.url is None:
        if found.entry is None:
            raise BadInput(
                f"a board of the kind {found.tier} is reached through a bench file, or at --port URL",
                evidence=f"Received: {found.tier!r}, no port; {NOT_SEEN} yet",
                next_step=f"`nightjar board scan` writes a bench file; --board {VIRTUAL_N6} runs the very ELF here",
            )
        raise BadInput(
            f"the bench knows no serial port of {found.name}",
            evidence="Received: a board without port",
            next_step='write port = "..." into bench.toml, or give --port URL',
        )
    if found.url is not None and found.flashes and not _has_debugger(found):
        raise BadInput(
            "firmware is written through a debugger, and none is known for the board at that port",
            evidence=f"Received: {found.url}, board {found.name}",
            next_step="judge what runs there with --no-flash, or write gdb or a flasher into bench.toml",
        )
    if found.url is None and not found.flashes and found.tier not in KINDS:
        raise BadInput("there is no such board to judge", evidence=f"Received: {found.name}")


def _has_debugger(found: Which) -> bool:
    entry = found.entry
    return entry is not None and (entry.gdb is not None or entry.flasher != "gdb")
