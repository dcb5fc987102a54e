"""`nightjar data`: a look at recordings before anything is trained on them."""

import os
from pathlib import Path
from typing import Any

import click

from host.cli.common import FiniteRange, Level, json_option, level, say, subcommand, write_json

_PATH = click.Path(path_type=Path)
_COUNT = click.IntRange(min=1)


@subcommand(
    context_settings={"token_normalize_func": lambda token: token.replace("_", "-")},
    short_help="Look at recordings before training.",
)
@click.argument("folder", type=_PATH)
@click.option(
    "--labels", type=_PATH, metavar="FILE", help="A table: path, split, labels, recordist."
)
@click.option(
    "--multi-label/--no-multi-label", help="Equal files of two classes are one recording of both."
)
@click.option("--test-data", type=_PATH, metavar="FOLDER", help="An outside test set.")
@click.option("--group-by", metavar="REGEX", help="Its first group of the path is never split.")
@click.option(
    "--test-group", multiple=True, metavar="NAME", help="A group held out for test, or several."
)
@click.option("--val-group", multiple=True, metavar="NAME", help="The same for validation.")
@click.option(
    "--split-file/--no-split-file",
    default=True,
    help="Honour a split.csv in the folder (default; --group-by comes first).",
)
@click.option("--val-split", type=FiniteRange(), default=0.2, help="Share for validation.")
@click.option("--test-split", type=FiniteRange(), default=0.2, help="Share for test; 0 for none.")
@click.option("--seed", type=int, default=42, help="Of the split.")
@click.option("--max-samples", type=_COUNT, help="Recordings of a class at most.")
@click.option("--max-classes", type=_COUNT, help="Keep the classes with most recordings.")
@click.option("--sample-rate", type=_COUNT, default=24000, help="Hz of the model.")
@click.option(
    "--chunk-duration",
    type=FiniteRange(min=0, min_open=True),
    default=2.5,
    help="Seconds of a window.",
)
@click.option(
    "--max-duration",
    type=FiniteRange(min=0),
    default=60.0,
    help="Seconds read of a recording; 0 for all.",
)
@click.option("--max-chunks-per-file", type=_COUNT, default=3, help="Windows of a recording.")
@click.option("--epochs", type=_COUNT, default=50, help="For the expected time.")
@click.option(
    "--num-workers",
    type=click.IntRange(min=0, max=256),
    default=os.cpu_count() or 1,
    help="Threads that read.",
)
@click.option("--rehash", is_flag=True, help="Read every file again, changed or not.")
@json_option
def command(folder: Path, rehash: bool, json_path: str | None, **given: Any) -> int:
    """Look at the recordings in FOLDER: what there is, what is wrong with them, how they would be
    split.

    Options and defaults are those of `nightjar train`, which looks first, too. Ends with 2 where a
    rule refuses the data; docs/data-rules.md lists the rules.
    """
    from host.exit_codes import Exit
    from model_gen.data.look import LookOptions, look
    from model_gen.data.tell import findings, ignored, table

    found = look(LookOptions(data_path_train=folder, **given), rehash=rehash)
    every = level() is Level.VERBOSE
    for line in (*table(found), *findings(found, every=every), *ignored(found, every=every)):
        say(line, json_path)
    minutes = found.expected_seconds / 60
    say(
        f"{found.unheard_share:.0%} of the recorded time lies in no window; training takes about "
        f"{minutes:.0f} minutes at the default size",
        json_path,
    )
    if found.refusals:
        say("these data are refused, until the findings marked `refuse` are mended", json_path)
    write_json(json_path, found.as_json())
    return Exit.INPUT if found.refusals else Exit.OK
