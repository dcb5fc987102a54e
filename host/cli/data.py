"""`nightjar data`: a look at recordings before anything is trained on them."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from host.cli.common import json_option, say, subcommand, write_json
from host.cli.table_options import of_table, renamed
from host.loudness import Level, level
from model_gen.data.hearing import LookOptions
from model_gen.training.presets import options_of

# Options that decide with the others whether training can take such chunks at all.
_GEOMETRY = ("fft_length", "spec_width", "num_mels")
_NAMES = [field.name for field in fields(LookOptions) if field.name != "data_path_train"]


@subcommand(
    context_settings={"token_normalize_func": renamed},
    short_help="Look at recordings before training.",
)
@click.argument("folder", type=click.Path(path_type=Path))
@of_table([*_NAMES, *_GEOMETRY])
@click.option("--rehash", is_flag=True, help="Read every file again, changed or not.")
@json_option
def command(folder: Path, rehash: bool, json_path: str | None, **given: Any) -> int:
    """Look at the recordings in FOLDER: what there is, what is wrong with them, how they would be
    split.

    Options and defaults are those of `nightjar train`, which looks first, too. Ends with 2 where a
    rule refuses the data; docs/data-rules.md lists the rules.
    """
    from host.exit_codes import Exit
    from model_gen.data.look import look
    from model_gen.data.tell import findings, ignored, span, table

    options = options_of("release", {"data_path_train": folder, **given})
    found = look(LookOptions.of(options), rehash=rehash)
    every = level() is Level.VERBOSE
    for line in (
        *table(found),
        *findings(found, every=every),
        *ignored(found.scene.ignored, every=every),
    ):
        say(line, json_path)
    say(
        f"{found.unheard_share:.0%} of the recorded time lies in no window; a guess, right within a "
        f"factor of three: a model of the default size trains for {span(found.expected_seconds)}",
        json_path,
    )
    if found.refusals:
        say("these data are refused, until the findings marked `refuse` are mended", json_path)
    write_json(json_path, found.as_json())
    return Exit.INPUT if found.refusals else Exit.OK
