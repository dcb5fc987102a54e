"""`nightjar history list`: the runs of a history."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from host.cli.common import json_option, say, subcommand, write_json
from host.cli.history_options import store_option
from host.cli.parameters import WholeRange

if TYPE_CHECKING:
    from host.history.run import Run

SCHEMA = "nightjar/history/1"
_HEADS = (
    *("run", "recorded", "commit", "branch", "model", "board"),
    *("backend", "state", "cost", "flash", "RAM"),
)
_RIGHT = frozenset({0, 8, 9, 10})


@subcommand("list")
@store_option
@click.option("--model", help="Only of this model, by its name.")
@click.option("--board", help="Only of this board, by its name.")
@click.option("--branch", help="Only of this branch.")
@click.option("--commit", help="Only of this commit, by its whole hash.")
@click.option(
    "--last",
    default=30,
    show_default=True,
    type=WholeRange(min=0),
    help="So many runs at most, the latest; 0: all.",
)
@json_option
def list_runs(store: str, last: int, json_path: str | None, **equal: str | None) -> None:
    """Show the runs, oldest first. A + behind a commit: the tree had changes that were not committed."""
    from host.history.store import opened

    wanted = {name: value for name, value in equal.items() if value is not None}
    with opened(store) as history:
        runs = history.runs(last or None, **wanted)
    write_json(json_path, {"schema": SCHEMA, "runs": [stated(run) for run in runs]})
    if not runs:
        say("no run of that kind", json_path)
        return
    say("\n".join(table([_HEADS, *map(_cells, runs)])), json_path)


def stated(run: "Run") -> dict[str, object]:
    """A run for --json: what is kept as text of JSON is JSON."""
    raw = asdict(run)
    return {
        **raw,
        "layers": [
            {"index": index, "op": op, "name": name, "cost": cost}
            for (index, op, name), cost in zip(run.named, run.counted, strict=True)
        ],
        "costs": list(run.counted),
    }


def table(rows: "Sequence[tuple[str, ...]]", right: frozenset[int] = _RIGHT) -> list[str]:
    """Rows as lines whose columns stand below each other; those in `right` end below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cells(run: "Run") -> tuple[str, ...]:
    cost = "-" if run.model_cost is None else f"{run.model_cost + (run.frontend or 0):,}"
    return (
        *(str(run.id), run.recorded, run.short, run.branch or "-", run.model, run.board),
        *(run.backend, run.state, cost, f"{run.flash:,}", f"{run.ram:,}"),
    )
