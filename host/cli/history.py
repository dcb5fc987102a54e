"""`nightjar history`: what was proved, and what it cost, by commit and board."""

import click

from host.cli.common import Group
from host.cli.history_add import add
from host.cli.history_benchmark import benchmark
from host.cli.history_compare import compare
from host.cli.history_list import list_runs
from host.cli.history_page import page
from host.cli.history_regressions import show_regressions
from host.cli.history_show import show


@click.group(cls=Group)
def command() -> None:
    """Keep verdicts by commit and board, and show what became dearer.

    `nightjar verify` and `nightjar hil` write into a history by --history FILE|URL.
    """


for one in (add, list_runs, show, compare, show_regressions, page, benchmark):
    command.add_command(one)
