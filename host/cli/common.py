"""What every subcommand shares: `--json`, its output, and how errors are shown."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from host.errors import NightjarError
from host.files import write_atomically


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json FILE`, passed to the command as `json_path` (None, "-" or a path)."""
    return click.option(
        "--json",
        "json_path",
        metavar="FILE",
        help='Write the result as JSON; "-" is standard output, with nothing else on it.',
    )(function)


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
