"""`nightjar data`: a look at recordings before anything is trained on them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host.cli.common import json_option, level, say, subcommand, write_json

if TYPE_CHECKING:
    from model_gen.data.look import Look
    from model_gen.data.rules.scene import Finding

_SHOWN = 5  # paths of a rule, of the ignored and of a finding, that are shown without --verbose


@subcommand(
    context_settings={"token_normalize_func": lambda token: token.replace("_", "-")},
    short_help="Look at recordings before training.",
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--labels", type=click.Path(path_type=Path), metavar="FILE", help="A table of path, split, labels, recordist.")
@click.option("--multi-label/--no-multi-label", help="Equal files of two classes are one recording of both.")
@click.option("--test-data", type=click.Path(path_type=Path), metavar="FOLDER", help="An outside test set.")
@click.option("--group-by", metavar="REGEX", help="Its first group of the path is never split.")
@click.option("--test-group", multiple=True, metavar="NAME", help="A group that is held out for test; may be repeated.")
@click.option("--val-group", multiple=True, metavar="NAME", help="The same for validation.")
@click.option("--split-file/--no-split-file", "use_split_file", default=True, help="Honour a split.csv in the folder.")
@click.option("--val-split", type=float, default=0.2, show_default=True, help="Share for validation.")
@click.option("--test-split", type=float, default=0.2, show_default=True, help="Share kept for testing; 0 for none.")
@click.option("--seed", type=int, default=42, show_default=True, help="Of the split.")
@click.option("--max-samples", type=click.IntRange(min=1), help="Recordings of a class at most.")
@click.option("--max-classes", type=click.IntRange(min=1), help="Keep the classes with most recordings.")
@click.option("--sample-rate", type=click.IntRange(min=1), default=24000, show_default=True, help="Hz of the model.")
@click.option("--chunk-duration", type=float, default=2.5, show_default=True, help="Seconds of a window.")
@click.option("--max-duration", type=float, default=60.0, show_default=True, help="Seconds read of a recording; 0 for all.")
@click.option("--max-chunks-per-file", type=click.IntRange(min=1), default=3, show_default=True, help="Windows of a recording.")
@click.option("--epochs", type=click.IntRange(min=1), default=50, show_default=True, help="For the expected time.")
@click.option("--num-workers", type=click.IntRange(min=0), default=os.cpu_count() or 1, help="Threads that read.")
@click.option("--rehash", is_flag=True, help="Read every file again, changed or not.")
@json_option
def command(folder: Path, rehash: bool, json_path: str | None, **given: Any) -> int:
    """Look at the recordings in FOLDER: what there is, what is wrong with it, and how it would be split.

    Ends with 2 where a rule refuses the data, as `nightjar train` would. docs/data-rules.md lists the rules.
    """
    from host.exit_codes import Exit
    from model_gen.data.look import LookOptions, look

    options = LookOptions(data_path_train=folder, **given)
    found = look(options, rehash=rehash)
    write_json(json_path, found.as_json())
    return Exit.INPUT if found.refusals else Exit.OK
