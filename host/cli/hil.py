"""`nightjar hil`: run the hardware-in-the-loop suite, and say what its proof comes to."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.cli.attempts_options import attempts_options
from host.cli.board_options import board_options
from host.cli.common import (
    baseline_option,
    faults_option,
    force_option,
    json_option,
    project_option,
    record_option,
    result_option,
    say,
    stream_option,
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
    from host.compare.conclude import Conclusion
    from host.compare.proof import Proof
    from host.compare.session import Session
    from host.compare.vectors import Vector


@subcommand(
    "hil",
    help="Run the hardware-in-the-loop suite on a board. This is pytest; the exact command is printed. The exit code is"
    " made from the proof that the run leaves, never from what pytest says of its tests: 0 is complete and exact, 19 a"
    " FIRMWARE failure, 18 that something which applies was not judged; `nightjar --help` has them all.",
)
@board_options()
@click.option(
    "--bundle", required=True, type=click.Path(path_type=Path), help="A bundle folder or a .tflite."
)
@click.option("--vectors", default=4, show_default=True, type=WholeRange(min=0))
@click.option("--seed", default=0, show_default=True, type=WholeRange(min=0))
@rounding_option
@backend_option
@optimize_option
@project_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder for project and evidence.")
@force_option
@stream_option
@click.option("--soak", default=20, show_default=True, type=WholeRange(min=1))
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
@baseline_option
@click.option(
    "--min-coverage",
    metavar="PERCENT",
    type=FiniteRange(0, 100),
    help="Exit 16 when the vectors reach less of the code or of the constants; virtual only.",
)
@result_option("--junit", text="Write JUnit XML as Jenkins takes it.")
@result_option("--junit-gitlab", "gitlab", text="Write JUnit XML as GitLab takes it.")
@result_option(
    "--code-quality", "quality", text="Write what failed as GitLab's code quality report."
)
@result_option("--html", "html_path", text="Write one page.")
@faults_option
@attempts_options
@record_option
@gates_options
@quarantine_options
@click.option(
    "--quarantine-verify",
    is_flag=True,
    help="Ask only what --quarantine leaves out, judge it, and say which of its tests pass now: 18 at best, for nothing"
    " else was judged.",
)
@history_option
@json_option
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    board: str,
    at: "Which",
    wait: float,
    bundle: Path,
    vectors: int,
    seed: int,
    rounding: str,
    backend: str | None,
    optimize: str | None,
    project: Path | None,
    out: Path | None,
    force: bool,
    stream: bool,
    soak: int,
    deadline: float,
    inputs: Path | None,
    baseline: Path | None,
    min_coverage: float | None,
    junit: Path | None,
    gitlab: Path | None,
    quality: Path | None,
    html_path: Path | None,
    faults: str | None,
    attempts: int,
    allow_flaky: int,
    record: Path | None,
    history: str | None,
    gates_file: Path | None,
    gates: tuple[str, ...],
    quarantine: Path | None,
    allow_quarantined: tuple[str, ...],
    quarantine_verify: bool,
    json_path: str | None,
    pytest_arguments: tuple[str, ...],
) -> int:
    import secrets
    import tempfile
    from dataclasses import replace

    from host.bundle import load_subject
    from host.cli.gating import Gating
    from host.cli.keeper import Keeper
    from host.cli.outcome import gated, report
    from host.cli.progress import working
    from host.cli.pytest_process import ORDERLY, check_usage, how, run_pytest, suite
    from host.compare.attempts import attempted, bring_back, is_retried, with_attempts
    from host.compare.conclude import conclude
    from host.compare.prepare import default_folder, prepare
    from host.compare.proof import read_proof
    from host.compare.quarantine import Quarantine
    from host.compare.session import Session
    from host.coverage.covered import cover, require_coverable
    from host.deadline import Deadline
    from host.enforced import enforced
    from host.errors import NightjarError
    from host.exit_codes import Exit
    from host.history.written import Keeping, called
    from host.inputs import read_inputs
    from host.link.faults import parse_faults
    from host.link.identity import check_project
    from host.owned import remove_owned
    from host.project import FAILED
    from host.recording.manifest import SuiteRun
    from host.recording.recording import clear_attempts
    from host.report.regression import Baseline

    named = f"hil --bundle {shlex.quote(str(bundle))}"
    check_backend(backend, project, model=bundle, command=named, at=at)
    keeping = Keeping.begin(history)
    limit = Deadline.after(deadline)
    if faults is not None:
        parse_faults(faults)  # says what is wrong with it before pytest starts
    _check_foreign(pytest_arguments)
    with Keeper(record, faults=faults) as keeper:
        with enforced(limit), working("making firmware"):
            require_coverable(board, min_coverage)
            before = None if baseline is None else Baseline.read(baseline)
            gating = Gating.begin(
                *(gates_file, gates), at=at, model=bundle, store=history, baseline=before
            )
            held = Quarantine.begin(
                *(quarantine, allow_quarantined),
                model=called(bundle),
                boards=(board, at.name),
                lifted=quarantine_verify,
            )
            folder = out or default_folder(
                load_subject(bundle), board, rounding, stream=stream, optimize=optimize
            )
            remove_owned(folder / "difference")  # of an earlier run
            clear_attempts(folder)
            # What only this command can find wrong is kept by it; all else by the suite itself.
            keeps = record is not None or min_coverage is not None or bool(before or gating)
            if keeps:
                keeper.beside(folder)
            subject, made = prepare(
                bundle,
                board,
                rounding=rounding,
                stream=stream,
                project=project,
                out=out,
                limit=limit,
                force=force,
                optimize=optimize,
            )
        given = () if inputs is None else tuple(read_inputs(inputs, made.description.inputs))
        session = Session(
            *(made, subject, board, vectors, seed, given), limit=limit, quarantine=held
        )
        if before is not None:
            before.check(session)
        keeper.suite, keeper.min_coverage = SuiteRun(soak, proof=False), min_coverage
        keeper.baseline = before
        keeper.record(session)
        check_project(made, subject)
        questions = session.plan
        with tempfile.TemporaryDirectory(prefix="nightjar-") as temporary:
            recorded = Path(temporary) / "session.njs" if keeps else folder / FAILED
            options = {
                "--board": at.option,
                "--wait": wait,
                "--bundle": bundle,
                "--project": made.path,
                "--vectors": vectors,
                "--seed": seed,
                "--hil-out": folder,
                "--soak": soak,
            }
            words = suite()
            words += [word for name, value in options.items() for word in (name, str(value))]
            words += [] if inputs is None else ["--inputs", str(inputs)]
            words += [] if faults is None else ["--faults", faults]
            words += [] if quarantine is None else ["--quarantine", str(quarantine)]
            for name in allow_quarantined:
                words += ["--allow-quarantined", name]
            words += ["--quarantine-verify"] if quarantine_verify else []
            words += [] if at.bench is None else ["--bench", str(at.bench)]
            words += [] if at.port is None else ["--port", at.port]
            words += [] if at.flashes else ["--no-flash"]
            words += pytest_arguments
            say("$ " + shlex.join(["pytest", *words]), json_path)
            words += ["--hil-record", str(recorded)] if keeps else []
            causes: list[NightjarError] = []

            def tell(line: str) -> None:
                say(line, json_path)

            def attempt(number: int) -> "tuple[Conclusion, Proof | None]":
                file, nonce = Path(temporary) / f"proof-{number}", secrets.token_hex(16)
                line = [sys.executable, "-m", "pytest", *words]
                line += ["--hil-proof", str(file), "--hil-nonce", nonce, "--hil-history", ""]
                line += ["--deadline", f"{limit.remaining:.3f}"]
                with keeper.session():
                    ended = run_pytest(line, limit, quiet=json_path == "-")
                    proof = read_proof(file, nonce)
                    if keeps:
                        keeper.take(recorded)
                    run = keeper.suite = SuiteRun(
                        *(soak, proof is not None, how(ended), ended in ORDERLY, ended is None)
                    )
                    check_usage(ended, proof)
                    conclusion = conclude(
                        session,
                        questions,
                        proof,
                        ended=run.ended,
                        orderly=run.orderly,
                        late=run.late,
                        said=ended,
                        command=shlex.join(["nightjar", *sys.argv[1:]]),
                    )
                if conclusion.error is not None and is_retried(conclusion.error):
                    causes.append(conclusion.error)
                    if number < attempts:
                        raise conclusion.error
                return conclusion, proof

            def back(error: NightjarError, number: int) -> "tuple[Step, ...] | None":
                _keep_attempt(recorded, folder, number)
                return bring_back(replace(session, at=at), error, tell)

            (conclusion, proof), failed = attempted(attempts, attempt, back, tell)
            if conclusion.error is not None and conclusion.error in causes:
                conclusion = replace(
                    conclusion, error=causes[0], code=Exit(causes[0].exit_code), verdict=None
                )
        if conclusion.verdict is not None and conclusion.verdict.passes:
            vectors_judged = _vectors(session)
            try:
                with keeper.session(), enforced(limit), working("counting what the vectors reach"):
                    covered = cover(made, subject, vectors_judged, limit=limit)
                    if gating is not None:
                        keeper.gating = gating = gating.settled(conclusion.verdict)
                    conclusion = gated(session, conclusion, covered, before, min_coverage, gating)
            except NightjarError as error:  # the reports are written all the same
                code = Exit(error.exit_code)
                conclusion = replace(conclusion, code=code, verdict=None, error=error)
        keeper.verdict, keeper.code = conclusion.verdict, conclusion.code
        if conclusion.verdict is not None:
            verdict = with_attempts(conclusion.verdict, failed, allow_flaky)
            verdict = replace(verdict, stands=at.stands)
            conclusion = replace(conclusion, code=Exit(verdict.exit_code), verdict=verdict)
        return report(
            conclusion,
            proof,
            session,
            json_path=json_path,
            html_path=html_path,
            junit=junit,
            gitlab=gitlab,
            quality=quality,
            keeping=keeping,
            at=at,
        )


def _keep_attempt(recorded: Path, folder: Path, number: int) -> None:
    """Keep what the suite recorded of an attempt that failed, before the next one takes its place."""
    from host.project import ATTEMPT
    from host.recording.recording import kept_anyway, parts_of

    kept = []
    for part in parts_of(recorded):
        worker = part.stem.removeprefix(recorded.stem)
        name = ATTEMPT.format(f"{number}{worker}")
        folder.mkdir(parents=True, exist_ok=True)
        kept.append(Path(shutil.move(part, folder / name)))
    if kept:
        click.echo(kept_anyway(kept), err=True)


def _check_foreign(arguments: Sequence[str]) -> None:
    """What belongs to this command is not given to pytest behind its back."""
    from host.errors import BadInput

    own = {name for option in command.params for name in option.opts if name.startswith("--")}
    for word in arguments:
        name = word.partition("=")[0]
        if name in own or name.startswith("--hil-"):
            raise BadInput(
                "options of `nightjar hil` stand before `--`",
                evidence=f"Received: {word} behind it, where only pytest's own options stand",
                next_step=f"give {name} before `--`, if it is one that `nightjar hil --help` names",
            )


def _vectors(session: "Session") -> "list[Vector]":
    """What the suite judged."""
    from host.compare.vectors import make_vectors

    ports = session.project.description.inputs
    return make_vectors(
        *(session.subject, ports, session.vectors, session.seed, session.given),
        stateful=session.structure.stateful,
    )
