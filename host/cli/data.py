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
@click.option(
    "--shard",
    metavar="I/N",
    help="Judge nothing: decode the share I of N into --cache-dir, for a training that is given it.",
)
@click.option("--cache-dir", type=click.Path(path_type=Path), help="Of --shard.")
@json_option
def command(
    folder: Path,
    rehash: bool,
    shard: str | None,
    cache_dir: Path | None,
    json_path: str | None,
    **given: Any,
) -> int:
    """Look at the recordings in FOLDER: what there is, what is wrong with them, how they would be
    split.

    Options and defaults are those of `nightjar train`, which looks first, too. Ends with 2 where a
    rule refuses the data; docs/data-rules.md lists the rules.
    """
    from host.exit_codes import Exit
    from model_gen.data.look import look
    from model_gen.data.tell import findings, ignored, span, table

    options = options_of("release", {"data_path_train": folder, **given})
    if shard is not None or cache_dir is not None:
        return _fill(LookOptions.of(options), shard, cache_dir, json_path)
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


def _fill(
    options: LookOptions, shard: str | None, cache_dir: Path | None, json_path: str | None
) -> int:
    from host.errors import BadInput
    from host.places import check_folder
    from model_gen.data.fill import fill
    from model_gen.data.shard import shard_of

    if shard is None or cache_dir is None:
        raise BadInput(
            "--shard and --cache-dir go together",
            evidence=f"Received: {'--cache-dir' if shard is None else '--shard'} alone",
            next_step="give both, for example --shard 1/4 --cache-dir windows",
        )
    check_folder("--cache-dir", cache_dir)
    found = fill(options, shard_of(shard), cache_dir)
    say(
        f"{cache_dir}: {found.windows} windows of {found.recordings} recordings, share {shard}; "
        f"{len(found.skipped)} skipped",
        json_path,
    )
    write_json(
        json_path,
        {
            "schema": "nightjar/data-shard/1",
            "shard": shard,
            "recordings": found.recordings,
            "windows": found.windows,
            "skipped": [{"path": one.path, "reason": one.reason} for one in found.skipped],
        },
    )
    return 0
