"""`nightjar teach`: what a teacher says of recordings, kept for students."""

from pathlib import Path

import click

from host.cli.common import dashed, json_option, say, subcommand, write_json
from host.cli.hearing_options import hearing_options
from host.cli.parameters import FiniteRange


@subcommand(
    context_settings={"token_normalize_func": dashed},
    short_help="Keep what a large model says of recordings, for students.",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--data-path",
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder of recordings that students train on.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The file to write: .npz, or .parquet with the extra `parquet`.",
)
@click.option(
    "--teacher-config",
    type=click.Path(path_type=Path),
    help="How a model that `nightjar train` did not make listens, as JSON.",
)
@click.option(
    "--overlap",
    type=FiniteRange(0, 0.99),
    default=0.5,
    show_default=True,
    help="Overlap of the teacher's windows, a share of one.",
)
@click.option(
    "--max-duration",
    type=FiniteRange(0),
    default=60.0,
    show_default=True,
    help="Seconds heard of one recording at most; 0 is all.",
)
@click.option(
    "--embedding/--no-embedding", default=True, show_default=True, help="Keep embeddings, too."
)
@click.option(
    "--shard",
    default="1/1",
    show_default=True,
    metavar="I/N",
    help="Hear the share I of N alone; without it, what other shares heard is taken.",
)
@hearing_options
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
def command(
    model: Path,
    data_path: Path,
    out: Path,
    teacher_config: Path | None,
    overlap: float,
    max_duration: float,
    embedding: bool,
    shard: str,
    num_workers: int,
    cache_dir: Path | None,
    force: bool,
    json_path: str | None,
) -> None:
    """Score every recording below a folder with the Keras model MODEL, for `nightjar train --teacher`.

    A pass that is cut off goes on where it was. With --shard, machines that share OUT's folder share the pass.
    """
    from model_gen.data.shard import shard_of
    from model_gen.teaching.teach import TeachOptions, teach

    result = teach(
        TeachOptions(
            model=model,
            data_path=data_path,
            out=out,
            config=teacher_config,
            overlap=overlap,
            max_duration=max_duration,
            embedding=embedding,
            shard=shard_of(shard),
            num_workers=num_workers,
            cache_dir=cache_dir,
            force=force,
        )
    )
    scores = result.scores
    if scores is None:
        say(
            f"{result.done} of {result.parts} parts are there; when all are, "
            "the command without --shard joins them",
            json_path,
        )
    else:
        size = 0 if scores.embedding is None else scores.embedding.shape[1]
        say(
            f"{out}: {len(scores)} windows of {scores.window_seconds:g} s, {len(scores.labels)} "
            f"classes, embeddings of {size}; {len(result.skipped)} recordings skipped",
            json_path,
        )
    write_json(
        json_path,
        {
            "schema": "nightjar/teach/1",
            "out": None if scores is None else str(out),
            "parts": result.parts,
            "done": result.done,
            "windows": None if scores is None else len(scores),
            "silent": None if scores is None else scores.silent,
            "labels": None if scores is None else list(scores.labels),
            "skipped": list(result.skipped),
        },
    )
