"""One run of the suite: what it asks, what it writes down, and what that comes to."""

import os
import secrets
import shlex
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from host.boards.pool import firmware_kind, fitting, meant
from host.boards.which import ANY, Which
from host.cli.common import write_json
from host.cli.history_options import HISTORY
from host.compare.answers import Answer
from host.compare.bench import Bench
from host.compare.conclude import Conclusion, conclude
from host.compare.minutes import Minutes
from host.compare.prepare import default_folder, prepare
from host.compare.proof import ProofWriter, header, merge, read_proof
from host.compare.quarantine import Quarantine
from host.compare.questions import Kind, Plan, Question
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import BadInput, BoardLocked, NightjarError
from host.exit_codes import Exit, first
from host.history.written import Keeping, called
from host.inputs import read_inputs
from host.link.faults import parse_faults
from host.link.identity import check_project
from host.owned import remove_owned
from host.project import FAILED
from host.recording.manifest import SuiteRun, Test
from host.recording.recorder import Recorder
from host.recording.recording import KEPT, kept_anyway, part_of, parts_of
from host.report.html import write_html
from host.report.junit import CaseRecord, add_types
from host.report.verdict import Verdict
from host.results import write_result

WORKERS = "nightjar_proof"  # what processes of xdist are told
Ask = Callable[[Question], None]  # raises where the answer is wrong


def say(config: pytest.Config, line: str) -> None:
    """Print a line, whether pytest has a terminal or was told to have none."""
    terminal = config.pluginmanager.has_plugin("terminalreporter")
    (config.get_terminal_writer().line if terminal else print)(line)


def worker_of(config: pytest.Config) -> str:
    """The name of this process of xdist, "" where it is none."""
    return os.environ.get("PYTEST_XDIST_WORKER", "") if hasattr(config, "workerinput") else ""


def open_session(config: pytest.Config) -> tuple[Session, Path]:
    """What the options ask for, its firmware made, and the folder of what it leaves. No board is started.

    Raises:
        NightjarError: it cannot be judged, and why.
    """
    option = config.getoption
    limit = Deadline.after(option("--hil-deadline"))
    at = _which(config)
    bundle, board, rounding = Path(option("--hil-bundle")), at.tier, option("--hil-rounding")
    out = Path(option("--hil-out")) if option("--hil-out") else None
    subject, project = prepare(
        bundle,
        board,
        rounding=None if option("--hil-project") else rounding,
        stream=option("--hil-stream"),
        project=Path(option("--hil-project")) if option("--hil-project") else None,
        out=out,
        limit=limit,
        force=option("--hil-force"),
    )
    check_project(project, subject)
    streams = project.description.stream
    folder = out or default_folder(subject, board, project.description.rules, stream=streams)
    inputs = option("--hil-inputs")
    given = tuple(read_inputs(Path(inputs), project.description.inputs)) if inputs else ()
    worker = worker_of(config)
    evidence = folder / f"difference{'-' if worker else ''}{worker}"
    remove_owned(evidence)  # of an earlier run
    session = Session(
        project,
        subject,
        board,
        vectors=option("--hil-vectors"),
        seed=option("--hil-seed"),
        given=given,
        limit=limit,
        wait=option("--hil-wait"),
        wrap=parse_faults(option("--hil-faults")).wrap if option("--hil-faults") else None,
        evidence=evidence,
        at=at,
        quarantine=Quarantine.begin(
            Path(option("--hil-quarantine")) if option("--hil-quarantine") else None,
            option("--hil-allow-quarantined"),
            model=called(bundle),
            boards=(board, at.name),
            lifted=option("--hil-quarantine-verify"),
        ),
    )
    return session, folder


def _which(config: pytest.Config) -> Which:
    """The board that the options mean. One that is chosen or leased is held until pytest ends."""
    option = config.getoption
    name, tags = option("--hil-board"), option("--hil-tag")
    bench = Path(option("--hil-bench")) if option("--hil-bench") else None
    project = option("--hil-project")
    kind = firmware_kind(Path(project) if project else None)
    flashes = not option("--hil-no-flash")

    def fit() -> tuple[Which, ...]:
        return fitting(tags, bench=bench, kind=kind, flashes=flashes)

    if name == ANY and leads_others(config):  # each of which takes one of its own
        _check_enough(len(config.option.tx), fit())
        return fit()[0]
    stack = ExitStack()
    config.add_cleanup(stack.close)
    held = meant(
        *(name, tags),
        bench=bench,
        port=option("--hil-port"),
        kind=kind,
        flashes=flashes,
        wait=option("--hil-wait"),
    )
    try:
        return stack.enter_context(held)
    except BoardLocked:
        if name != ANY or not worker_of(config):
            raise
        return fit()[0]  # xdist would start another process: the tests of this one say who has it


def _check_enough(processes: int, fit: tuple[Which, ...]) -> None:
    """Refuse more processes than there are boards.

    Raises:
        BadInput: they are more, or boards of several kinds, which run no one project.
    """
    names = ", ".join(one.name for one in fit)
    if processes > len(fit):
        raise BadInput(
            "each process of xdist needs a board of its own",
            evidence=f"Received: -n {processes}, and {len(fit)} fit: {names}",
            next_step=f"-n {len(fit)}",
        )
    if len({one.tier for one in fit}) > 1:
        raise BadInput(
            "processes of xdist judge one kind of board",
            evidence=f"Received: --board {ANY}, and several kinds fit: {names}",
            next_step="add a --tag that only boards of one kind have",
        )


def leads_others(config: pytest.Config) -> bool:
    """Whether this process of xdist only starts others."""
    return not worker_of(config) and getattr(config.option, "dist", "no") != "no"


@dataclass
class Suite:
    """What is judged, where it is written down, and what went wrong so far.

    `worker` is the name of a process of xdist, "" for the one that decides; `leads` is whether that one only starts
    others.
    """

    session: Session
    plan: Plan
    proof: Path
    nonce: str
    worker: str
    leads: bool
    minutes: Minutes
    recorder: Recorder | None
    kept: Path  # where the recording goes
    unasked: bool  # only that of a failure stays
    keeping: Keeping | None = None
    board: str = ""

    @classmethod
    def open(cls, config: pytest.Config) -> "Suite":
        """Prepare what the options ask for.

        Raises:
            NightjarError: it cannot be judged, and why.
        """
        option = config.getoption
        worker = worker_of(config)
        session, folder = open_session(config)
        questions = session.plan
        proof, nonce = Path(option("--hil-proof")), option("--hil-nonce")
        # "" is none: `nightjar hil`, which started this run, keeps its verdict by itself.
        given_store = option("--hil-history")
        store = os.environ.get(HISTORY) if given_store is None else given_store
        keeping = None if worker else Keeping.begin(store)
        leads = leads_others(config)
        if not worker:
            for part in _parts(proof):
                part.unlink()
        path = Path(f"{proof}.{worker}") if worker else proof
        minutes = Minutes(ProofWriter(path, header(session, questions, nonce)))
        recorder = None
        asked_for = option("--hil-record")
        kept = Path(asked_for) if asked_for else folder / FAILED
        if not asked_for and not worker:
            for part in parts_of(kept):  # of an earlier run
                part.unlink()
        if not leads:
            recorder = Recorder(session, faults=option("--hil-faults"), trusts=not asked_for)
            session = replace(session, tape=recorder)
        board = session.board if session.at is None else session.at.name
        made = (session, questions, proof, nonce, worker, leads, minutes, recorder)
        return cls(*made, kept, unasked=not asked_for, keeping=keeping, board=board)

    def tests(self, kind: Kind) -> list[Question]:
        """The questions of a kind that become tests: all, or with --quarantine-verify those in quarantine."""
        lifted, named = self.session.quarantine.lifted, self.session.named
        return [one for one in self.plan.of(kind) if not lifted or one.id in named]

    @property
    def writer(self) -> ProofWriter:
        """Of the proof."""
        return self.minutes.writer

    def asks(self, test: Test) -> None:
        """A test is about to ask."""
        if self.recorder is not None:
            self.recorder.test = test

    def take(self, bench: Bench, answer: Answer) -> Question | None:
        """Write an answer down; the earlier question whose failure explains this one's, if there is one."""
        return self.minutes.take(bench, answer)

    def ended(self, bench: Bench) -> None:
        """The board is put away."""
        self.minutes.ended(bench)

    def error(self, error: NightjarError) -> None:
        """What went wrong outside any question."""
        self.writer.error(error)
        if self.recorder is not None:
            self.recorder.broke(error)

    def case(self, record: CaseRecord) -> None:
        """How a test ended."""
        self.writer.case(record)

    def finish(self, config: pytest.Config) -> Conclusion | None:
        """Complete the proof, and in the process that decides say what it comes to."""
        if self.leads:
            merge(_parts(self.proof), self.writer, self.nonce)
        else:
            self.writer.complete()
        if self.worker:
            self._write_recording(config)  # it cannot know whether another one fails
            return None
        conclusion = conclude(self.session, self.plan, read_proof(self.proof, self.nonce))
        if not self.unasked or conclusion.code in KEPT:
            self._write_recording(config)
        if self.unasked:
            self._keep_failure(conclusion, config)
        xml = getattr(config.option, "xmlpath", None)
        if xml and Path(xml).is_file():
            add_types(Path(xml))
        if conclusion.verdict is not None:
            stands = "" if self.session.at is None or self.leads else self.session.at.stands
            verdict = replace(conclusion.verdict, stands=stands)
            conclusion = replace(conclusion, verdict=verdict)
            if config.getoption("--hil-json"):
                write_json(config.getoption("--hil-json"), verdict.as_json())
            if config.getoption("--hil-html"):
                title = f"{self.session.subject.path.name} on {self.session.board}"
                write_html(Path(config.getoption("--hil-html")), verdict, title=title)
            conclusion = self._keep(conclusion, verdict)
        return conclusion

    def _keep(self, conclusion: Conclusion, verdict: Verdict) -> Conclusion:
        """Append the verdict to the history, where one is wanted; that it cannot be hides no other failure."""
        if self.keeping is None:
            return conclusion
        try:
            print(self.keeping.keep(verdict, self.session.subject.path, self.board))
        except NightjarError as error:
            if first((conclusion.code, error.exit_code)) != conclusion.code:
                return replace(conclusion, code=Exit(error.exit_code), error=error)
            print(error, file=sys.stderr)
        return conclusion

    def _write_recording(self, config: pytest.Config) -> None:
        """Write what was recorded; what is too long for a file is said, and changes no verdict."""
        if self.recorder is None:
            return
        line = shlex.join(["pytest", *map(str, config.invocation_params.args)])
        try:
            data = self.recorder.recording(
                line, SuiteRun(config.getoption("--hil-soak"))
            ).to_bytes()
        except NightjarError as error:
            say(config, str(error))
            return
        self.kept.parent.mkdir(parents=True, exist_ok=True)
        write_result(part_of(self.kept, self.worker), data)

    def _keep_failure(self, conclusion: Conclusion, config: pytest.Config) -> None:
        """Say where the recording of a failure lies, and remove that of anything else."""
        parts = parts_of(self.kept)
        if conclusion.code in KEPT and parts:
            say(config, kept_anyway(parts))
            return
        for part in parts:
            part.unlink()


def _parts(proof: Path) -> list[Path]:
    return sorted(proof.parent.glob(f"{proof.name}.gw*"))


def place_proof(config: pytest.Config) -> None:
    """Give a run that was not told where to leave its proof a place and a nonce of its own."""
    if hasattr(config, "workerinput"):  # a process of xdist takes those of the one that started it
        config.option.hil_proof, config.option.hil_nonce = config.workerinput[WORKERS]
    elif config.option.hil_proof is None:
        folder = tempfile.TemporaryDirectory(prefix="nightjar-proof-")
        config.add_cleanup(folder.cleanup)
        config.option.hil_proof = str(Path(folder.name) / "proof")
        config.option.hil_nonce = secrets.token_hex(16)
