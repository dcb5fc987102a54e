"""`nightjar soak`: judge a board for hours, session after session, and count everything."""

import shlex
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.cli.board_options import board_options
from host.cli.common import (
    faults_option,
    force_option,
    json_option,
    project_option,
    say,
    subcommand,
    write_json,
)
from host.cli.generating_options import optimize_option
from host.cli.judged_backend import backend_option, check_backend, rounding_option
from host.cli.parameters import FiniteRange, WholeRange

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.boards.which import Which
    from host.compare.session import Session
    from host.soak.log import Log

LOG, PAGE = "soak.jsonl", "soak.html"


@subcommand(
    "soak",
    help="Judge MODEL (a bundle folder or a .tflite) on a board for hours: session after session, each with all"
    " questions of the suite, other random vectors, and --inferences on one link. What is counted is kept after each"
    f" in {LOG} of --out, and shown by {PAGE} there; the same command goes on where it was, whatever ended it. The"
    " first difference ends it with 19; sessions that the board or the link ended are counted, and FLAKY, 17.",
)
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--hours",
    required=True,
    type=FiniteRange(min=0),
    help="Of sessions, those of earlier calls counted in; each call holds one at least.",
)
@board_options()
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for project, counts and failures."
)
@click.option(
    "--inferences",
    default=500,
    show_default=True,
    type=WholeRange(min=1),
    help="That follow each other on the link of a session.",
)
@click.option(
    "--vectors",
    default=4,
    show_default=True,
    type=WholeRange(min=0),
    help="Random vectors of a session; a bundle's own chunks are judged besides.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=WholeRange(min=0),
    help="Of the first session's random vectors; the next has the next.",
)
@rounding_option
@backend_option
@optimize_option
@project_option
@click.option(
    "--allow-flaky",
    metavar="N",
    default=0,
    show_default=True,
    type=WholeRange(min=0),
    help="End with 0, not 17, where no more sessions were lost.",
)
@force_option
@faults_option
@json_option
def command(
    model: Path,
    hours: float,
    board: str,
    at: "Which",
    wait: float,
    out: Path | None,
    inferences: int,
    vectors: int,
    seed: int,
    rounding: str,
    backend: str | None,
    optimize: str | None,
    project: Path | None,
    allow_flaky: int,
    force: bool,
    faults: str | None,
    json_path: str | None,
) -> int:
    from host.bundle import load_subject
    from host.cli.progress import working
    from host.compare.prepare import default_folder, prepare
    from host.compare.session import Session
    from host.elf_record import check_recorded
    from host.link.faults import parse_faults
    from host.link.identity import check_project
    from host.soak.log import Log, Subject

    named = f"soak {shlex.quote(str(model))}"
    check_backend(backend, project, model=model, command=named, at=at)
    wrap = None if faults is None else parse_faults(faults).wrap
    with working("making firmware") as now:
        if out is None:
            usual = default_folder(load_subject(model), board, rounding, optimize=optimize)
            out = usual.with_name(f"{usual.name}-soak")
        subject, made = prepare(
            *(model, board),
            rounding=rounding,
            project=project,
            out=out,
            force=force,
            optimize=optimize,
        )
        check_project(made, subject)
        of = Subject(
            model=model.name,
            model_sha256=subject.model_sha256,
            contract_sha256=subject.contract_sha256,
            elf_sha256=check_recorded(made.elf),
            board=at.name,
            rounding=made.description.rules,
            vectors=vectors,
            seed=seed,
            inferences=inferences,
        )
        session = Session(made, subject, board, vectors, seed, wrap=wrap, wait=wait, at=at)
        with closing(Log(out / LOG, of)) as log:
            soak = _Soak(log, session, out, faults, lambda line: say(line, json_path))
            soak.show(hours)
            while not log.totals.wrong:
                now(f"session {len(log.stints) + 1}; {log.totals.headline}")
                soak.sit()
                soak.show(hours)
                if log.ended(hours):
                    break
            code = log.code(allow_flaky)
    write_json(json_path, log.as_json(code))
    say(log.totals.headline, json_path)
    say(f"{out / LOG} has each session, {out / PAGE} shows them", json_path)
    return code


@dataclass
class _Soak:
    """The sessions of one call.

    untouched: whether the board runs our firmware since its last session, which has then not ended it.
    """

    log: "Log"
    session: "Session"
    folder: Path
    faults: str | None
    tell: "Callable[[str], None]"
    untouched: bool = False

    def show(self, hours: float) -> None:
        """Write the page anew."""
        from host.report.soak_html import write_soak_html

        write_soak_html(self.folder / PAGE, self.log, hours)

    def sit(self) -> None:
        """Hold the next session, and count it. One that the board or the link ended leaves its recording.

        Raises:
            NightjarError: no session can be held, or the board that was lost is not brought back.
        """
        from host.cli.keeper import Keeper
        from host.compare.attempts import bring_back, is_retried, outlives
        from host.recording.manifest import SuiteRun
        from host.soak.log import said
        from host.soak.sitting import sit

        number = len(self.log.stints) + 1
        at = self.session.at
        assert at is not None
        session = replace(
            self.session,
            seed=self.log.subject.seed + number - 1,
            at=replace(at, flashes=at.flashes and not self.untouched),
        )
        inferences = self.log.subject.inferences
        with Keeper(None, faults=self.faults) as keeper:
            keeper.beside(self.folder / f"session-{number}")
            keeper.suite = SuiteRun(inferences)
            with keeper.session():
                stint, conclusion = sit(keeper.record(session), number, inferences)
            keeper.verdict, keeper.code = conclusion.verdict, conclusion.code
        error = conclusion.error
        if error is not None and not is_retried(error) and not stint.wrong:
            raise error
        self.log.append(stint)
        self.untouched = error is None and outlives(self.session)
        if error is None:
            return
        self.tell(said(stint))
        if stint.lost and bring_back(self.session, error, self.tell) is None:
            raise error
