"""`nightjar verify`: prove that a board computes what the host computes."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.cli.common import (
    Choice,
    FiniteRange,
    Level,
    json_option,
    result_option,
    say,
    subcommand,
    write_json,
)
from host.report.summary import summary_lines

if TYPE_CHECKING:
    from host.bundle import Subject
    from host.compare.vectors import Inputs
    from host.deadline import Deadline
    from host.project import Project


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
    help="An earlier verdict: exit 16 when a cost or the footprint grew, 2 when it cannot be compared.",
)
@click.option(
    "--deadline",
    default=3600.0,
    show_default=True,
    type=FiniteRange(min=1),
    help="Seconds after which everything is given up.",
)
@click.option(
    "--inputs",
    type=click.Path(path_type=Path),
    help="Judge these inputs, too: .npy [n, *shape] of the input's dtype, or .npz keyed by input name.",
)
@click.option(
    "--min-coverage",
    metavar="PERCENT",
    type=FiniteRange(0, 100),
    help="Exit 16 when the vectors reach less of the code or of the constants; virtual only.",
)
@result_option(
    "--cover",
    text="Search inputs that reach more, write them as .npz for --inputs, and judge them; virtual only.",
)
@click.option(
    "--cover-tries", default=200, show_default=True, type=click.IntRange(min=1), help="Of --cover."
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
    inputs: Path | None,
    min_coverage: float | None,
    cover: Path | None,
    cover_tries: int,
    json_path: str | None,
) -> int:
    from host.cli.progress import working
    from host.compare.prepare import default_folder, prepare
    from host.compare.prove import prove
    from host.compare.session import Session
    from host.coverage.covered import below, require_coverable
    from host.deadline import Deadline
    from host.enforced import enforced
    from host.inputs import read_inputs
    from host.report.html import write_html
    from host.report.regression import Baseline

    limit = Deadline.after(deadline)
    with enforced(limit), working("making firmware") as now:
        require_coverable(board, min_coverage)
        before = None if baseline is None else Baseline.read(baseline)
        subject, made = prepare(
            model, board, rounding=rounding, project=project, out=out, limit=limit
        )
        ports = made.description.inputs
        given = [] if inputs is None else read_inputs(inputs, ports)
        if cover is not None:
            now("searching inputs that reach more")
            given += _search(made, subject, given, cover, cover_tries, seed, limit, json_path)
        folder = out if out is not None else default_folder(subject, board, rounding)
        session = Session(
            *(made, subject, board, vectors, seed, tuple(given)),
            limit=limit,
            evidence=folder / "difference",
        )
        if before is not None:
            before.check(session)
        verdict = prove(
            session,
            say=lambda line: say(line, json_path),
            now=now,
            coverage=True,
            command=shlex.join(["nightjar", *sys.argv[1:]]),
        )
    failures = [
        None if before is None else before.compare(verdict),
        below(verdict.coverage, min_coverage),
    ]
    failure = next((one for one in failures if one is not None), None)
    if failure is not None and verdict.exact:
        verdict = replace(verdict, exit_code=failure.exit_code)
    write_json(json_path, verdict.as_json())
    if html_path is not None:
        write_html(html_path, verdict, title=f"{model.name} on {board}")
    for line in summary_lines(verdict):
        say(line, json_path)
    if verdict.recalled:
        say(f"recalled: {', '.join(verdict.recalled)}", json_path, at=Level.VERBOSE)
    if failure is not None and verdict.exact:
        raise failure
    return verdict.exit_code


def _search(
    project: "Project",
    subject: "Subject",
    start: "Sequence[Inputs]",
    file: Path,
    tries: int,
    seed: int,
    limit: "Deadline",
    json_path: str | None,
) -> "list[Inputs]":
    """The inputs that were found, which are written to `file`."""
    from host.coverage.search import search
    from host.inputs import write_inputs

    found = search(
        *(project, subject),
        tries=tries,
        seed=seed,
        start=start,
        limit=limit,
        say=lambda line: say(line, json_path),
    )
    write_inputs(file, project.description.inputs, found.inputs)
    say(f"{file}: {len(found.inputs)} inputs, the fewest of {found.tried} tried", json_path)
    return list(found.inputs)
