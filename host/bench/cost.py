"""The cost table of `nightjar bench`, as JSON `nightjar/bench/1` and for people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from host.errors import FirmwareFailure
from host.report.verdict import Verdict, short_name

SCHEMA = "nightjar/bench/1"


@dataclass(frozen=True)
class BenchRow:
    """A stage or layer: its cost in the board's unit, and its multiply-accumulates."""

    name: str
    op: str
    instructions: int
    macs: int

    @property
    def per_mac(self) -> float | None:
        """Cost of one multiply-accumulate; None where there are none."""
        return self.instructions / self.macs if self.macs else None


def require_exact(verdict: Verdict, *, next_step: str) -> None:
    """Refuse the costs of a board that computes something else.

    Raises:
        FirmwareFailure: with what differs.
    """
    if not verdict.exact:
        raise FirmwareFailure(
            "the board does not compute what the host computes, so its costs mean nothing",
            evidence=verdict.headline,
            next_step=next_step,
        )


def bench_json(verdict: Verdict, rows: Sequence[BenchRow], macs: int) -> dict[str, Any]:
    """`nightjar/bench/1`: rows in order, the total of one untapped inference of the model, and the footprint."""
    model = verdict.cost.model or 0
    return {
        "schema": SCHEMA,
        "board": verdict.board,
        "backend": verdict.backend,
        "build_id": verdict.build_id,
        "model_sha256": verdict.model_sha256,
        "unit": verdict.proved.cost_unit,
        "rows": [_row(row) for row in rows],
        "total": {"instructions": model, "macs": macs, "per_mac": model / macs if macs else None},
        "footprint": asdict(verdict.footprint),
    }


def table(rows: Sequence[BenchRow], verdict: Verdict, macs: int, *, to_stderr: bool) -> None:
    """Print the rows, the total and the footprint."""
    from rich.console import Console
    from rich.table import Table

    unit = verdict.proved.cost_unit
    shown = Table(title=f"{unit} on {verdict.board}, largest of {verdict.vectors} vectors")
    shown.add_column("op", no_wrap=True)
    shown.add_column("tensor", overflow="ellipsis", no_wrap=True, max_width=44)
    for heading in (unit, "MACs", "per MAC"):
        shown.add_column(heading, justify="right", no_wrap=True)
    total = BenchRow("one inference", "MODEL", verdict.cost.model or 0, macs)
    for row in rows:
        shown.add_row(*_cells(row))
    shown.add_section()
    shown.add_row(*_cells(total))
    console = Console(stderr=to_stderr)
    if not console.is_terminal:
        console.width = 120
    console.print(shown)
    sizes = ", ".join(f"{name} {size:,}" for name, size in asdict(verdict.footprint).items())
    console.print(f"footprint in bytes: {sizes}", highlight=False)


def _row(row: BenchRow) -> dict[str, Any]:
    return {**asdict(row), "per_mac": row.per_mac}


def _cells(row: BenchRow) -> tuple[str, str, str, str, str]:
    from rich.markup import escape

    ratio = "" if row.per_mac is None else f"{row.per_mac:.3f}"
    macs = f"{row.macs:,}" if row.macs else ""
    name = escape(short_name(row.name, 44))
    return escape(row.op), name, f"{row.instructions:,}", macs, ratio
