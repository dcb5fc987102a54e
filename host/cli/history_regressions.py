"""`nightjar history regressions`: which layer became worse, and at which commit."""

import click

from host.cli.common import json_option, say, subcommand, write_json
from host.cli.history_compare import row
from host.cli.history_list import table
from host.cli.history_options import store_option
from host.cli.parameters import FiniteRange, WholeRange

SCHEMA = "nightjar/history-regressions/1"


@subcommand("regressions")
@store_option
@click.option("--model", help="Only of this model, by its name.")
@click.option("--board", help="Only of this board, by its name.")
@click.option(
    "--noise",
    metavar="PERCENT",
    default=1.0,
    show_default=True,
    type=FiniteRange(min=0),
    help="Growth of cycles that comes and goes; instructions are exact.",
)
@click.option(
    "--last",
    default=10,
    show_default=True,
    type=WholeRange(min=0),
    help="So many runs at most, the latest; 0: all.",
)
@json_option
def show_regressions(
    store: str, noise: float, last: int, json_path: str | None, **equal: str | None
) -> None:
    """Name each run that cost or took more, or reached less, than the run before it, and which layer did.

    A run is held against the exact one before it of the same model, board and branch; a branch's first against main.
    Of another model or compiler it is void, which is said. This shows and ends with 0: what fails a command is
    `nightjar verify --baseline`.
    """
    from host.history.regressions import Regression, regressions
    from host.history.store import opened

    wanted = {name: value for name, value in equal.items() if value is not None}
    with opened(store) as history:
        found = list(regressions(history.runs(None, **wanted), noise))
    shown = found[-last:] if last else found
    write_json(
        json_path,
        {
            "schema": SCHEMA,
            "found": [
                {
                    "run": one.now.id,
                    "commit": one.now.commit,
                    "before": one.before.id,
                    "void": [] if isinstance(one, Regression) else list(one.unlike),
                    "worse": [
                        {"name": change.name, "before": change.before, "now": change.now}
                        for change in (one.changes if isinstance(one, Regression) else ())
                    ],
                }
                for one in shown
            ],
        },
    )
    for one in shown:
        of = f"{one.now.model} on {one.now.board}"
        head = f"run {one.now.id}, commit {one.now.short}, {of}, against run {one.before.id}"
        if not isinstance(one, Regression):
            say(f"{head}: void, for it is of another {'; another '.join(one.unlike)}", json_path)
            continue
        say(f"{head}:", json_path)
        for line in table([row(change) for change in one.changes], frozenset({1, 2, 3})):
            say(f"  {line}", json_path)
    if not found:
        say("nothing became worse", json_path)
    elif len(shown) < len(found):
        say(f"the last {len(shown)} of {len(found)}; --last 0 shows all", json_path)
