"""Options that say what the application mode takes for a detection."""

import csv
import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host.cli.parameters import Choice, FiniteRange, WholeRange
from host.errors import BadInput

if TYPE_CHECKING:
    from host.listen.rule import Options

NAMES = ("pooled", "threshold", "thresholds", "sustain", "least", "most")
_OPTIONS = (
    click.option(
        "--pooled",
        type=WholeRange(1, 16),
        default=3,
        show_default=True,
        help="Chunks that are pooled for a detection.",
    ),
    click.option(
        "--threshold",
        type=FiniteRange(0, 1, min_open=True),
        default=0.5,
        show_default=True,
        help="Pooled score at which a detection begins.",
    ),
    click.option(
        "--thresholds",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="CSV file of labels with thresholds of their own: a line `label,0.7` each.",
    ),
    click.option(
        "--sustain",
        type=FiniteRange(0, 1, min_open=True),
        default=0.8,
        show_default=True,
        help="Share of the threshold below which a detection that has begun ends.",
    ),
    click.option(
        "--least",
        type=WholeRange(min=1),
        default=1,
        show_default=True,
        help="Chunks that a detection has at least.",
    ),
    click.option(
        "--most",
        type=WholeRange(min=1),
        default=24,
        show_default=True,
        help="Chunks after which a detection is reported, though it may go on.",
    ),
)
_FEED = (
    click.option(
        "--overlap",
        type=FiniteRange(0, 1, max_open=True),
        default=0.5,
        show_default=True,
        help="Share of a chunk that the next one repeats; rounded to whole hops.",
    ),
    click.option(
        "--pool", type=Choice(["max", "average", "lme"]), default="lme", show_default=True
    ),
)


def application_options(*, feed: bool = True) -> Callable[..., Any]:
    """Add them; the command is passed `detecting`, a function that gives `Options`, or None where none was given.

    With `feed` also `--overlap` and `--pool`; else the command has these itself, and is passed them, too.
    """

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        names = (*NAMES, "overlap", "pool")

        @functools.wraps(function)
        @click.pass_context
        def resolved(context: click.Context, /, **given: Any) -> Any:
            values = {
                name: given[name] if not feed and name not in NAMES else given.pop(name)
                for name in names
            }
            default = click.core.ParameterSource.DEFAULT
            asked = any(context.get_parameter_source(name) is not default for name in names)

            def detecting() -> "Options | None":
                from host.listen.rule import Options

                file = values.pop("thresholds")
                chosen = Options(**values, thresholds=None if file is None else read(file))
                return chosen if asked else None

            return function(detecting=detecting, **given)

        for option in reversed((*(_FEED if feed else ()), *_OPTIONS)):
            resolved = option(resolved)
        return resolved

    return add


def refuse(names: Iterable[str], goes_with: str) -> None:
    """Refuse parameters of the running command that somebody gave, though nothing would come of them.

    Raises:
        BadInput: naming them, and what they go with.
    """
    context, default = click.get_current_context(), click.core.ParameterSource.DEFAULT
    given = [name for name in names if context.get_parameter_source(name) is not default]
    if given:
        shown = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise BadInput(
            f"{shown} goes with {goes_with}",
            evidence=f"Received: {shown}",
            next_step=f"give {goes_with}, or leave {shown} out",
        )


def read(file: Path) -> dict[str, float]:
    """Thresholds by label.

    Raises:
        BadInput: the file cannot be read, a line says no label and number, or two are of one label.
    """
    thresholds: dict[str, float] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            for label, value in (row for row in csv.reader(lines) if row):
                if label.strip() in thresholds:
                    raise ValueError(f"two lines for {label.strip()!r}")
                thresholds[label.strip()] = float(value)
        return thresholds
    except (OSError, ValueError, csv.Error) as error:
        raise BadInput(
            "a file of thresholds has a line `label,0.7` for each label",
            evidence=f"Received: {file}: {type(error).__name__}: {error}",
            next_step="write one line for each label that has a threshold of its own, without a header",
        ) from error
