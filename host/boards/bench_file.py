"""bench.toml: which boards stand on this bench, and how each is reached, flashed and recognized."""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from host.boards.kinds import SILICON, VIRTUAL_N6, VIRTUAL_UID
from host.boards.places import address_of, places
from host.boards.tiers import KINDS
from host.errors import BadInput
from host.nearest import did_you_mean
from host.reading import read_text
from host.typed import typed

VARIABLE = "NIGHTJAR_BENCH"
FLASHERS = ("gdb", "probe-rs", "cubeprogrammer")
BOOTS = ("development", "flash")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,39}")
_PROBE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UID = re.compile(r"[0-9a-f]{24}")
_SHOWN = "see `nightjar board scan`, which writes one from what is plugged in"


@dataclass(frozen=True)
class Power:
    """Commands, for the shell, that switch a board's power; None where there is none."""

    on: str | None = None
    off: str | None = None
    cycle: str | None = None


@dataclass(frozen=True)
class Lease:
    """Commands, for the shell, that lease a board of another host: `acquire` and `release`, or `hold` alone.

    Attributes:
        acquire: takes it; any exit status but 0 says that it was not given.
        release: gives it back.
        port: prints its port as the last line, once it is taken; None: it is the board's own.
        hold: has it as long as it runs, and prints its port as a line: host/boards/lease_hold.py.
    """

    acquire: str | None = None
    release: str | None = None
    port: str | None = None
    hold: str | None = None

    def __post_init__(self) -> None:
        for name, text in vars(self).items():
            _check_one_line(f"lease.{name}", text)
        if self.hold is None:
            for name, text in (("acquire", self.acquire), ("release", self.release)):
                if text is None:
                    raise ValueError(f"lease.{name} is missing: acquire and release, or hold alone")
        elif (self.acquire, self.release, self.port) != (None, None, None):
            raise ValueError("lease.hold takes, finds and gives back: it stands alone")

    @property
    def mark(self) -> str:
        """What tells it from other leases: the command that takes it."""
        return self.hold or self.acquire or ""


@dataclass(frozen=True)
class Machine:
    """What a virtual N6 is given.

    Attributes:
        nor: the file with its NOR's content.
        uid: the last character of its id.
        card: the image of the memory card in its slot, as `nightjar sdcard` makes it; None: the slot is empty.
        microphone: the WAV file that its microphone hears; None: it hears nothing.

    A file's path is absolute once it is read: a relative one begins at the folder of the bench file.
    """

    nor: str | None = None
    uid: str | None = None
    card: str | None = None
    microphone: str | None = None

    def __post_init__(self) -> None:
        if self.uid is not None and not re.fullmatch(r"[!-+\--~]", self.uid):
            raise ValueError(
                "machine.uid must be one printable ASCII character, neither space nor comma"
            )
        for name, file in self.files():
            _check_one_line(f"machine.{name}", file)

    def files(self) -> tuple[tuple[str, str], ...]:
        """Names of its files' attributes, and their paths: those that are given."""
        named = (("nor", self.nor), ("card", self.card), ("microphone", self.microphone))
        return tuple((name, file) for name, file in named if file is not None)


@dataclass(frozen=True)
class BenchBoard:
    """One board of a bench.

    Attributes:
        name: what `--board` takes; in a bench file never that of a kind, nor `unnamed`.
        kind: what its firmware is built for, or `n6-virtual`.
        probe: serial number of its debug probe; None: the only one that is plugged in.
        uid: unique id of its chip, 24 lower-case hex digits; None: any.
        gdb: a gdb server: host:port, the absolute path of a socket, or `| command`; None: none.
        flasher: one of FLASHERS.
        port: its serial port, a device or a URL of pyserial's; None: none known.
        baud: speed of the port, 1200 to 20,000,000.
        power: commands that switch its power.
        switches: where its boot switches stand, one of BOOTS.
        tags: what `--board any --tag` chooses by.
        lease: how it is taken from who keeps it on another host; None: it is here.
        machine: of a virtual N6.

    Raises:
        ValueError: a value that cannot be.
    """

    name: str
    kind: str
    probe: str | None = None
    uid: str | None = None
    gdb: str | None = None
    flasher: str = "gdb"
    port: str | None = None
    baud: int = 921600
    power: Power = field(default_factory=Power)
    switches: str = "development"
    tags: tuple[str, ...] = ()
    lease: Lease | None = None
    machine: Machine = field(default_factory=Machine)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                "a name is 1 to 40 letters, digits, _ and -, and begins with none of the last"
            )
        _check_among("kind", self.kind, bench_kinds())
        _check_among("flasher", self.flasher, FLASHERS)
        _check_among("switches", self.switches, BOOTS)
        if self.probe is not None and not _PROBE.fullmatch(self.probe):
            raise ValueError("probe must be a serial number: letters, digits, . _ and -")
        if self.uid is not None and not _UID.fullmatch(self.uid):
            raise ValueError("uid must be 24 lower-case hex digits: the chip's 96 bits")
        if self.gdb is not None:
            _check_gdb(self.gdb)
        if not 1200 <= self.baud <= 20_000_000:
            raise ValueError("baud must be 1200 to 20000000")
        for name, text in (("port", self.port), *vars(self.power).items()):
            _check_one_line(name, text)
        self._check_kind()

    def _check_kind(self) -> None:
        if self.kind != VIRTUAL_N6 and self.machine != Machine():
            raise ValueError(f"machine is for the kind {VIRTUAL_N6}, and this is {self.kind}")
        if self.kind not in SILICON and (self.probe is not None or self.flasher != "gdb"):
            raise ValueError(
                f"no probe reaches a board of kind {self.kind}: it takes neither probe nor flasher"
            )
        made = self.machine.uid and (VIRTUAL_UID + self.machine.uid.encode()).hex()
        if made and self.uid not in (None, made):
            raise ValueError(f"uid differs from what machine.uid makes it: {made}")

    @property
    def chip_uid(self) -> str | None:
        """The unique id that its HELLO must say, 24 hex digits; None: any."""
        if self.machine.uid is not None:
            return (VIRTUAL_UID + self.machine.uid.encode()).hex()
        return self.uid


@dataclass(frozen=True)
class Bench:
    """Boards by name, and the file that they come from; no file where there is no bench."""

    path: Path | None
    boards: tuple[BenchBoard, ...]

    def board(self, name: str) -> BenchBoard:
        """The board of that name.

        Raises:
            BadInput: there is none.
        """
        names = [board.name for board in self.boards]
        if name not in names:
            where = f"in {self.path}" if self.path else "and no bench.toml was found"
            raise BadInput(
                f"no board of that name stands on the bench.{did_you_mean(name, names)}",
                evidence=f"Received: {name!r}, {where}; the boards there: {', '.join(names) or 'none'}",
                next_step=f"`nightjar board list` shows them; {_SHOWN}",
            )
        return self.boards[names.index(name)]


def bench_kinds() -> tuple[str, ...]:
    """Every kind that a board of a bench may be of."""
    return tuple(dict.fromkeys((*KINDS, VIRTUAL_N6, *SILICON)))


def unnamed(kind: str) -> str:
    """The name of a board of that kind that no bench names."""
    return f"the-{kind}"


def default_path() -> Path | None:
    """~/.config/nightjar/bench.toml; None for who has no home."""
    try:
        return Path.home() / ".config" / "nightjar" / "bench.toml"
    except RuntimeError:
        return None


def bench_path(given: Path | None = None) -> Path | None:
    """The bench file that counts: `given` (--bench), else NIGHTJAR_BENCH, else the user's own; None: none is named."""
    if given is not None:
        return given
    named = os.environ.get(VARIABLE)
    return Path(named) if named else default_path()


def find_bench(given: Path | None = None) -> Bench:
    """The bench of `bench_path`; an empty one where nobody named a file and the user has none.

    Raises:
        BadInput: a named file is absent, or what a file says cannot be used.
    """
    path = bench_path(given)
    if path is None or (given is None and not os.environ.get(VARIABLE) and not path.exists()):
        return Bench(None, ())
    return read_bench(path)


def read_bench(path: Path) -> Bench:
    """What a bench file says.

    Raises:
        BadInput: it cannot be read, is no TOML, or says what cannot be; the message names the place.
    """
    text = read_text(path, "the bench file", next_step=_SHOWN)
    try:
        return Bench(path, tuple(_boards(tomllib.loads(text), path.absolute().parent)))
    except (ValueError, RecursionError) as error:
        raise BadInput(
            "the bench file cannot be used",
            evidence=f"Received: {path}: {error}",
            next_step=f"mend that place; {_SHOWN}",
        ) from error


def _boards(raw: Mapping[str, Any], folder: Path) -> Iterator[BenchBoard]:
    for key in raw:
        if key != "board":
            raise ValueError(
                f"{key} is not known: a bench has tables [board.NAME] and nothing else"
            )
    tables = raw.get("board", {})
    if not isinstance(tables, dict):
        raise ValueError("board must be tables [board.NAME]")
    seen: dict[tuple[str, str], str] = {}
    for name, table in tables.items():
        where = f"board.{name}"
        _check_free(name, tables)
        if not isinstance(table, dict):
            raise ValueError(f"{where} must be a table")
        if "name" in table:
            raise ValueError(f"{where}.name is not known: its name is that of the table")
        try:
            board = _placed(typed(BenchBoard, {"name": name, **table}, where), folder)
        except ValueError as error:
            text = str(error)
            raise ValueError(text if text.startswith(where) else f"{where}: {text}") from error
        for mark in _marks(board):
            other = seen.setdefault(mark, name)
            if other != name:
                raise ValueError(f"{where} and board.{other} have the same {mark[0]}: {mark[1]}")
        yield board


def _check_free(name: str, taken: Iterable[str]) -> None:
    """Refuse a name that means something else already, with the nearest that does not."""
    kinds = bench_kinds()
    ours = [unnamed(kind) for kind in kinds]
    if name not in (*kinds, *ours):
        return
    is_what = "a kind of board" if name in kinds else "what a board that no bench names is called"
    used = {*kinds, *ours, *taken}
    free = next(one for one in (f"{name}-{number}" for number in count(2)) if one not in used)
    raise ValueError(
        f"board.{name}: {name} is {is_what}, and so the name of none; the nearest free name is {free}"
    )


def _placed(board: BenchBoard, folder: Path) -> BenchBoard:
    """The board with its machine's files where they lie, from whatever folder a command is called."""
    found = {name: os.path.join(folder, file) for name, file in board.machine.files()}  # noqa: PTH118 - as it is written
    return replace(board, machine=replace(board.machine, **found)) if found else board


def _marks(board: BenchBoard) -> Iterator[tuple[str, str]]:
    """What no two boards of a bench share, because each is reached or recognized by it."""
    for name, value in (
        ("probe", board.probe and board.probe.upper()),
        ("uid", board.chip_uid),
        ("gdb", board.gdb and places(board.gdb, look_up=False)[0]),
        ("port", board.port and places(board.port, look_up=False)[0]),
        ("lease", None if board.lease is None else board.lease.mark),
        ("machine.nor", board.machine.nor and os.path.realpath(board.machine.nor)),
        ("machine.card", board.machine.card and os.path.realpath(board.machine.card)),
    ):
        if value is not None:
            yield name, value


def _check_gdb(text: str) -> None:
    pipe = text.startswith("|") and text[1:].strip() != ""
    if not (address_of(text) or pipe or text.startswith("/")) or not text.isprintable():
        raise ValueError("gdb must be host:port, the absolute path of a socket, or `| command`")


def _check_one_line(name: str, text: str | None) -> None:
    if text is not None and (not text.strip() or not text.isprintable()):
        raise ValueError(f"{name} must be one line of printable text, not empty")


def _check_among(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(
            f"{name} must be one of {', '.join(known)}, and is {value!r}.{did_you_mean(value, known)}"
        )
