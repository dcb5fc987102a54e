"""`nightjar evaluate`: how good a model is on recordings that it was not trained on."""

from dataclasses import asdict
from pathlib import Path

import click

from host.cli.common import json_option, say, subcommand, write_json
from host.cli.parameters import Choice, FiniteRange, WholeRange
from host.errors import BadInput


@subcommand(
    context_settings={"token_normalize_func": lambda token: token.replace("_", "-")},
    short_help="Score a checkpoint or a bundle on held-out recordings.",
)
@click.argument("model", metavar="CHECKPOINT_OR_BUNDLE", type=click.Path(path_type=Path))
@click.option(
    "--data-path", "--data", "data_path", type=click.Path(path_type=Path), required=True,
    help="Class folders of recordings.",
)  # fmt: skip
@click.option(
    "--checkpoint", type=click.Path(path_type=Path), help="Beside a bundle: the float model to compare with."
)  # fmt: skip
@click.option(
    "--split",
    type=Choice(["train", "val", "test", "all"]),
    show_default="test",
    help='Which of the recordings that training was given; "all" is every one of an outside folder.',
)
@click.option("--all", "everything", is_flag=True, help="The same as --split all.")
@click.option(
    "--overlap",
    type=FiniteRange(0, 0.99),
    default=0.5,
    show_default=True,
    help="Share of a chunk that the next one repeats.",
)
@click.option(
    "--max-duration",
    type=FiniteRange(0),
    show_default="as in training; of a bundle 60",
    help="Seconds read of one recording at most; 0 is all of it.",
)
@click.option(
    "--num-workers",
    type=WholeRange(0),
    default=2,
    show_default=True,
    help="Threads that decode; 0 is none besides the main one.",
)
@click.option(
    "--cache-dir",
    type=click.Path(path_type=Path),
    show_default="the cache windows of `nightjar cache`",
    help="Where windows are kept; a folder of your own has no bound.",
)
@json_option
def command(
    model: Path,
    data_path: Path,
    checkpoint: Path | None,
    split: str | None,
    everything: bool,
    overlap: float,
    max_duration: float | None,
    num_workers: int,
    cache_dir: Path | None,
    json_path: str | None,
) -> None:
    """Score a checkpoint (float) or a bundle (int8, by TFLite's reference kernels) on whole recordings.

    The scores of a recording's chunks are pooled by their maximum, average and log-mean-exp.
    """
    from model_gen.evaluation.run import EvaluateOptions, evaluate
    from model_gen.evaluation.table import table

    is_checkpoint = model.suffix == ".keras"
    if not is_checkpoint and not model.exists():
        raise BadInput(
            "expected a checkpoint, which ends in .keras, or the folder of a bundle",
            evidence=f"Received: {model}, which does not exist",
            next_step="make one with `nightjar train` or `nightjar quantize`",
        )
    if is_checkpoint and checkpoint is not None:
        raise BadInput(
            "--checkpoint goes with a bundle",
            evidence=f"Received: {model}, a checkpoint itself",
            next_step=f"nightjar evaluate BUNDLE --checkpoint {checkpoint}",
        )
    if everything and split not in (None, "all"):
        raise BadInput(
            f"--all and --split {split} exclude each other",
            evidence="Received: both of them",
            next_step="give one of them",
        )
    split = "all" if everything else split or "test"
    result = evaluate(
        EvaluateOptions(
            data_path=data_path,
            checkpoint=model if is_checkpoint else checkpoint,
            bundle=None if is_checkpoint else model,
            split=split,
            overlap=overlap,
            max_duration=max_duration,
            num_workers=num_workers,
            cache_dir=cache_dir,
        )
    )
    say(table(result), json_path)
    write_json(
        json_path,
        {
            "schema": "nightjar/evaluate/1",
            "split": split,
            "labels": list(result.labels),
            "recordings": result.recordings,
            "chunks": result.chunks,
            "skipped": [asdict(s) for s in result.skipped],
            "kernels": result.kernels,
            "metrics": {
                kind: {how: asdict(metrics) for how, metrics in poolings.items()}
                for kind, poolings in result.metrics.items()
            },
        },
    )
