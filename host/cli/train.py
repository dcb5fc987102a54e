"""`nightjar train`: recordings to a checkpoint."""

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from host.cli.common import Choice, json_option, say, subcommand, write_json
from model_gen.training.option import Declaration, flag, in_words
from model_gen.training.presets import PRESETS, options_of, table

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
    text = declared.meaning
    given: dict[str, Any] = {"default": None}
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


def _plain(kind: Any) -> Any:
    """What click makes of a text: a number, a path or the text."""
    for plain in (int, float, Path):
        if kind in (plain, plain | None):
            return click.Path(path_type=Path) if plain is Path else plain
    return str


@subcommand(
    context_settings={"token_normalize_func": renamed},
    short_help="Train a classifier on folders of recordings.",
)
@click.option("--preset", type=Choice(PRESETS), default="release", help="Where defaults come from.")
@of_table()
@json_option
def command(preset: str, json_path: str | None, **given: Any) -> None:
    """Train a classifier on class folders of recordings, of any format that libsndfile reads.

    Folders named noise, silence, background or other teach rejection. Option names may be written with underscores.
    Beside the checkpoint: model configuration, labels, split, history, curves and train state.
    """
    chosen = {name: value for name, value in given.items() if value not in (None, ())}
    options = options_of(preset, chosen)
    from model_gen.training.run import train  # after the options: TensorFlow takes its seconds

    result = train(options)
    progress = result.progress
    best = progress.history[progress.best_epoch - 1]
    say(
        f"{options.checkpoint_path}: epoch {best.epoch} of {len(progress.history)}, validation loss "
        f"{best.val_loss:.4f}, AP {best.val_ap:.4f}, ROC-AUC {best.val_roc_auc:.4f}; "
        f"{len(result.skipped)} recordings skipped; "
        f"weights {result.weights_sha256[:16]}",
        json_path,
    )
    write_json(
        json_path,
        {
            "schema": "nightjar/train/1",
            "checkpoint": str(options.checkpoint_path),
            "labels": list(result.config.labels),
            "parameters": result.parameters,
            "recordings": result.recordings,
            "chunks": result.chunks,
            "skipped": [{"path": s.path, "reason": s.reason} for s in result.skipped],
            "epochs": len(progress.history),
            "best_epoch": best.epoch,
            "val_loss": best.val_loss,
            "val_ap": _known(best.val_ap),
            "val_roc_auc": _known(best.val_roc_auc),
            "val_top1": _known(best.val_top1),
            "weights_sha256": result.weights_sha256,
        },
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
