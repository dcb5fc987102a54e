"""`nightjar profile`: what an inference costs, counted, or expected of a model not yet converted."""

from pathlib import Path
from typing import Any

import click

from host.cli.board_options import bench_option
from host.cli.common import json_option, subcommand
from host.cli.parameters import Choice, Sectioned, WholeRange
from host.cli.table_options import of_table, renamed
from model_gen.training.presets import PRESETS, table

_COUNTED = "Of a bundle or .tflite, which is run"
_BEFORE = "Of no model: that of a training run"
_OF_MODEL = tuple(one.name for one in table().values() if one.declared.part == "model")


@subcommand(
    "profile",
    context_settings={"token_normalize_func": renamed},
    short_help="Say what an inference costs, layer by layer, and what the NPU will make of it.",
)
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.option(
    "--board",
    "name",
    cls=Sectioned,
    section=_COUNTED,
    default="virtual",
    show_default=True,
    metavar="KIND_OR_NAME",
    help="virtual, or a board of the bench that is one: only that counts every instruction.",
)
@bench_option
@click.option("--rounding", default="tflite", type=Choice(["tflite", "tflm"]), show_default=True)
@click.option(
    "--loops", default=4, show_default=True, type=WholeRange(0, 50), help="How many to show."
)
@click.option(
    "--coverage",
    is_flag=True,
    help="Also measure which code this inference executes and which constants it reads, by layer.",
)
@click.option(
    "--stedgeai",
    is_flag=True,
    help="Also let ST's compiler analyze the model, where it is installed. A model that is no int8 yet gets ranges that"
    " are made up.",
)
@click.option(
    "--preset",
    cls=Sectioned,
    section=_BEFORE,
    type=Choice(PRESETS),
    default="release",
    show_default=True,
    help="Where the defaults of the options of training come from.",
)
@click.option(
    "--labels-count",
    cls=Sectioned,
    section=_BEFORE,
    type=WholeRange(1, 100_000),
    help="Classes that the model would have.  [default: 10]",
)
@of_table(_OF_MODEL)
@json_option
def command(
    model: Path | None,
    name: str,
    bench: Path | None,
    rounding: str,
    loops: int,
    coverage: bool,
    stedgeai: bool,
    preset: str,
    labels_count: int | None,
    json_path: str | None,
    **given: Any,
) -> int:
    """Profile MODEL, or without one the model that `nightjar train` would begin with.

    A bundle folder or a .tflite runs once on the virtual board: its instructions by layer and by
    function, the hottest loops with their disassembly, the share of Helium. A checkpoint (.keras),
    or the options of a training run, are not run: multiply-accumulates, parameters, activations and
    expected instructions of each layer, and the rules that the NPU holds it against
    (docs/profile.md).
    """
    if model is None or model.suffix == ".keras":
        _refuse_others(model, ("name", "bench", "rounding", "loops", "coverage"))
        from host.cli.profile_model import LABELS, of_checkpoint, of_options

        if model is None:
            of_options(preset, given, labels_count or LABELS, json_path, stedgeai=stedgeai)
            return 0
        _refuse_others(model, ("preset", "labels_count", *_OF_MODEL))
        of_checkpoint(model, json_path, stedgeai=stedgeai)
        return 0
    _refuse_others(model, ("preset", "labels_count", *_OF_MODEL))
    from host.cli.profile_counted import count

    return count(model, name, bench, rounding, loops, coverage, json_path, stedgeai=stedgeai)


def _refuse_others(model: Path | None, names: tuple[str, ...]) -> None:
    """Refuse options that count for nothing here."""
    from click.core import ParameterSource

    from host.errors import BadInput

    context = click.get_current_context()
    for param in context.command.params:
        if param.name in names and (
            context.get_parameter_source(param.name) is not ParameterSource.DEFAULT
        ):
            what = "no model" if model is None else str(model)
            raise BadInput(
                f"{param.opts[0]} counts for nothing here",
                evidence=f"Received: {what} and {param.opts[0]}",
                next_step=f"leave {param.opts[0]} out; `nightjar profile --help` says what goes with what",
            )
