"""`nightjar convert`: a checkpoint to a .tflite or .onnx file, for other tools than a board of ours."""

from pathlib import Path
from typing import Any

import click

from host.cli.common import dashed, json_option, result_option, say, subcommand, write_json
from host.cli.hearing_options import hearing_options
from host.cli.parameters import Choice, FiniteRange, WholeRange
from host.errors import BadInput
from model_gen.quantization.form import ENDS, FORMATS, OUTPUTS, SCHEMES, Form

_SHOWN = 8  # layers


@subcommand(
    context_settings={"token_normalize_func": dashed},
    short_help="Convert a checkpoint to a .tflite or .onnx file.",
)
@click.argument("checkpoint", type=click.Path(path_type=Path), required=False)
@click.option(
    "--checkpoint-path",
    type=click.Path(path_type=Path),
    help="The same as CHECKPOINT.",
)
@click.option(
    "--model-config",
    type=click.Path(path_type=Path),
    show_default="beside the checkpoint",
    help="The model's configuration.",
)
@click.option(
    "--data-path",
    "--data-path-train",
    "data_path",
    type=click.Path(path_type=Path),
    required=True,
    help="The data folder that the checkpoint was trained on.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option(
    "--format", "kind", type=Choice(FORMATS), default="tflite", show_default=True,
    help="ONNX is float, of opset 18, and held against ONNX Runtime.",
)  # fmt: skip
@click.option(
    "--scheme", type=Choice(SCHEMES), show_default="int8, of onnx float",
    help="int8 throughout, int8 weights alone, or float.",
)  # fmt: skip
@click.option("--per-tensor", is_flag=True, help="One scale for all channels of a weight.")
@click.option(
    "--io", "ends", type=Choice(ENDS), show_default="int8 of --scheme int8, else float32",
    help="The type of input and output.",
)  # fmt: skip
@click.option(
    "--output", type=Choice(OUTPUTS), default="logits", show_default=True,
    help="scores: behind the model's sigmoid or softmax.",
)  # fmt: skip
@click.option(
    "--seeds", type=WholeRange(1, 100), default=3, show_default=True,
    help="Manifests of training windows that calibrate, one conversion each: all must pass, the first is written.",
)  # fmt: skip
@click.option("--seed", type=WholeRange(0), default=42, show_default=True, help="Of the first.")
@click.option(
    "--calibration-samples", type=WholeRange(1), default=256, show_default=True,
    help="Training windows of one manifest.",
)  # fmt: skip
@click.option(
    "--max-drop", type=FiniteRange(0, 1), default=0.05, show_default=True,
    help="How much class-mean AP and top-1 on validation recordings may each drop.",
)  # fmt: skip
@click.option(
    "--validation-samples", type=WholeRange(1), default=64, show_default=True,
    help="Validation windows that lie beside the file, with what both models say of them.",
)  # fmt: skip
@click.option(
    "--layers/--no-layers", default=True, show_default=True,
    help="Of --scheme int8: measure what each layer's quantization costs.",
)  # fmt: skip
@hearing_options
@click.option("--force", is_flag=True, help="Replace the file and those beside it.")
@result_option("--html", text="Also write the report as a page of its own.")
@json_option
def command(
    checkpoint: Path | None,
    checkpoint_path: Path | None,
    model_config: Path | None,
    kind: str,
    scheme: str | None,
    per_tensor: bool,
    ends: str | None,
    output: str,
    html: Path | None,
    json_path: str | None,
    **given: Any,
) -> None:
    """Convert CHECKPOINT, judge the result on validation recordings as `quantize` does, and write it if it passes.

    Beside the file lie NAME_report.json and NAME_validation.npz. Boards are given bundles, which `quantize` makes.
    """
    scheme = scheme or ("float" if kind == "onnx" else "int8")
    ends = ends or ("int8" if scheme == "int8" else "float32")
    form = Form(kind, scheme, per_tensor, ends, output)
    path = _checkpoint(checkpoint, checkpoint_path)
    from model_gen.quantization.conversion import ConvertOptions, convert

    result = convert(ConvertOptions(path, form=form, config=model_config, **given))
    for one in result.made:
        gates = one.gates
        seed = "" if one.seed is None else f"seed {one.seed}: "
        say(
            f"{seed}{len(one.content):,} bytes; cosine to float {gates.mean_cosine:.4f} in the mean, "
            f"{gates.p5_cosine:.4f} at the 5th percentile; class-mean AP {_both(gates.float_ap, one.gates.int8_ap)}, "
            f"top-1 {_both(gates.float_top1, gates.int8_top1)}",
            json_path,
        )
    result.worst.require()
    payload = result.as_json()
    if html is not None:
        from host.report.conversion_html import write_page

        write_page(html, payload, path.name)
    if result.losses is not None:
        from host.report.verdict import short_name

        say("layers that lose most, by how much less error there is with them in float:", json_path)
        for layer in result.losses.layers[:_SHOWN]:
            say(
                f"  {100 * layer.gain:6.1f} %  {layer.op:20} {short_name(layer.layer, 60)}",
                json_path,
            )
    if result.apart is not None:
        say(f"{result.judge} is within {result.apart:.2g} of Keras", json_path)
    say(
        f"{result.out}: {form.what}; {result.report} and {result.validation} lie beside it",
        json_path,
    )
    write_json(json_path, payload)


def _checkpoint(one: Path | None, other: Path | None) -> Path:
    if (one is None) == (other is None):
        raise BadInput(
            "expected one checkpoint",
            evidence=f"Received: {'none' if one is None else f'{one} and --checkpoint-path {other}'}",
            next_step="nightjar convert CHECKPOINT --data-path DATA --out FILE",
        )
    found = one or other
    assert found is not None
    return found


def _both(whole: float | None, converted: float | None) -> str:
    if whole is None or converted is None:
        return "not measured"
    return f"{whole:.4f} before, {converted:.4f} after"
