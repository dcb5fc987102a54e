"""`nightjar verify`: prove that a board computes what the host computes."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import click

from host.cli.common import (
    Choice,
    FiniteRange,
    json_option,
    result_option,
    say,
    subcommand,
    write_json,
)


@subcommand(
    "verify",
    help="Generate, build, flash and run MODEL (a bundle folder or a .tflite) on a board, compare every byte of"
    " every tensor with the host reference, and write the verdict. Exit 0 only when exact, 19 on a difference.",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--board", default="virtual", show_default=True, help="virtual, native, ...")
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
    type=Choice(["tflite", "tflm"]),
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
@result_option("--html", "html_path", text="Write a page, too.")
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
    vectors: int,
    seed: int,
    rounding: str,
    project: Path | None,
    out: Path | None,
    html_path: Path | None,
    baseline: Path | None,
    deadline: float,
    json_path: str | None,
) -> int:
    from host.cli.progress import working
    from host.compare.prepare import default_folder, prepare
    from host.compare.prove import prove
    from host.compare.session import Session
    from host.deadline import Deadline
    from host.enforced import enforced
    from host.exit_codes import Exit
    from host.report.html import write_html
    from host.report.regression import Baseline

    limit = Deadline.after(deadline)
    with enforced(limit), working("making firmware") as now:
        before = None if baseline is None else Baseline.read(baseline)
        subject, made = prepare(
            model, board, rounding=rounding, project=project, out=out, limit=limit
        )
        folder = out if out is not None else default_folder(subject, board, rounding)
        session = Session(
            made, subject, board, vectors, seed, limit=limit, evidence=folder / "difference"
        )
        if before is not None:
            before.check(session)
        verdict = prove(
            session,
            say=lambda line: say(line, json_path),
            now=now,
            command=shlex.join(["nightjar", *sys.argv[1:]]),
        )
    failure = None if before is None else before.compare(verdict)
    if failure is not None and verdict.exact:
        verdict = replace(verdict, exit_code=failure.exit_code, exact=True)
    write_json(json_path, verdict.as_json())
    if html_path is not None:
        write_html(html_path, verdict, title=f"{model.name} on {board}")
    say(verdict.headline, json_path)
    say(f"judge: {verdict.reference}", json_path)
    if verdict.first_difference is not None:
        if verdict.exhibits.folder:
            say(f"to reproduce: {verdict.exhibits.folder}", json_path)
        return Exit.FIRMWARE
    if verdict.cost.model is not None:
        cost = f"{verdict.cost.model:,} {verdict.proved.cost_unit} an inference"
        if verdict.cost.frontend is not None:
            cost += f", {verdict.cost.frontend:,} for its frontend"
        say(
            f"cost: {cost}; flash {verdict.footprint.flash:,} bytes, RAM {verdict.footprint.ram:,}",
            json_path,
        )
    if failure is not None:
        raise failure
    return verdict.exit_code
