"""Options that say which board is meant, and how long to wait for it."""

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from host.boards import KINDS
from host.cli.common import say
from host.cli.parameters import FiniteRange
from host.errors import NightjarError


def board_options(
    help: str = "virtual, native, ..., the name of a board on the bench, or any: the first that is free and fits.",
    none: bool = False,
    writes: bool = False,
    default: str = "virtual",
) -> Callable[..., Any]:
    """Add `--board`, `--tag`, `--bench`, `--port`, `--no-flash` and `--wait`.

    The command is passed `board`, the name of the tier; `at`, which board of it is meant; and `wait`. With `none`
    a board "none" is no board: `at` is None. `writes` says that it is only written, which needs no serial port.
    """

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        board = click.option(
            "--board",
            default=default,
            show_default=True,
            metavar="KIND_OR_NAME",
            help=help,
            shell_complete=_complete_board,
        )
        port = click.option(
            "--port",
            metavar="URL",
            help="Reach the board at this serial port: a device, socket://HOST:PORT, rfc2217://HOST:PORT.",
        )
        flash = click.option(
            "--no-flash",
            is_flag=True,
            help="Judge what runs on the board; its HELLO must be the project's.",
        )

        tag = click.option(
            "--tag",
            "tags",
            multiple=True,
            metavar="TAG",
            help="With --board any: a tag that the board must have on the bench. May be repeated.",
        )

        @functools.wraps(function)
        def resolved(**given: Any) -> Any:
            from host.boards.pool import firmware_kind, meant

            name, flashes = given.pop("board"), not given.pop("no_flash")
            tags, bench, port = given.pop("tags"), given.pop("bench"), given.pop("port")
            if none and name == "none":
                return function(board=name, at=None, **given)
            with meant(
                *(name, tags),
                bench=bench,
                port=port,
                kind=firmware_kind(given.get("project") or _path(given.get("source"))),
                flashes=flashes,
                wait=given["wait"],
                say=lambda line: say(line, given.get("json_path")),
                writes=writes,
            ) as at:
                return function(board=at.tier, at=at, **given)

        return board(tag(bench_option(port(flash(wait_option(resolved))))))

    return add


def _path(source: object) -> Path | None:
    """What `flash` writes, where it is a path; `listen` calls where sound comes from a source, too."""
    return source if isinstance(source, Path) else None


def _complete_board(context: click.Context, option: click.Parameter, begun: str) -> list[str]:
    """What `--board` may be: kinds that run here, and the names of the bench, as far as it can be read."""
    from host.boards.bench_file import find_bench

    names: list[str] = []
    with contextlib.suppress(NightjarError):
        names = [board.name for board in find_bench(context.params.get("bench")).boards]
    return [name for name in (*KINDS, "any", *names) if name.startswith(begun)]


def bench_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--bench FILE`, passed to the command as `bench` (a Path or None)."""
    return click.option(
        "--bench",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The bench file.  [default: $NIGHTJAR_BENCH, else ~/.config/nightjar/bench.toml]",
    )(function)


def wait_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--wait SECONDS`, passed to the command as `wait`."""
    return click.option(
        "--wait",
        default=0.0,
        show_default=True,
        type=FiniteRange(min=0),
        metavar="SECONDS",
        help="How long to wait for a board that somebody else uses.",
    )(function)
