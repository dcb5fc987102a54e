"""What subcommands share: options, results, what is said meanwhile, and how errors are shown."""

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host.cli.parameters import Sectioned
from host.errors import BadInput, NightjarError
from host.loudness import Level, level, set_level
from host.printable import printable

# Parameters that name what a command writes besides its results; every other path is read.
WRITTEN = frozenset({"out", "budget", "cache_dir", "checkpoint_path", "tensorboard"})

if TYPE_CHECKING:
    from rich.console import Console


_results: list[Path] = []  # of the command that runs
_console: "Console | None" = None  # that shows progress, which what is said must not run into


@contextlib.contextmanager
def printing_above(console: "Console") -> Iterator[None]:
    """What is said inside the block appears above the line that `console` keeps moving."""
    global _console
    _console = console
    try:
        yield
    finally:
        _console = None


class ResultFile(click.ParamType[Path]):
    """A file that the command writes. It is looked at, and what an earlier run left there removed, before all else."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if str(value) == "-" and param is not None and param.name != "json_path":
            name = max(param.opts, key=len)
            raise BadInput(
                f"{name} needs the name of a file: - is standard output for --json alone",
                evidence="Received: '-'",
                next_step=f"give a file name, or {name} /dev/stdout",
            )
        return Path(str(value))


class Command(click.Command):
    """A command whose results do not outlive their question: they are removed before any check can end it.

    It also takes --quiet and --verbose.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.params += [
            _loudness(Level.QUIET, ("-q", "--quiet"), "Say nothing but warnings and errors."),
            _loudness(
                Level.VERBOSE, ("-v", "--verbose"), "Say more: what was recalled, how long it took."
            ),
        ]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        set_level(Level.NORMAL)
        if ctx.resilient_parsing:  # the shell asks how the line might go on
            return super().parse_args(ctx, args)
        self._forget(args)
        _check_filled(args)
        ctx.allow_extra_args = True  # which are refused here, with what helps
        rest = super().parse_args(ctx, args)
        if rest:
            raise BadInput(
                f"{ctx.command_path} takes no more words",
                evidence=f"Received: {shlex.join(rest)}",
                next_step="put a value of several words in quotes; "
                f"`{ctx.command_path} --help` says what it takes",
            )
        return rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options by their sections; those of none come last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in sorted(self.get_params(ctx), key=lambda one: not isinstance(one, Sectioned)):
            record = param.get_help_record(ctx)
            if record is not None and not isinstance(param, click.Argument):
                title = param.section if isinstance(param, Sectioned) else "Options"
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)

    def _forget(self, args: Sequence[str]) -> None:
        """Remove what the options of a ResultFile name; the parser has not looked at them yet."""
        names = {name for p in self.params if isinstance(p.type, ResultFile) for name in p.opts}
        written = {name for p in self.params if p.name in WRITTEN for name in p.opts}
        _results.clear()
        found = list(_values(args, names))
        if found:
            from host.results import check_result

            for name, path, others in found:
                check_result(path, _given(others, written), name=name)
                _results.append(path)
            forget_results()


class Group(click.Group):
    """A command with commands of its own."""

    command_class = Command


def dashed(token: str) -> str:
    """A name of an option as it is written now: with dashes, where the field has underscores."""
    return token.replace("_", "-")


def subcommand(name: str | None = None, **named: Any) -> Callable[[Callable[..., Any]], Command]:
    """`click.command`, for a `Command`."""
    return click.command(name, cls=Command, **named)


def forget_results() -> None:
    """Remove the results of the command that runs."""
    if _results:
        from host.results import remove_result

        for path in _results:
            remove_result(path)


def _check_filled(words: Sequence[str]) -> None:
    """Refuse a word without a character, as an unset variable gives: as a path it would be the working folder.

    Raises:
        BadInput: naming the option that it is for.
    """
    for before, word in zip(("", *words), words, strict=False):
        option, joined, value = word.partition("=")
        if word and not (joined and not value and option.startswith("--")):
            continue
        name = option if joined else before if before.startswith("-") else "a word of the command"
        raise BadInput(
            f"{name} must not be empty",
            evidence="Received: ''",
            next_step="give it a value, or leave it out",
        )


def _values(args: Sequence[str], names: set[str]) -> "Iterable[tuple[str, Path, list[str]]]":
    """(option, its file, every other word) of each result on the command line."""
    for place, word in enumerate(args):
        if word == "--":
            return
        name, joined, value = word.partition("=")
        if name not in names:
            continue
        if joined:
            others = [*args[:place], *args[place + 1 :]]
        elif place + 1 < len(args):
            value, others = args[place + 1], [*args[:place], *args[place + 2 :]]
        else:
            return
        if value != "-":
            yield name, Path(value), others


def _given(words: Sequence[str], written: set[str]) -> list[Path]:
    """What words of a command line name as paths, without folders that the command writes."""
    found = []
    for before, word in zip(("", *words), words, strict=False):
        option, joined, value = word.partition("=")
        path = Path(value if joined and word.startswith("-") else word)
        with contextlib.suppress(OSError):  # no path: it may be longer than any
            if word and not (path.is_dir() and {before, option} & written):
                found.append(path)
    return found


def _loudness(chosen: Level, names: tuple[str, str], text: str) -> click.Option:
    def choose(context: click.Context, option: click.Parameter, value: bool) -> None:
        if value:
            set_level(chosen)

    return click.Option(names, is_flag=True, expose_value=False, callback=choose, help=text)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json FILE`, passed to the command as `json_path` (None, "-" or a path)."""
    return click.option(
        "--json",
        "json_path",
        metavar="FILE",
        type=ResultFile(),
        callback=_writable,
        help='Write the result as JSON; "-" is standard output, with nothing else on it.',
    )(function)


def result_option(*names: str, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add an option for a file that the command writes, passed as a Path or None."""
    return click.option(*names, type=ResultFile(), metavar="FILE", help=text)


def faults_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--faults TEXT`, passed to the command as `faults`: what host.link.faults.parse_faults takes, or None."""
    return click.option(
        "--faults",
        metavar="seed=N,rate=R",
        help="Damage the link: each byte with probability R, the same ones for the same seed.",
    )(function)


def record_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--record FILE`, passed to the command as `record`."""
    return result_option(
        "--record",
        text="Write what passes between host and board, for `nightjar replay`: FILE.njs.",
    )(function)


def project_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--project DIR`, passed to the command as `project`: a Path, or None where firmware is made."""
    return click.option(
        "--project", type=click.Path(path_type=Path), help="Take this project's ELF; do not build."
    )(function)


def baseline_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--baseline`, passed to the command as `baseline`."""
    return click.option(
        "--baseline",
        type=click.Path(path_type=Path),
        help="An earlier verdict: exit 16 when a cost or the footprint grew, 2 when it cannot be compared.",
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


def _writable(context: click.Context, option: click.Parameter, value: Path | None) -> str | None:
    """Refuse a standard output that is none before any work is done for it."""
    if value is None:
        return None
    if str(value) == "-":
        if getattr(sys.stdout, "name", None) == os.devnull:
            raise BadInput(
                "--json - needs a standard output",
                evidence="Received: one that is closed",
                next_step="give a file name, for example --json result.json",
            )
        return "-"
    return str(value)


def say(message: str, json_path: str | None = None, *, at: Level = Level.NORMAL) -> None:
    """Print for people: on standard error when standard output belongs to `--json -`."""
    if level() < at:
        return
    message = printable(message, keep="\n\t")  # it holds names of models, paths, labels
    if _console is not None and (json_path == "-" or sys.stdout.isatty()):
        _console.print(message, markup=False, highlight=False, soft_wrap=True)
    else:
        click.echo(message, err=json_path == "-")


def mute() -> None:
    """Drop what is still to be printed on standard output, which takes nothing more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_json(json_path: str | Path | None, payload: dict[str, Any]) -> None:
    """Write `payload` to where `--json` points, as `write_result` does; a `Path` is a file, whatever its name."""
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
