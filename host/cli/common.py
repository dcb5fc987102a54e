"""What subcommands share: their common options, results and output, and how errors are shown."""

import functools
import json
import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from host.errors import NightjarError

# Parameters that name what a command writes besides its results; every other path is read.
WRITTEN = frozenset({"out", "cache_dir", "checkpoint_path"})


class FiniteRange(click.FloatRange):
    """A FloatRange without nan, which is neither below nor above any bound, and without infinity."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number.", param, ctx)
        return number


class ResultOption(click.Option):
    """An option that names where a result goes, which `json_option` looks at beforehand."""


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json FILE`, passed to the command as `json_path` (None, "-" or a path)."""
    return click.option(
        "--json",
        "json_path",
        cls=ResultOption,
        metavar="FILE",
        help='Write the result as JSON; "-" is standard output, with nothing else on it.',
    )(_checking_results(function))


def board_options(help: str = "virtual, native, ...") -> Callable[..., Any]:
    """Add `--board` and `--wait`, passed to the command as `board` and `wait`."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        board = click.option("--board", default="virtual", show_default=True, help=help)
        return board(wait_option(function))

    return add


def wait_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--wait SECONDS`, passed to the command as `wait`."""
    return click.option(
        "--wait",
        default=0.0,
        show_default=True,
        type=FiniteRange(min=0),
        metavar="SECONDS",
        help="How long to wait for a kept board that somebody else uses.",
    )(function)


def force_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--force`, passed to the command as `force`."""
    return click.option(
        "--force",
        is_flag=True,
        help="Replace the folder to write even where somebody has changed it or put files into it.",
    )(function)


def stream_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--stream`, passed to the command as `stream`."""
    return click.option(
        "--stream",
        is_flag=True,
        help="Firmware that takes samples as they arrive, and computes each frame that chunks share once.",
    )(function)


def _checking_results(function: Callable[..., Any]) -> Callable[..., Any]:
    """The command, begun only when each result can be written, and is nothing that it reads."""

    @functools.wraps(function)
    def checked(**given: Any) -> Any:
        options = {
            option.name: option.opts[0]
            for option in click.get_current_context().command.params
            if isinstance(option, ResultOption) and given.get(str(option.name)) is not None
        }
        paths = {name: Path(given[str(name)]) for name in options if given[str(name)] != "-"}
        if paths:
            from host.results import check_result

            read = _paths(value for name, value in given.items() if name not in WRITTEN | {*paths})
            written = _paths(given.get(name) for name in WRITTEN)
            for name, path in paths.items():
                others = [other for key, other in paths.items() if key != name]
                others += [other for other in written if not other.is_dir()]
                check_result(path, [*read, *others], name=options[name])
        return function(**given)

    return checked


def _paths(values: Iterable[Any]) -> list[Path]:
    """The paths among the values of a command's parameters, some of which are tuples."""
    flat = (one for value in values for one in (value if isinstance(value, tuple) else (value,)))
    return [one for one in flat if isinstance(one, Path)]


def say(message: str, json_path: str | None = None) -> None:
    """Print for people: on standard error when standard output belongs to `--json -`."""
    click.echo(message, err=json_path == "-")


def write_json(json_path: str | None, payload: dict[str, Any]) -> None:
    """Write `payload` to where `--json` points, as `write_result` does."""
    if json_path is None:
        return
    text = json.dumps(payload, indent=1, allow_nan=False) + "\n"
    if json_path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    from host.results import write_result

    write_result(Path(json_path), text.encode())


def wants_json(arguments: list[str]) -> bool:
    """Whether the command line asks for JSON, so that an error must be JSON, too."""
    return any(a == "--json" or a.startswith("--json=") for a in arguments)


def report_error(error: NightjarError, arguments: list[str]) -> int:
    """Show `error` on standard error, as JSON when the caller asked for JSON; return its exit code."""
    text = json.dumps(error.as_json()) if wants_json(arguments) else str(error)
    click.echo(text, err=True)
    return error.exit_code
