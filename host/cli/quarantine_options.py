"""Options of what is not judged for a while: `--quarantine`, `--allow-quarantined`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def quarantine_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--quarantine FILE` and `--allow-quarantined NAME`, passed as `quarantine` and `allow_quarantined`."""
    file = click.option(
        "--quarantine",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Do not judge the tests that the entries of this quarantine.toml name: exit 18, or 0 where each entry is"
        " allowed. One that has expired is refused.",
    )
    allow = click.option(
        "--allow-quarantined",
        multiple=True,
        metavar="NAME",
        help="What this entry of the quarantine leaves out does not keep the command from 0; may be repeated.",
    )
    return file(allow(function))
