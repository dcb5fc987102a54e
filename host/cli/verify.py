"""`nightjar verify`: prove that a board computes what the host computes."""

import shlex
import sys
from pathlib import Path

import click

from host.cli.common import (
    FiniteRange,
    ResultOption,
    board_options,
    force_option,
    json_option,
    say,
    write_json,
)


@click.command(
    "verify",
    help="Generate, build, flash and run MODEL (a bundle folder or a .tflite) on a board, compare every byte of"
    " every tensor with the host reference, and write the verdict. Exit 0 only when exact, 1 on a difference.",
)
@click.argument("model", type=click.Path(path_type=Path))
@board_options()
@click.option(
    "--vectors",
    default=8,
    show_default=True,
    type=click.IntRange(min=0),
    help="Random vectors; a bundle's own chunks are judged besides.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Of the random vectors.",
)
@click.option(
    "--rounding",
    default="tflite",
    show_default=True,
    type=click.Choice(["tflite", "tflm"]),
    help="Whose rounding rules the firmware has, and who judges: the pinned TFLite's reference, or tflite-micro.",
)
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    help="Judge the ELF of this project as it lies there, without building.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the project and for what reproduces a difference.",
)
@force_option
@click.option(
    "--html",
    "html_path",
    cls=ResultOption,
    type=click.Path(path_type=Path),
    help="Write a page, too.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    help="An earlier verdict: exit 16 when cost or footprint grew.",
)
@click.option(
    "--deadline",
    default=3600.0,
    show_default=True,
    type=FiniteRange(min=1),
    help="Seconds after which everything is given up.",
)
@json_option
def command(
    model: Path,
    board: str,
    wait: float,
    vectors: int,
    seed: int,
    rounding: str,
    project: Path | None,
    out: Path | None,
    force: bool,
    html_path: Path | None,
    baseline: Path | None,
    deadline: float,
    json_path: str | None,
) -> int:
    from host.bundle import load_subject
    from host.compare.prepare import default_folder, prepare
    from host.compare.prove import prove
    from host.deadline import Deadline
    from host.owned import remove_owned
    from host.report.html import render
    from host.report.regression import check_regression, load_baseline
    from host.results import remove_result, write_result

    limit = Deadline.after(deadline)
    # An error must not leave an earlier verdict where the caller will look for this one.
    for path in (html_path, _file(json_path)):
        if path is not None:
            remove_result(path)
    before = None if baseline is None else load_baseline(baseline, board)
    folder = out if out is not None else default_folder(load_subject(model), board, rounding)
    remove_owned(folder / "difference")
    subject, made = prepare(model, board, rounding=rounding, project=project, out=out, force=force)
    verdict = prove(
        made,
        subject,
        board,
        vectors,
        seed,
        limit=limit,
        wait=wait,
        evidence=folder / "difference",
        say=lambda line: say(line, json_path),
        command=shlex.join(["nightjar", *sys.argv[1:]]),
    )
    payload = verdict.as_json()
    write_json(json_path, payload)
    if html_path is not None:
        page = render(verdict, title=f"{model.name} on {board}")
        write_result(html_path, page.encode())
    say(verdict.headline, json_path)
    say(f"judge: {verdict.reference}", json_path)
    if verdict.first_difference is not None:
        if verdict.exhibits.folder:
            say(f"to reproduce: {verdict.exhibits.folder}", json_path)
        return 1
    if verdict.cost.model is not None:
        cost = f"{verdict.cost.model:,} {verdict.proved.cost_unit} an inference"
        if verdict.cost.frontend is not None:
            cost += f", {verdict.cost.frontend:,} for its frontend"
        say(
            f"cost: {cost}; flash {verdict.footprint.flash:,} bytes, RAM {verdict.footprint.ram:,}",
            json_path,
        )
    if before is not None:
        check_regression(payload, before)
    return 0


def _file(json_path: str | None) -> Path | None:
    return None if json_path in (None, "-") else Path(str(json_path))
