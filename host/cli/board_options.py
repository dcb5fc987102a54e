"""Options that say which board is meant, and how long to wait for it."""

import contextlib
import functools
from collections.abc import Callable, Sequence
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
            from host.boards.which import ANY, check_tagged, which

            name, bench, port = given.pop("board"), given.pop("bench"), given.pop("port")
            flashes, tags = not given.pop("no_flash"), given.pop("tags")
            if name == ANY:
                return _with_any(function, given, tags, bench, port, flashes)
            check_tagged(name, tags)
            if none and name == "none":
                return function(board=name, at=None, **given)
            at = which(name, bench=bench, port=port, flashes=flashes)
            at = at if writes else at.located()
            return function(board=at.tier, at=at, **given)

        return board(tag(bench_option(port(flash(wait_option(resolved))))))

    return add


def _with_any(
    function: Callable[..., Any],
    given: dict[str, Any],
    tags: Sequence[str],
    bench: Path | None,
    port: str | None,
    flashes: bool,
) -> Any:
    """Call a command with the first free board of the bench that fits, which is held as long as it runs."""
    from host.boards.pool import firmware_kind, taken
    from host.boards.which import check_any

    check_any(port)
    kind = firmware_kind(given.get("project") or given.get("source"))

    def tell(line: str) -> None:
        say(line, given.get("json_path"))

    with taken(
        tags, bench=bench, kind=kind, flashes=flashes, wait=given.get("wait", 0), say=tell
    ) as at:
        return function(board=at.tier, at=at, **given)


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
