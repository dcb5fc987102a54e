"""Options of what is kept and held against limits: `--history`, `--gates`, `--gate`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

HISTORY = "NIGHTJAR_HISTORY"  # the variable that names a store


def gates_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--gates FILE` and `--gate TEXT`, passed to the command as `gates_file` and `gates`."""
    file = click.option(
        "--gates",
        "gates_file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Hold the verdict against the gates of this gates.toml: exit 16 where one is not kept, 18 where one cannot"
        " be judged.",
    )
    gate = click.option(
        "--gate",
        "gates",
        multiple=True,
        metavar="GATE",
        help="One more gate: 'cost.model <= 4_600_000', 'layers <= +1%', 'coverage.code >= 90'. +P% is against"
        " --baseline, or else the last run of main in --history.",
    )
    return file(gate(function))


def store_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--history FILE|URL`, without which a command has nothing to do, passed as `store`."""
    return click.option(
        "--history",
        "store",
        envvar=HISTORY,
        required=True,
        metavar="FILE|URL",
        help="The history: a file, or postgresql://...  [default: $NIGHTJAR_HISTORY]",
    )(function)


def history_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--history FILE|URL`, passed to the command as `history` (text or None)."""
    return click.option(
        "--history",
        envvar=HISTORY,
        metavar="FILE|URL",
        help="Append the verdict to this history: a file, or postgresql://...  [default: $NIGHTJAR_HISTORY]",
    )(function)
