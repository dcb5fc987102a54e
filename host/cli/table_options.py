"""The options of training on the command line, made from their table."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from model_gen.training.option import Declaration, flag, in_words, shown
from model_gen.training.presets import table

_TABLE = table()
# Earlier names of options, without their dashes.
_RENAMED = {
    old: flag(name)[2:] for name, (declared, _, _) in _TABLE.items() for old in declared.aka
}


class _Word(click.ParamType[str]):
    """One of an option's words; those that nothing computes yet are refused with the others, by the table."""

    name = "word"

    def __init__(self, declared: Declaration) -> None:
        self._declared = declared

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"[{'|'.join(self._declared.choices)}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        word, old = in_words(str(value), self._declared)
        if old is not None and param is not None:
            _warn(f"{param.opts[0]} {old} is called {word} now")
        return word

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        found = (word for word in self._declared.choices if word.startswith(incomplete))
        return [CompletionItem(word) for word in found]


class _Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers, separated by blanks or commas."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        try:
            return tuple(int(word) for word in str(value).replace(",", " ").split())
        except ValueError:
            self.fail(f"{value!r} is no list of whole numbers, as in '32 64 128 256'.", param, ctx)


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", err=True)


def renamed(token: str) -> str:
    """A name of an option as it is written now: with dashes, and by its present name."""
    name = token.replace("_", "-")
    denied = "no-" if name.startswith("no-") else ""
    old = name.removeprefix("no-")
    if old not in _RENAMED:
        return name
    now = denied + _RENAMED[old]
    _warn(f"--{name} is called --{now} now")
    return now


def of_table(names: Iterable[str] = _TABLE) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command options of the table; what is not given comes from the preset, and is None or ()."""

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(tuple(names)):
            command = _option(name, *_TABLE[name])(command)
        return command

    return give


def _option(name: str, declared: Declaration, kind: Any, default: Any) -> Callable[[Any], Any]:
    given: dict[str, Any] = {"default": None}
    text = _text(name, declared, default)
    if kind is bool:
        return click.option(f"{flag(name)}/{flag('no_' + name)}", name, help=text, **given)
    if name == "data_path_train":
        given["required"] = True
    if kind == tuple[str, ...]:
        given = {"multiple": True}
    elif declared.words:
        given["type"] = _Word(declared)
    elif kind == tuple[int, ...]:
        given["type"] = _Numbers()
    else:
        given["type"] = _plain(kind)
    return click.option(flag(name), name, help=text, **given)


def _text(name: str, declared: Declaration, default: Any) -> str:
    """What the help says: the meaning, and the defaults that act, of `april` too where it has its own."""
    if declared.later is True:
        return f"{declared.meaning} Not built yet."
    if declared.release in (None, ()):
        return declared.meaning
    acts = declared.release if name == "num_workers" else default
    words = shown([acts])
    if acts != declared.release:
        words += f" (planned: {shown([declared.release])})"
    if declared.april != acts and name != "num_workers":
        words += f" or, in april, {shown([declared.april])}"
    return f"{declared.meaning} Default: {words}."


def _plain(kind: Any) -> Any:
    """What click makes of a text: a number, a path or the text."""
    for plain in (int, float, Path):
        if kind in (plain, plain | None):
            return click.Path(path_type=Path) if plain is Path else plain
    return str
