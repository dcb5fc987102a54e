"""The options of training on the command line, made from their table."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from host.cli.common import dashed
from host.cli.parameters import Sectioned
from model_gen.training.option import PARTS, Option, flag, shown
from model_gen.training.option_value import in_words, number, numbers
from model_gen.training.presets import table

# Sections of a command's help, in order.
FIRST = "Begin with these"
UNBUILT = "Not built (only the default is taken)"
_SECTIONS = (FIRST, *PARTS.values(), UNBUILT)
_TABLE = table()
# Earlier names of options, without their dashes.
_RENAMED = {old: one.flag[2:] for one in _TABLE.values() for old in one.declared.aka}


class _Word(click.ParamType[str]):
    """One of an option's words; those that nothing computes yet are refused with the others, by the table."""

    name = "word"

    def __init__(self, option: Option) -> None:
        self._option = option

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"[{'|'.join(self._option.declared.choices)}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        word, old = in_words(self._option, str(value))
        if old is not None:
            _warn(f"{self._option.flag} {old} is called {word} now")
        return word

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        found = (word for word in self._option.declared.choices if word.startswith(incomplete))
        return [CompletionItem(word) for word in found]


class _Text(click.ParamType[Any]):
    """What `read` makes of a text."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name, self._read = name, read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return self._read(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="file")] if self.name == "path" else []


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", err=True)


def renamed(token: str) -> str:
    """A name of an option as it is written now: with dashes, and by its present name."""
    name = dashed(token)
    denied = "no-" if name.startswith("no-") else ""
    old = name.removeprefix("no-")
    if old not in _RENAMED:
        return name
    now = denied + _RENAMED[old]
    _warn(f"--{name} is called --{now} now")
    return now


def of_table(names: Iterable[str] = _TABLE) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command options of the table; what is not given comes from the preset, and is None or ()."""
    ordered = sorted(names, key=lambda name: _SECTIONS.index(_section(_TABLE[name])))

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(ordered):
            command = _option(_TABLE[name])(command)
        return command

    return give


def _section(one: Option) -> str:
    if one.declared.first:
        return FIRST
    return UNBUILT if one.unbuilt else PARTS[one.declared.part]


def _option(one: Option) -> Callable[[Any], Any]:
    given: dict[str, Any] = {"cls": Sectioned, "section": _section(one), "help": _help(one)}
    if one.kind is bool:
        return click.option(f"{one.flag}/{flag(f'no_{one.name}')}", one.name, default=None, **given)
    several = one.kind == tuple[str, ...]
    return click.option(
        one.flag, one.name, type=_type(one), required=one.required, multiple=several, **given
    )


def _help(one: Option) -> str:
    """The meaning, and the defaults that act, of `april` too where it has its own."""
    declared = one.declared
    if one.unbuilt or declared.release in (None, ()):
        return declared.meaning
    if one.name == "num_workers":  # april's is a number, release's the machine's
        return f"{declared.meaning} Default: {one.default}."
    acts = shown([one.default])
    if one.default != declared.release:
        acts += f" (documented: {shown([declared.release])})"
    if one.default != declared.april:
        acts += f" or, in april, {shown([declared.april])}"
    return f"{declared.meaning} Default: {acts}."


def _type(one: Option) -> click.ParamType[Any]:
    if one.declared.words:
        return _Word(one)
    if one.kind == tuple[int, ...]:
        return _Text("integers", partial(numbers, one))
    if one.kind in (int, float):
        return _Text("integer" if one.whole else "number", partial(number, one))
    if one.kind is Path:
        return _Text("path", Path)
    return click.STRING
