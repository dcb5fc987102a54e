"""`nightjar verify`: prove that a board computes what the host computes."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host.cli.attempts_options import attempts_options
from host.cli.board_options import board_options
from host.cli.common import (
    baseline_option,
    faults_option,
    force_option,
    json_option,
    record_option,
    result_option,
    say,
    subcommand,
)
from host.cli.generating_options import optimize_option
from host.cli.history_options import gates_options, history_option
from host.cli.judged_backend import backend_option, check_backend, rounding_option
from host.cli.parameters import FiniteRange, WholeRange
from host.cli.quarantine_options import quarantine_options

if TYPE_CHECKING:
    from host.boards.recovery.ladder import Step
    from host.boards.which import Which
    from host.bundle import Subject
    from host.compare.vectors import Inputs
    from host.deadline import Deadline
    from host.project import Project
    from host.report.verdict import Verdict


@subcommand(
    "verify",
    help="Generate, build, flash and run MODEL (a bundle folder or a .tflite) on a board, compare every byte of"
    " every tensor with the host reference, and write the verdict. Exit 0 only when exact (or right in all that"
    " --allow-quarantined does not name), 19 on a difference.",
)
@click.argument("model", type=click.Path(path_type=Path))
@board_options()
@click.option(
    "--vectors",
    default=8,
    show_default=True,
    type=WholeRange(min=0),
    help="Random vectors; a bundle's own chunks are judged besides.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=WholeRange(min=0),
    help="Of the random vectors.",
)
@rounding_option
@backend_option
@optimize_option
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
@result_option("--html", "html_path", text="Write a page, too.")
@baseline_option
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
    "--cover-tries", default=200, show_default=True, type=WholeRange(min=1), help="Of --cover."
)
@faults_option
@attempts_options
@record_option
@gates_options
@quarantine_options
@history_option
@json_option
def command(**given: Any) -> int:
    return judge(**given)


def judge(
    *,
    model: Path,
    board: str,
    at: "Which",
    wait: float,
    vectors: int,
    seed: int,
    deadline: float,
    json_path: str | None,
    rounding: str = "tflite",
    backend: str | None = None,
    optimize: str | None = None,
    project: Path | None = None,
    out: Path | None = None,
    force: bool = False,
    html_path: Path | None = None,
    baseline: Path | None = None,
    inputs: Path | None = None,
    min_coverage: float | None = None,
    cover: Path | None = None,
    cover_tries: int = 1,
    faults: str | None = None,
    attempts: int = 1,
    allow_flaky: int = 0,
    record: Path | None = None,
    history: str | None = None,
    gates_file: Path | None = None,
    gates: tuple[str, ...] = (),
    quarantine: Path | None = None,
    allow_quarantined: tuple[str, ...] = (),
) -> int:
    """What the command does; each argument is the option of its name."""
    from dataclasses import replace

    from host.bundle import load_subject
    from host.cli.gating import Gating
    from host.cli.keeper import Keeper
    from host.cli.outcome import beside, held_against, kept, told, ways_to_show
    from host.cli.progress import working
    from host.compare.attempts import attempted, bring_back, with_attempts
    from host.compare.prepare import default_folder, prepare
    from host.compare.prove import prove
    from host.compare.quarantine import Quarantine
    from host.compare.session import Session
    from host.coverage.covered import require_coverable
    from host.deadline import Deadline
    from host.enforced import enforced
    from host.errors import NightjarError
    from host.history.written import Keeping, called
    from host.inputs import read_inputs
    from host.link.faults import parse_faults
    from host.owned import remove_owned
    from host.report.regression import Baseline

    named = f"verify {shlex.quote(str(model))}"
    check_backend(backend, project, model=model, command=named, at=at)
    keeping = Keeping.begin(history)
    limit = Deadline.after(deadline)
    wrap = None if faults is None else parse_faults(faults).wrap
    with Keeper(record, faults=faults) as keeper:
        with enforced(limit), working("making firmware") as now:
            require_coverable(board, min_coverage)
            before = None if baseline is None else Baseline.read(baseline)
            gating = Gating.begin(
                *(gates_file, gates), at=at, model=model, store=history, baseline=before
            )
            held = Quarantine.begin(
                *(quarantine, allow_quarantined), model=called(model), boards=(board, at.name)
            )
            folder = (
                out
                if out is not None
                else default_folder(load_subject(model), board, rounding, optimize=optimize)
            )
            remove_owned(folder / "difference")  # of an earlier run
            keeper.beside(folder)
            subject, made = prepare(
                *(model, board),
                rounding=rounding,
                project=project,
                out=out,
                limit=limit,
                force=force,
                optimize=optimize,
            )
            if not made.fits_elsewhere:
                say(made.elsewhere, json_path)
            ports = made.description.inputs
            given = [] if inputs is None else read_inputs(inputs, ports)
            if cover is not None:
                now("searching inputs that reach more")
                given += _search(made, subject, given, cover, cover_tries, seed, limit, json_path)
            session = Session(
                *(made, subject, board, vectors, seed, tuple(given)),
                limit=limit,
                wrap=wrap,
                wait=wait,
                at=at,
                evidence=folder / "difference",
                quarantine=held,
            )
            if before is not None:
                before.check(session)
            keeper.baseline, keeper.min_coverage = before, min_coverage

            def tell(line: str) -> None:
                say(line, json_path)

            def attempt(number: int) -> "Verdict":
                with keeper.session():
                    verdict = prove(
                        keeper.record(session),
                        say=tell,
                        now=now,
                        coverage=True,
                        command=shlex.join(["nightjar", *sys.argv[1:]]),
                    )
                    return beside(session, verdict)

            def back(error: NightjarError, number: int) -> "tuple[Step, ...] | None":
                keeper.keep_attempt(number)
                now("bringing the board back")
                return bring_back(session, error, tell)

            verdict, failed = attempted(attempts, attempt, back, tell)
        if gating is not None and verdict.passes:
            keeper.gating = gating = gating.settled(verdict)
        verdict, failure = held_against(verdict, before, min_coverage, gating)
        keeper.verdict, keeper.code = verdict, verdict.exit_code
        verdict = replace(with_attempts(verdict, failed, allow_flaky), stands=at.stands)
        title = f"{model.name} on {at.name}"
        told(
            verdict.exit_code,
            *ways_to_show(verdict, title, json_path, html_path),
            lambda: kept(keeping, verdict, model, at.name, json_path),
        )
        if failure is not None:
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
