"""Which board is meant by `--board`, `--bench`, `--port` and `--no-flash` together: one answer, for all commands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from host.boards.bench_file import Bench, BenchBoard, find_bench, unnamed
from host.boards.chip import check_uid
from host.boards.kinds import SILICON, VIRTUAL_N6
from host.boards.tiers import KINDS, TIERS
from host.errors import BadInput
from host.link.messages import Hello
from host.nearest import did_you_mean

ANY = "any"  # the first board of the bench that is free and fits: host/boards/pool.py
BAUD = 921600
_OVER_NETWORK = ("socket://", "rfc2217://")


@dataclass(frozen=True)
class Which:
    """A board, and how it is reached.

    Attributes:
        tier: who runs firmware there; a name of TIERS.
        entry: what the bench says of it, or what is to be looked for; None: a virtual one that is nobody's but
            ours, or one whose port was given by hand.
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
    def option(self) -> str:
        """What `--board` takes for it: its name on the bench, or its kind."""
        return self.tier if self.name == unnamed(self.tier) else self.name

    @property
    def stands(self) -> str:
        """Its name on the bench; "" where no bench has it."""
        return "" if self.name in (self.tier, unnamed(self.tier)) else self.name

    @property
    def url(self) -> str | None:
        """The serial port that it is reached at; None: it is a virtual one, which is started or kept."""
        return self.port or (None if self.entry is None else self.entry.port)

    @property
    def baud(self) -> int:
        """Bits a second of that port."""
        return BAUD if self.entry is None else self.entry.baud

    @property
    def boot(self) -> str:
        """As `Board.boot`, of one at a port: a debugger loads what we flash; nobody says how what runs was started."""
        return "ram" if self.flashes and self.tier in (*SILICON, VIRTUAL_N6) else ""

    @property
    def standing(self) -> BenchBoard | None:
        """Its entry with the port that it is reached at; None: no bench has it, or it is none at a port."""
        if self.entry is None or self.url is None:
            return None
        return replace(self.entry, port=self.url)

    def located(self) -> "Which":
        """Of silicon, with the probe and the serial port that are plugged in; nothing is opened.

        Raises:
            BadInput: several probes are plugged in and nothing says which, no serial port is known, or the way that
                the bench names does not start what it writes.
            BoardFailure: no probe is plugged in.
        """
        from host.boards.flashers.reach import named

        found, entry = self, self.entry
        if self.flashes and entry is not None and entry.flasher != "gdb":
            raise BadInput(
                f"{entry.flasher} writes the NOR of {self.name}, and the board boots from it by hand",
                evidence=f'Received: flasher = "{entry.flasher}" in its bench entry',
                next_step=f"`nightjar flash --board {self.option} --boot flash` and move the switches, then judge"
                ' what runs with --no-flash; or write flasher = "gdb"',
            )
        if self.tier in SILICON and entry is not None and (self.flashes or self.url is None):
            found = replace(self, entry=named(replace(entry, port=self.url)))
        if found.url is None and self.tier in SILICON:
            raise BadInput(
                f"no serial port of {self.name} is known",
                evidence="Received: a board without port, and none of its probe's is plugged in",
                next_step='give --port URL, or write port = "..." into bench.toml: `nightjar board scan`',
            )
        return found

    def check_uid(self, hello: Hello) -> None:
        """As `check_chip`, of who says HELLO."""
        self.check_chip(hello.uid)

    def check_chip(self, uid: bytes, *, untouched: bool = False) -> None:
        """Refuse a board whose unique id is not the bench's.

        Args:
            untouched: whether nothing was written to it, which is then said.

        Raises:
            IdentityFailure: naming both.
        """
        if self.entry is not None:
            check_uid(self.name, self.entry.chip_uid, uid, untouched=untouched)


def which(
    board: str, *, bench: Path | None = None, port: str | None = None, flashes: bool = True
) -> Which:
    """The board of that name: a kind, or one of the bench. Nothing is looked for on this computer but the bench file.

    A kind of silicon is the only board of it on the bench, or else what is plugged in.

    Args:
        bench: the bench file that was given; None: as `find_bench` finds it.

    Raises:
        BadInput: there is none, there are several of that kind, or nothing can write it; or the port has no name.
    """
    if port is not None and not port.strip():
        raise BadInput(
            "a serial port has a name",
            evidence=f"Received: --port {port!r}, as of a variable that is not set",
            next_step="give --port a device or a URL, or leave it out",
        )
    if port is not None and port.startswith(_OVER_NETWORK) and not _has_port(port):
        raise BadInput(
            "a serial port over the network is socket://HOST:PORT or rfc2217://HOST:PORT",
            evidence=f"Received: --port {port}",
            next_step="add the host and the number of its port",
        )
    if board in KINDS:
        found = Which(board, port=port, flashes=flashes)
    else:
        known = find_bench(bench)
        found = _of_bench(board, known, Which(board, None, port, known.path, flashes))
    _check_written(found)
    return found


def check_tagged(board: str, tags: Sequence[str]) -> None:
    """Refuse tags where the board is named already.

    Raises:
        BadInput: there are some.
    """
    if tags:
        raise BadInput(
            f"tags choose among boards, and --board {board} names one",
            evidence=f"Received: --tag {', '.join(tags)}",
            next_step=f"give --board {ANY}, or leave out --tag",
        )


def check_any(port: str | None) -> None:
    """Refuse a port for a board that is still to be chosen.

    Raises:
        BadInput: it was given.
    """
    if port is not None:
        raise BadInput(
            f"--board {ANY} chooses a board, and --port leads to one",
            evidence=f"Received: --port {port}",
            next_step="leave out one of them",
        )


def _has_port(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname and parts.port)
    except ValueError:
        return False


def kind_for(board: str, *, bench: Path | None = None) -> str:
    """The kind of board that firmware is generated for, for a kind, a tier or a board of the bench.

    Raises:
        BadInput: there is none of that name.
    """
    if board not in TIERS:
        board = which(board, bench=bench, flashes=False).tier
    return TIERS[board].runs[0]


def _of_bench(board: str, known: Bench, given: Which) -> Which:
    """`given` with its entry and its tier."""
    if board in SILICON:
        by_hand = given.port is not None and not given.flashes
        return given if by_hand else replace(given, entry=_only(board, known))
    if known.path is None:
        raise BadInput(
            f"the known boards are {', '.join(TIERS)}.{did_you_mean(board, TIERS)}",
            evidence=f"Received: {board!r}, and no bench.toml was found",
            next_step="choose one of them with --board, or name a bench file with --bench",
        )
    entry = known.board(board)
    return replace(given, tier=entry.kind, entry=entry)


def _only(kind: str, bench: Bench) -> BenchBoard:
    """The only board of a kind on the bench; where it has none, what is plugged in."""
    fitting = [board for board in bench.boards if board.kind == kind]
    if len(fitting) > 1:
        raise BadInput(
            f"{len(fitting)} boards of the kind {kind} stand on the bench",
            evidence=f"Received: --board {kind}; {', '.join(board.name for board in fitting)}",
            next_step=f"name one of them, for example --board {fitting[0].name}",
        )
    return fitting[0] if fitting else BenchBoard(unnamed(kind), kind)


def _check_written(found: Which) -> None:
    """Refuse a virtual board at a port that nothing is known to write."""
    entry = found.entry
    if found.url is None or not found.flashes or found.tier in SILICON:
        return
    if entry is None or entry.gdb is None:
        raise BadInput(
            "firmware is written through a debugger, and none is known for the board at that port",
            evidence=f"Received: {found.url}, board {found.name}",
            next_step="judge what runs there with --no-flash, or write gdb into bench.toml",
        )
