"""`nightjar evaluate`: how good a model is on recordings that it was not trained on."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host.cli.board_options import board_options
from host.cli.common import (
    dashed,
    json_option,
    project_option,
    result_option,
    say,
    subcommand,
    write_json,
)
from host.cli.hearing_options import hearing_options
from host.cli.parameters import Choice, FiniteRange, WholeRange
from host.errors import BadInput
from host.exit_codes import Exit

if TYPE_CHECKING:
    from host.boards.which import Which


@subcommand(
    context_settings={"token_normalize_func": dashed},
    short_help="Score a checkpoint, a bundle or a .tflite on held-out recordings.",
)
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.option(
    "--data-path", "--data", "data_path", type=click.Path(path_type=Path), required=True,
    help="Class folders of recordings.",
)  # fmt: skip
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Beside a bundle: the float model to compare with.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help="A second model of the same labels, compared by the paired bootstrap.",
)
@click.option(
    "--like",
    type=click.Path(path_type=Path),
    metavar="BUNDLE_OR_CHECKPOINT",
    help="Of a bare .tflite: whose frontend and labels it has.",
)
@board_options(
    "Let this board compute frontend and model, too: virtual, native, ..., the name of a board on "
    'the bench, or "none".',
    none=True,
    default="none",
)
@project_option
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
    "--pooling",
    "--pool",
    type=Choice(["max", "average", "lme"]),
    default="lme",
    show_default=True,
    help="Which pooling table and page show; the JSON has all.",
)
@click.option(
    "--thresholds",
    default="judged",
    show_default=True,
    metavar="judged|val|NUMBER",
    help="The best F1 of each class on the judged recordings, or on those of validation; or one "
    "threshold for all.",
)
@click.option("--top-k", type=WholeRange(1), default=3, show_default=True)
@click.option(
    "--annotations",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Tables of events, named after the recordings: Raven, Audacity or CSV. Adds event recall.",
)
@click.option(
    "--group-by",
    metavar="REGEX",
    help="What its group finds in a path is drawn together by the bootstrap, as training splits.",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A table with the columns path and recordist, whose recordings are drawn together.",
)
@click.option(
    "--draws", type=WholeRange(10, 100_000), default=1000, show_default=True,
    help="Of the bootstrap.",
)  # fmt: skip
@click.option("--seed", type=WholeRange(0), default=42, show_default=True, help="Of the bootstrap.")
@hearing_options
@result_option("--html", text="Write a page with the curves, for a browser.")
@json_option
def command(
    model: Path,
    data_path: Path,
    checkpoint: Path | None,
    like: Path | None,
    board: str,
    at: "Which | None",
    wait: float,
    project: Path | None,
    split: str | None,
    everything: bool,
    thresholds: str,
    html: Path | None,
    json_path: str | None,
    **more: Any,
) -> int:
    """Score a checkpoint (float), a bundle or a .tflite (by TFLite's reference kernels) on whole recordings.

    The scores of a recording's chunks are pooled by their maximum, average and log-mean-exp. Every
    figure has a 95 % interval. Exit 19 when a score of a board is not the reference's.
    """
    from model_gen.evaluation.options import EvaluateOptions, thresholds_of
    from model_gen.evaluation.run import evaluate
    from model_gen.evaluation.table import table

    kind = _kind(model)
    _check_pairs(model, kind, checkpoint=checkpoint, like=like, board=board)
    if everything and split not in (None, "all"):
        raise BadInput(
            f"--all and --split {split} exclude each other",
            evidence="Received: both of them",
            next_step="give one of them",
        )
    options = EvaluateOptions(
        data_path=data_path,
        checkpoint=model if kind == "checkpoint" else checkpoint,
        bundle=model if kind == "bundle" else None,
        tflite=model if kind == "tflite" else None,
        like=like,
        split="all" if everything else split or "test",
        thresholds=thresholds_of(thresholds),
        **more,
    )
    with ExitStack() as stack:
        asked = None
        if board != "none":
            from host.listen.scores import board_scores

            asked = stack.enter_context(
                board_scores(model, board, at=at, wait=wait, project=project)
            )
        result = evaluate(options, asked)
    say(table(result), json_path)
    write_json(json_path, result.as_json())
    if html is not None:
        from host.report.evaluation_html import write_evaluation_html

        write_evaluation_html(html, result, title=model.stem)
        say(f"the page: {html}", json_path)
    return Exit.FIRMWARE if result.differing else Exit.OK


def _kind(model: Path) -> str:
    """checkpoint | tflite | bundle."""
    if model.suffix == ".keras":
        return "checkpoint"
    if not model.exists():
        raise BadInput(
            "expected a checkpoint, which ends in .keras, a .tflite, or the folder of a bundle",
            evidence=f"Received: {model}, which does not exist",
            next_step="make one with `nightjar train` or `nightjar quantize`",
        )
    if model.is_file() and model.suffix != ".tflite":
        raise BadInput(
            "expected a checkpoint, which ends in .keras, a .tflite, or the folder of a bundle",
            evidence=f"Received: {model}, a file of another kind",
            next_step="name the model that it was made of, or convert that with `nightjar convert`",
        )
    return "tflite" if model.is_file() else "bundle"


def _check_pairs(
    model: Path, kind: str, *, checkpoint: Path | None, like: Path | None, board: str
) -> None:
    """Refuse what does not go with the kind of model.

    Raises:
        BadInput: with what to give instead.
    """
    if kind == "checkpoint" and checkpoint is not None:
        raise BadInput(
            "--checkpoint goes with a bundle",
            evidence=f"Received: {model}, a checkpoint itself",
            next_step=f"nightjar evaluate BUNDLE --checkpoint {checkpoint}, or nightjar evaluate "
            f"{model} --against {checkpoint}",
        )
    if kind == "tflite" and like is None:
        raise BadInput(
            "a bare .tflite says neither how it listens nor its labels",
            evidence=f"Received: {model} without --like",
            next_step=f"nightjar evaluate {model} --like BUNDLE_OR_CHECKPOINT, naming what it was "
            "converted from",
        )
    if kind != "tflite" and like is not None:
        raise BadInput(
            "--like goes with a bare .tflite",
            evidence=f"Received: {model}, which says itself how it listens",
            next_step=f"leave --like out, or nightjar evaluate {model} --against {like}",
        )
    if kind == "tflite" and checkpoint is not None:
        raise BadInput(
            "--checkpoint goes with a bundle",
            evidence=f"Received: {model}, a bare model",
            next_step=f"nightjar evaluate {model} --like {checkpoint} --against {checkpoint}",
        )
    if kind != "bundle" and board != "none":
        raise BadInput(
            "--board goes with a bundle",
            evidence=f"Received: {model}",
            next_step="make a bundle with `nightjar quantize`, and evaluate that",
        )
