"""`nightjar history benchmark`: a run for github-action-benchmark."""

import json
from pathlib import Path

import click

from host.cli.common import ResultFile, say, subcommand
from host.cli.history_options import store_option


@subcommand("benchmark")
@click.argument("number", metavar="[RUN]", type=int, required=False)
@store_option
@click.option(
    "--out-file",
    metavar="FILE",
    type=ResultFile(),
    required=True,
    help="Write it there: its `output-file-path`.",
)
def benchmark(number: int | None, store: str, out_file: Path) -> None:
    """Write RUN, or else the last exact one, as the JSON of github-action-benchmark: tool customSmallerIsBetter."""
    from host.errors import BadInput
    from host.history.benchmark import benchmark as made
    from host.history.store import opened
    from host.results import write_result

    with opened(store) as history:
        runs = history.runs(1, state="Exact") if number is None else [history.run(number)]
    if not runs:
        raise BadInput(
            "the history has no exact run",
            evidence=f"Received: {history.address.shown}",
            next_step="`nightjar history list` shows the runs that it has",
        )
    write_result(out_file, (json.dumps(made(runs[0]), indent=1) + "\n").encode())
    say(f"{out_file}: run {runs[0].id}")
