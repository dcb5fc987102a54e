"""gates.toml: which gates hold for every board, for a tier and for a board."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from host.errors import BadInput
from host.reading import read_text
from host.report.gates import Gate, parse_gate
from host.typed import typed

_NEXT = "mend that place; docs/gates.md has an example"


@dataclass(frozen=True)
class Table:
    """Gates of one tier or board."""

    gates: tuple[str, ...]


@dataclass(frozen=True)
class GatesFile:
    """What the file says.

    Attributes:
        gates: for every board; tier, board: besides, by the name of one.
        baseline: a verdict that relative gates are held against, a path from the file's folder; None: the last run of
            `branch` in the history.
    """

    gates: tuple[str, ...] = ()
    tier: dict[str, Table] = field(default_factory=dict)
    board: dict[str, Table] = field(default_factory=dict)
    baseline: str | None = None
    branch: str = "main"

    def of(self, tier: str, board: str) -> list[Gate]:
        """The gates that hold on a board of a tier."""
        written = [*self.gates]
        for tables, name in ((self.tier, tier), (self.board, board)):
            written += tables[name].gates if name in tables else ()
        return [parse_gate(text) for text in written]


def read_gates(path: Path) -> GatesFile:
    """Read the file; every gate of it is looked at.

    Raises:
        BadInput: it cannot be read, is no TOML, says what cannot be, or has no gate; the message names the place.
    """
    text = read_text(path, "the file of gates", next_step=_NEXT)
    try:
        found = typed(GatesFile, tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        raise _refused(path, str(error)) from error
    written = [*found.gates]
    for table in (*found.tier.values(), *found.board.values()):
        written += table.gates
    if not written:
        raise _refused(path, "a file without any gate, which would pass everything")
    for one in written:
        parse_gate(one)
    return found


def _refused(path: Path, why: str) -> BadInput:
    return BadInput(
        "the file of gates cannot be used",
        evidence=f"Received: {path}: {why}",
        next_step=_NEXT,
    )
