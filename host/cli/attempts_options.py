"""Options of sessions that are begun anew: `--attempts`, `--allow-flaky`."""

from collections.abc import Callable
from typing import Any

import click

from host.cli.parameters import WholeRange


def attempts_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--attempts N` and `--allow-flaky N`, passed to the command as `attempts` and `allow_flaky`."""
    for option in (
        click.option(
            "--allow-flaky",
            metavar="N",
            default=0,
            show_default=True,
            type=WholeRange(min=0),
            help="End with 0, not 17, where no more attempts failed before a right one.",
        ),
        click.option(
            "--attempts",
            metavar="N",
            default=1,
            show_default=True,
            type=WholeRange(1, 10),
            help="Begin a session anew that the board or the link ended, with the board brought back between; what is"
            " right then is FLAKY. Nothing that was judged is judged again.",
        ),
    ):
        function = option(function)
    return function
