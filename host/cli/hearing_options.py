"""Options of commands that hear recordings: how many threads decode, and where windows are kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from host.cli.parameters import WholeRange

_OPTIONS = (
    click.option(
        "--num-workers",
        type=WholeRange(0),
        default=2,
        show_default=True,
        help="Threads that decode; 0 is none besides the main one.",
    ),
    click.option(
        "--cache-dir",
        type=click.Path(path_type=Path),
        show_default="the cache windows of `nightjar cache`",
        help="Where windows are kept; a folder of your own has no bound.",
    ),
)


def hearing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--num-workers` and `--cache-dir`, passed as `num_workers` and `cache_dir` (None where not given)."""
    for add in reversed(_OPTIONS):
        function = add(function)
    return function
