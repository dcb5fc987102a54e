"""`nightjar synth`: make a synthetic bird-song data set."""

from pathlib import Path

import click

from host.cli.common import force_option, json_option, say, subcommand, write_json
from host.cli.parameters import WholeRange


@subcommand()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=42, show_default=True)
@click.option(
    "--per-species", type=int, default=40, show_default=True, help="Recordings of each species."
)
@click.option(
    "--species", type=int, default=8, show_default=True, help="Number of species, beside noise."
)
@click.option(
    "--duration",
    type=(float, float),
    default=(3.0, 6.0),
    show_default=True,
    metavar="MIN MAX",
    help="Length of a recording in seconds.",
)
@click.option(
    "--workers", type=WholeRange(min=1), help="Threads; the result does not depend on it."
)
@force_option
@json_option
def command(
    out: Path,
    seed: int,
    per_species: int,
    species: int,
    duration: tuple[float, float],
    workers: int | None,
    force: bool,
    json_path: str | None,
) -> None:
    """Make a synthetic bird-song data set in the folder OUT.

    OUT gets one folder of 24 kHz FLAC files a species, a folder of noise, metadata.csv and split.csv. It must be
    absent, empty, or just as this command made it. The same options give the same bytes.
    """
    from model_gen.data.synth import RATE, SCHEMA, SynthOptions, write_dataset

    options = SynthOptions(seed=seed, per_species=per_species, species=species, seconds=duration)
    summary = write_dataset(out, options, workers=workers, force=force)
    say(
        f"{out}: {summary.recordings} recordings ({summary.seconds / 60:.1f} minutes) of "
        f"{len(summary.labels)} species and noise",
        json_path,
    )
    splits = ", ".join(f"{count} {split}" for split, count in summary.splits.items())
    say(
        f"split: {splits}; {summary.unheard_share:.0%} of the test recordings are from individuals "
        "that training never hears",
        json_path,
    )
    write_json(
        json_path,
        {
            "schema": SCHEMA,
            "out": str(out),
            "seed": seed,
            "sample_rate": RATE,
            "labels": list(summary.labels),
            "recordings": summary.recordings,
            "seconds": summary.seconds,
            "splits": summary.splits,
            "unheard_share": summary.unheard_share,
        },
    )
