"""`nightjar generate`: a bundle or a .tflite becomes a firmware project."""

from pathlib import Path

import click

from host.cli.common import (
    bench_option,
    force_option,
    json_option,
    say,
    stream_option,
    subcommand,
    write_json,
)
from host.cli.parameters import Choice

_SECONDS = 600  # that another command may take to make firmware beside it


@subcommand(name="generate")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--board", default="virtual", show_default=True, help="Board to generate for.")
@bench_option
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder of the project to write."
)
@click.option(
    "--rounding",
    type=Choice(["tflite", "tflm"]),
    default="tflite",
    show_default=True,
    help="Whose rounding rules to follow: the pinned TFLite's reference, or tflite-micro's.",
)
@click.option("--backend", type=Choice(["cm55"]), default="cm55", show_default=True)
@click.option(
    "--weights",
    type=Choice(["auto", "ram", "nor"]),
    default="auto",
    show_default=True,
    help="Where the weights lie on an STM32N6: in RAM where they fit, or in the external NOR.",
)
@click.option(
    "--cpu-mhz",
    type=int,
    help="The core's clock on an STM32N6: 600, as without it, or 800, where the board's supply allows.",
)
@stream_option
@force_option
@json_option
def command(
    model: Path,
    board: str,
    bench: Path | None,
    out: Path,
    rounding: str,
    backend: str,
    weights: str,
    cpu_mhz: int | None,
    stream: bool,
    force: bool,
    json_path: str | None,
) -> None:
    """Turn MODEL, a bundle folder or a .tflite, into a self-contained firmware project.

    The project builds anywhere with CMake, Ninja or make, and the board's compiler. int8 ops: ABS, ADD,
    AVERAGE_POOL_2D, CONCATENATION, CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, GATHER, HARD_SWISH, LEAKY_RELU,
    LOGISTIC, MAXIMUM, MAX_POOL_2D, MEAN, MINIMUM, MIRROR_PAD, MUL, PACK, PAD, PADV2, PRELU, RELU, RELU6, RELU_N1_TO_1,
    RESIZE_NEAREST_NEIGHBOR, SOFTMAX, SPLIT, SPLIT_V, SUB, SUM, TANH, TRANSPOSE, UNPACK, slices and reshapes; QUANTIZE
    and DEQUANTIZE at the ends; SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND around a convolution, which becomes a dilated
    one; shape arithmetic where it is constant.
    """
    from host.boards.which import kind_for
    from host.bundle import load_subject
    from host.deadline import Deadline
    from host.owned import alone_in, around
    from model_gen.codegen.project.generate import generate

    subject = load_subject(model)
    with alone_in(around(out), Deadline.after(_SECONDS)):
        project = generate(
            *(subject, kind_for(board, bench=bench), out),
            rounding=rounding,
            stream=stream,
            weights=weights,
            cpu_mhz=cpu_mhz,
            force=force,
        )
    described = project.description
    write_json(
        json_path,
        {
            "schema": "nightjar/generate/1",
            "project": str(out),
            "board": board,
            "backend": backend,
            "model_sha256": described.model_sha256,
            "contract_sha256": described.contract_sha256,
            "rounding": described.rounding,
            "arena_bytes": described.arena_bytes,
            "steps": described.steps,
            "stream": described.stream,
        },
    )
    say(f"{out}: {described.steps} steps, arena {described.arena_bytes:,} bytes", json_path)
