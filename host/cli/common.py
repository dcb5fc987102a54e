"""What every subcommand shares: `--json`, its output, and how errors are shown."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from host.errors import BadInput, NightjarError
from host.files import write_atomically


class FiniteRange(click.FloatRange):
    """A FloatRange without nan, which is neither below nor above any bound, and without infinity."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number.", param, ctx)
        return number


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json FILE`, passed to the command as `json_path` (None, "-" or a path)."""
    return click.option(
        "--json",
        "json_path",
        metavar="FILE",
        callback=_writable,
        help='Write the result as JSON; "-" is standard output, with nothing else on it.',
    )(function)


def stream_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--stream`, passed to the command as `stream`."""
    return click.option(
        "--stream",
        is_flag=True,
        help="Firmware that takes samples as they arrive, and computes each frame that chunks share once.",
    )(function)


def _writable(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Refuse a place that cannot hold the file before any work is done for it."""
    if value not in (None, "-"):
        path = Path(str(value))
        file = next((folder for folder in path.parents if folder.exists()), path.parent)
        if path.is_dir() or not file.is_dir():
            raise BadInput(
                "--json needs the path of a file, or - for standard output",
                evidence=f"Received: {value!r}"
                + (", which is a folder" if path.is_dir() else f", but {file} is no folder"),
                next_step="give a file name, for example --json result.json",
            )
    return value


def say(message: str, json_path: str | None = None) -> None:
    """Print for people: on standard error when standard output belongs to `--json -`."""
    click.echo(message, err=json_path == "-")


def write_json(json_path: str | None, payload: dict[str, Any]) -> None:
    """Write `payload` to where `--json` points, whole or not at all."""
    if json_path is None:
        return
    text = json.dumps(payload, indent=1, allow_nan=False) + "\n"
    if json_path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    write_atomically(Path(json_path), text.encode())


def wants_json(arguments: list[str]) -> bool:
    """Whether the command line asks for JSON, so that an error must be JSON, too."""
    return any(a == "--json" or a.startswith("--json=") for a in arguments)


def report_error(error: NightjarError, arguments: list[str]) -> int:
    """Show `error` on standard error, as JSON when the caller asked for JSON; return its exit code."""
    text = json.dumps(error.as_json()) if wants_json(arguments) else str(error)
    click.echo(text, err=True)
    return error.exit_code
