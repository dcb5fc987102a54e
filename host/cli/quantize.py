"""`nightjar quantize`: a checkpoint to a bundle."""

from collections import Counter
from pathlib import Path

import click

from host.cli.common import dashed, force_option, json_option, say, subcommand, write_json
from host.cli.hearing_options import hearing_options
from host.cli.parameters import Choice, FiniteRange, WholeRange
from host.errors import BadInput


@subcommand(
    context_settings={"token_normalize_func": dashed},
    short_help="Quantize a checkpoint to full int8 and write a bundle.",
)
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--data-path",
    "--data",
    "--data-path-train",
    "data_path",
    type=click.Path(path_type=Path),
    required=True,
    help="The data folder that the checkpoint was trained on.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The bundle to write.")
@click.option(
    "--calibration-samples",
    type=WholeRange(1),
    help="Training chunks that set the ranges, spread over the classes. Default: those of the "
    "manifest beside the checkpoint, where training left one, else 256.",
)
@click.option(
    "--vectors",
    type=WholeRange(1, 64),
    default=4,
    show_default=True,
    help="Windows that travel in the bundle, of test recordings, or else of validation recordings.",
)
@click.option(
    "--max-drop",
    type=FiniteRange(0, 1),
    default=0.05,
    show_default=True,
    help="How much class-mean AP and top-1 on validation recordings may each drop from float to int8; "
    "below 1 they must be measurable there.",
)
@click.option(
    "--seed",
    type=WholeRange(0),
    default=42,
    show_default=True,
    help="Seed of which chunks calibrate and which windows travel.",
)
@hearing_options
@click.option(
    "--npu-safe",
    is_flag=True,
    help="Add a kernel, whose output is dropped, where an STM32N6's NPU would cut sums off: the "
    "model's outputs stay the same bytes.",
)
@click.option(
    "--ranges",
    type=Choice(("own", "converter")),
    default="own",
    show_default=True,
    help="Who measures the ranges of activations: docs/quantization.md.",
)
@click.option(
    "--ranges-from",
    type=click.Path(path_type=Path),
    help="A bundle whose recorded ranges are taken for all that its model and this one compute alike.",
)
@click.option("--scheme", default="int8", show_default=True, help="A bundle's model is int8.")
@force_option
@json_option
def command(
    checkpoint: Path,
    data_path: Path,
    out: Path,
    calibration_samples: int | None,
    vectors: int,
    max_drop: float,
    seed: int,
    num_workers: int,
    cache_dir: Path | None,
    npu_safe: bool,
    ranges: str,
    ranges_from: Path | None,
    scheme: str,
    force: bool,
    json_path: str | None,
) -> None:
    """Quantize CHECKPOINT to int8, judge it on validation recordings, and write the bundle if it passes."""
    if scheme != "int8":
        raise BadInput(
            "a bundle holds an int8 model: boards compute nothing else",
            evidence=f"Received: --scheme {scheme}",
            next_step=f"leave --scheme out, or use `nightjar convert {checkpoint} --scheme {scheme}`"
            if scheme in ("dynamic", "float")
            else "leave --scheme out",
        )
    from model_gen.quantization.run import QuantizeOptions, quantize

    result = quantize(
        QuantizeOptions(
            checkpoint=checkpoint,
            data_path=data_path,
            out=out,
            calibration_samples=calibration_samples,
            vectors=vectors,
            max_drop=max_drop,
            seed=seed,
            num_workers=num_workers,
            cache_dir=cache_dir,
            force=force,
            npu_safe=npu_safe,
            ranges=ranges,
            ranges_from=ranges_from,
        )
    )
    gates, contract = result.gates, result.contract
    if result.npu is not None:
        for done in result.npu.done or ("nothing to do: no sum is cut off that this could mend",):
            say(f"NPU: {done}", json_path)
        for left in result.npu.left:
            say(f"NPU, left as it is: {left}", json_path)
    if contract is not None:
        say(
            f"{out}: {result.model_bytes:,} bytes of int8 model, an arena of {result.arena_bytes:,} bytes; "
            f"cosine to float {gates.mean_cosine:.4f} in the mean, {gates.p5_cosine:.4f} at the 5th percentile, "
            f"over {gates.chunks} validation chunks; over {gates.recordings} validation recordings "
            f"class-mean AP {_both(gates.float_ap, gates.int8_ap)}, "
            f"top-1 {_both(gates.float_top1, gates.int8_top1)}{_unheard(gates.unheard)}",
            json_path,
        )
        write_json(
            json_path,
            {
                "schema": "nightjar/quantize/1",
                "bundle": str(out),
                "gates": gates.as_json(),
                "model_bytes": result.model_bytes,
                "arena_bytes": result.arena_bytes,
                "model_sha256": contract.files["model.tflite"],
                "ops": dict(sorted(Counter(result.ops).items())),
                "npu_safe": None if result.npu is None else result.npu.as_json(),
            },
        )
    gates.require()


def _both(whole: float | None, quantized: float | None) -> str:
    """A metric of both models, in words."""
    if whole is None or quantized is None:
        return "not held: it cannot be measured"
    return f"{whole:.4f} in float, {quantized:.4f} in int8"


def _unheard(labels: tuple[str, ...]) -> str:
    """The classes that the mean says nothing about, in words."""
    return f"; not held: {', '.join(labels)}, of which no AP can be measured" if labels else ""
