"""`nightjar history page`: the history as one HTML page."""

from pathlib import Path

import click

from host.cli.common import ResultFile, say, subcommand
from host.cli.history_options import store_option


@subcommand("page")
@store_option
@click.option(
    "--html",
    "html_path",
    metavar="FILE",
    type=ResultFile(),
    required=True,
    help="Write the page there.",
)
def page(store: str, html_path: Path) -> None:
    """Write one page, which holds everything it shows: what became worse, trends by layer, a comparison of any two
    runs, filter and search."""
    from host.history.store import opened
    from host.report.history_html import write_history_html

    with opened(store) as history:
        runs, title = history.runs(), history.address.name
    write_history_html(html_path, runs, title)
    say(f"{html_path}: {len(runs):,} runs")
