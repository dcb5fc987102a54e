"""`nightjar history compare`: two runs side by side."""

from typing import TYPE_CHECKING

import click

from host.cli.common import json_option, say, subcommand, write_json
from host.cli.history_list import table
from host.cli.history_options import store_option

if TYPE_CHECKING:
    from host.history.comparison import Change, Comparison

SCHEMA = "nightjar/history-compare/1"


@subcommand("compare")
@click.argument("before", type=int)
@click.argument("now", type=int)
@store_option
@json_option
def compare(before: int, now: int, store: str, json_path: str | None) -> None:
    """Hold the run NOW against the run BEFORE: each cost, size and share that is another, layer by layer.

    Costs of another model, compiler or tier are void: that is said, and none is shown. This shows; what fails a
    command is `nightjar verify --baseline`.
    """
    from host.history.comparison import compared
    from host.history.store import opened

    with opened(store) as history:
        found = compared(history.run(before), history.run(now))
    write_json(json_path, stated(found))
    for line in lines(found):
        say(line, json_path)


def stated(found: "Comparison") -> dict[str, object]:
    """A comparison for --json."""
    return {
        "schema": SCHEMA,
        "before": {"run": found.before.id, "commit": found.before.commit},
        "now": {"run": found.now.id, "commit": found.now.commit},
        "void": list(found.unlike),
        "layers": list(found.layers),
        "changes": [
            {
                "name": change.name,
                "before": change.before,
                "now": change.now,
                "percent": change.percent,
                "worse": change.worse,
            }
            for change in found.changes
        ],
    }


def lines(found: "Comparison") -> list[str]:
    """A comparison for people."""
    old, new = found.before, found.now
    said = [f"run {old.id} ({old.short}, {old.state}) -> run {new.id} ({new.short}, {new.state})"]
    said += [f"costs are void, for the runs are of another {one}" for one in found.unlike]
    said += list(found.layers)
    others = [change for change in found.changes if change.before != change.now]
    said += table([row(change) for change in others], frozenset({1, 2, 3})) if others else []
    if not others and not found.layers:
        said.append("nothing that can be held against each other differs")
    return said


def row(change: "Change") -> tuple[str, ...]:
    """A change as cells of a table."""
    percent = "" if change.percent is None else f"{change.percent:+.2f} %"
    figures = (_figure(change.before), _figure(change.now))
    return (change.name, *figures, percent, "worse" if change.worse else "")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.2f}"
