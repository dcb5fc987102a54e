"""`nightjar quantize`: a checkpoint to a bundle."""

from collections import Counter
from pathlib import Path

import click

from host.cli.common import force_option, json_option, say, subcommand, write_json


@subcommand(
    context_settings={"token_normalize_func": lambda token: token.replace("_", "-")},
    short_help="Quantize a checkpoint to full int8 and write a bundle.",
)
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--data-path",
    "--data",
    "data_path",
    type=click.Path(path_type=Path),
    required=True,
    help="The data folder that the checkpoint was trained on.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The bundle to write.")
@click.option(
    "--calibration-samples",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    help="Training chunks that set the ranges, spread over the classes.",
)
@click.option(
    "--vectors",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Windows of test recordings that travel in the bundle.",
)
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True)
@click.option("--num-workers", type=click.IntRange(0), default=2, show_default=True)
@click.option(
    "--cache-dir",
    type=click.Path(path_type=Path),
    show_default="the cache windows of `nightjar cache`",
    help="Where features are kept, without a bound.",
)
@force_option
@json_option
def command(
    checkpoint: Path,
    data_path: Path,
    out: Path,
    calibration_samples: int,
    vectors: int,
    seed: int,
    num_workers: int,
    cache_dir: Path | None,
    force: bool,
    json_path: str | None,
) -> None:
    """Quantize CHECKPOINT to int8, judge it on validation recordings, and write the bundle if it passes."""
    from model_gen.quantization.run import QuantizeOptions, quantize

    result = quantize(
        QuantizeOptions(
            checkpoint=checkpoint,
            data_path=data_path,
            out=out,
            calibration_samples=calibration_samples,
            vectors=vectors,
            seed=seed,
            num_workers=num_workers,
            cache_dir=cache_dir,
            force=force,
        )
    )
    gates, contract = result.gates, result.contract
    if contract is not None:
        say(
            f"{out}: {result.model_bytes:,} bytes of int8 model; cosine to float {gates.mean_cosine:.4f} in the mean, "
            f"{gates.p5_cosine:.4f} at the 5th percentile, over {gates.chunks} validation chunks",
            json_path,
        )
        write_json(
            json_path,
            {
                "schema": "nightjar/quantize/1",
                "bundle": str(out),
                "gates": gates.as_json(),
                "model_bytes": result.model_bytes,
                "model_sha256": contract.files["model.tflite"],
                "ops": dict(sorted(Counter(result.ops).items())),
            },
        )
    gates.require()
