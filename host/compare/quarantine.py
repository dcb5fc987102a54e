"""quarantine.toml: tests that are not judged for a while, each with its issue and its last day."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from host.errors import BadInput
from host.nearest import did_you_mean
from host.reading import read_text
from host.typed import typed

_NEXT = "mend that place; docs/quarantine.md has an example"


@dataclass(frozen=True)
class Table:
    """`[NAME]` of the file; `expires` is the last day on which it holds."""

    tests: tuple[str, ...]
    issue: str
    expires: date
    reason: str
    model: str = "*"
    board: str = "*"


@dataclass(frozen=True)
class Entry:
    """An entry by its name, as a recording keeps it."""

    name: str
    tests: tuple[str, ...]
    issue: str
    expires: str
    reason: str

    @property
    def why(self) -> str:
        """Why a test of it is skipped."""
        return f"in quarantine: {self.name} ({self.issue}, until {self.expires}): {self.reason}"

    def names(self, test: str) -> bool:
        """Whether a test is one of its: `test_tensor[vec00-layer02-CONV_2D]`."""
        return any(fits(pattern.rpartition("::")[2], test) for pattern in self.tests)


@dataclass(frozen=True)
class Quarantine:
    """The entries that hold for a session, in the order of the file.

    Attributes:
        allowed: names of those that do not keep the command from 0.
        lifted: they are asked, and nothing else is, to see which pass now.
    """

    entries: tuple[Entry, ...] = ()
    allowed: tuple[str, ...] = ()
    lifted: bool = False

    def entry(self, test: str) -> Entry | None:
        """The first entry that names a test."""
        return next((one for one in self.entries if one.names(test)), None)

    @classmethod
    def begin(
        cls,
        file: Path | None,
        allowed: Collection[str],
        *,
        model: str,
        boards: Collection[str],
        lifted: bool = False,
        today: date | None = None,
    ) -> "Quarantine":
        """Read what was asked for; without a file, nothing is in quarantine.

        Args:
            allowed: of `--allow-quarantined`.
            model: the name of what is judged. boards: the names that its board has: on the bench, its tier.
            today: None: today, in UTC.

        Raises:
            BadInput: the file cannot be used, an entry has expired, or no entry has a name that is allowed.
        """
        if file is None:
            if allowed or lifted:
                option = "--quarantine-verify" if lifted else "--allow-quarantined"
                raise BadInput(
                    f"{option} goes with --quarantine FILE",
                    evidence=f"Received: {option} alone",
                    next_step="give the file, or leave it out",
                )
            return cls()
        tables = read_quarantine(file)
        _check_expired(file, tables, datetime.now(UTC).date() if today is None else today)
        for name in allowed:
            if name not in tables:
                raise BadInput(
                    "--allow-quarantined takes the name of an entry",
                    evidence=f"Received: {name}, which {file} does not have.{did_you_mean(name, tables)}",
                    next_step=f"one of: {', '.join(tables) or 'none, for the file is empty'}",
                )
        entries = tuple(
            Entry(name, one.tests, one.issue, one.expires.isoformat(), one.reason)
            for name, one in tables.items()
            if fits(one.model, model) and any(fits(one.board, board) for board in boards)
        )
        return cls(entries, tuple(allowed), lifted)


NOTHING = Quarantine()


def fits(pattern: str, text: str) -> bool:
    """Whether a text is that pattern, in which * stands for anything; case counts, and [ ] are themselves.

    >>> fits("test_tensor[*-layer02-*]", "test_tensor[vec00-layer02-CONV_2D]"), fits("test_t", "test_tensor")
    (True, False)
    """
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def read_quarantine(path: Path) -> dict[str, Table]:
    """Read the file: name -> entry.

    Raises:
        BadInput: it cannot be read, is no TOML, or says what cannot be; the message names the place.
    """
    text = read_text(path, "the quarantine", next_step=_NEXT)
    found: dict[str, Table] = {}
    try:
        for name, raw in tomllib.loads(text).items():
            found[name] = one = typed(Table, raw, name)
            _check(name, one)
    except (ValueError, RecursionError) as error:
        raise BadInput(
            "the quarantine cannot be used",
            evidence=f"Received: {path}: {error}",
            next_step=_NEXT,
        ) from error
    return found


def _check(name: str, table: Table) -> None:
    """Raise ValueError for what has the right types, and cannot be."""
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(f"a name is letters, digits, _, - and ., and is {name[:60]!r}")
    if not table.tests or not all(table.tests):
        raise ValueError(f"{name}.tests names no test")
    if not re.fullmatch(r"https?://[^\s/]+\S*", table.issue):
        raise ValueError(f"{name}.issue must be the URL of an issue, and is {table.issue[:60]!r}")
    if not table.reason.strip():
        raise ValueError(f"{name}.reason is empty")
    if type(table.expires) is not date:
        raise ValueError(f"{name}.expires must be a day without a time, and is {table.expires}")


def _check_expired(file: Path, tables: Mapping[str, Table], today: date) -> None:
    expired = {name: one for name, one in tables.items() if one.expires < today}
    if not expired:
        return
    told = "; ".join(
        f"{name} held until {one.expires} ({one.issue}): {one.reason}"
        for name, one in expired.items()
    )
    raise BadInput(
        f"the quarantine of {', '.join(expired)} has expired",
        evidence=f"Received: {file}, on {today}: {told}",
        next_step="mend what the issue tells and take the entry out, or give it a later day",
    )
