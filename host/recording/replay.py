"""From a recording to what its session came to: the very code of a session, on a board that replays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from host.boards.tiers import tier_of
from host.boards.which import Which
from host.compare.answers import ask
from host.compare.bench import Bench
from host.compare.conclude import Conclusion, conclude
from host.compare.minutes import Minutes, follows
from host.compare.proof import Proof, ProofWriter, header, merge, read_proof
from host.compare.prove import prove
from host.compare.questions import Plan, Question
from host.compare.session import Session
from host.coverage.coverage import Coverage
from host.coverage.covered import Covered
from host.deadline import Deadline
from host.errors import BadInput, FirmwareFailure, NightjarError
from host.exit_codes import Exit
from host.link.identity import check_project
from host.recording import archive
from host.recording.manifest import NEXT, Test, restated
from host.recording.player import CutOff, Player
from host.recording.recording import Recording
from host.report.gates import Against, Gate, parse_gate
from host.report.junit import CaseRecord
from host.report.regression import Baseline
from host.report.stored import parse_verdict
from host.report.verdict import describe

_NONCE = "replay"


@dataclass(frozen=True, eq=False)
class Replayed:
    """What a session comes to again. proof: of the suite; None where there is none."""

    session: Session
    conclusion: Conclusion
    proof: Proof | None


def replay(parts: Sequence[Recording], folder: Path) -> Replayed:
    """What a recorded session comes to, without its gates: the coverage that was asked for, and the baseline.

    Args:
        parts: one recording, or those of all processes of a run of the suite.
        folder: empty, for files while it lasts.

    Raises:
        BadInput: a recording is damaged, or of another version of nightjar (`Diverged`).
    """
    if parts[0].manifest.suite is not None:
        return _replay_suite(parts, folder)
    if len(parts) > 1:
        raise _of_no_run(f"{len(parts)} files, of which some are of `nightjar verify`")
    return _replay_verify(parts[0], folder)


def check_networks(parts: Sequence[Recording], *, run: bool) -> None:
    """Refuse what holds a generated network: its C would be compiled, and would run with the rights of who replays it.

    Args:
        run: whether it may.

    Raises:
        BadInput: one does; or it asks for ST's library, which no recording holds.
    """
    for part in parts:
        if part.manifest.npu_library:
            raise BadInput(
                "this session was judged with a library of ST's, which no recording holds",
                evidence=f"Received: one with {part.manifest.npu_library}",
                next_step="judge the board again; `nightjar golden replay --model --project` takes the library of the"
                " project",
            )
        if run:
            continue
        names = part.networks
        if names:
            raise BadInput(
                "a session of backend neural_art is judged by running its network.c: C of whoever sent the file",
                evidence=f"Received: {len(names)} files of a generated network, {names[0]} among them",
                next_step="give --run-network where you trust the file",
            )


def check_code(parts: Sequence[Recording], code: int) -> None:
    """Hold the exit code of a replay against that of the session.

    Raises:
        BadInput: it is another one.
    """
    for part in parts:
        recorded = part.manifest.exit_code
        if recorded in (None, code):
            continue
        raise BadInput(
            "a recording must come to the exit code that it says",
            evidence=f"Received: one that says {recorded}, and comes to {code}",
            next_step="give the files of all processes, whole and unchanged, to the version that recorded them",
        )


def _replay_verify(recording: Recording, folder: Path) -> Replayed:
    session, player = _session(recording, folder)
    try:
        verdict = prove(session, command=recording.manifest.line)
        player.finish()
    except CutOff as cut:
        return _failed_with(cut.error or _cut_short(), session)
    except NightjarError as error:
        player.finish()
        return _failed_with(_at_home(error, session, recording), session)
    if recording.manifest.ended is not None:
        return _failed_with(restated(recording.manifest.ended), session)
    first = verdict.first_difference
    wrong = None if first is None else FirmwareFailure(describe(first))
    return Replayed(session, Conclusion(Exit(verdict.exit_code), verdict, wrong, ()), None)


def _replay_suite(parts: Sequence[Recording], folder: Path) -> Replayed:
    sessions, files = [], []
    for number, recording in enumerate(parts):
        if recording.manifest.suite is None:
            raise _of_no_run(f"{len(parts)} files, of which some are of `nightjar verify`")
        session, player = _session(recording, folder / f"part{number}")
        sessions.append(session)
        check_project(session.project, session.subject)
        questions = session.plan
        file = folder / f"proof{number}"
        files.append(file)
        writer = ProofWriter(file, header(session, questions, _NONCE))
        _ask_all(recording, session, player, questions, writer)
        writer.complete()
    session, suite = sessions[0], parts[0].manifest.suite
    if any(header(one, questions, "") != header(session, questions, "") for one in sessions):
        raise _of_no_run("recordings of other models, ELFs, boards or seeds")
    file = folder / "proof"
    merge(files, ProofWriter(file, header(session, questions, _NONCE)), _NONCE)
    assert suite is not None
    if parts[0].manifest.ended is not None:
        return _failed_with(restated(parts[0].manifest.ended), session)
    proof = read_proof(file, _NONCE) if suite.proof else None
    conclusion = conclude(
        session,
        questions,
        proof,
        ended=suite.ended,
        orderly=suite.orderly,
        late=suite.late,
        command=parts[0].manifest.line,
    )
    error = conclusion.error
    if error is not None:
        conclusion = replace(conclusion, error=_at_home(error, session, parts[0]))
    return Replayed(session, conclusion, proof)


def covered(recording: Recording) -> Covered | None:
    """What the vectors of the session reached, as it was counted then; None where nobody counted.

    Raises:
        BadInput: it is damaged, or missing though the session was held to a share of it.
    """
    data, reason = recording.members.get(archive.COVERAGE), recording.manifest.coverage_reason
    if data is None and recording.manifest.min_coverage is not None:
        raise _damaged(archive.COVERAGE, ValueError("none, though a share of it was asked for"))
    if data is None and not reason:
        return None
    try:
        return Covered(None if data is None else Coverage.from_bytes(data), reason)
    except ValueError as error:
        raise _damaged(archive.COVERAGE, error) from error


def baseline(recording: Recording) -> Baseline | None:
    """What the verdict was held against, if anything.

    Raises:
        BadInput: it is no verdict.
    """
    data = recording.members.get(archive.BASELINE)
    return None if data is None else Baseline.parse(Path(recording.manifest.baseline), data)


def gates(recording: Recording) -> tuple[tuple[Gate, ...], Against]:
    """The gates that the verdict was held against, and what relative ones were.

    Raises:
        BadInput: one is no gate, or what they were held against is no verdict.
    """
    manifest, data = recording.manifest, recording.members.get(archive.GATES_BASELINE)
    found = tuple(map(parse_gate, manifest.gates))
    if data is None:
        return found, Against(None, manifest.no_baseline)
    return found, Against(parse_verdict(Path(archive.GATES_BASELINE), data, "a baseline"))


def _session(recording: Recording, folder: Path) -> tuple[Session, Player]:
    """The session as it was, on a board that replays."""
    manifest = recording.manifest
    tier_of(manifest.board)
    subject, project = recording.unfold(folder)
    player = Player(recording)
    session = Session(
        *(project, subject, manifest.board),
        vectors=0,  # those that were drawn then are kept: another version of numpy may draw others
        seed=manifest.seed,
        given=recording.inputs(project),
        limit=None if manifest.limit is None else Deadline(manifest.limit),
        repeats=manifest.repeats,
        tape=player,
        at=None if manifest.flashes else Which(manifest.board, flashes=False),
        quarantine=manifest.quarantine,
    )
    return session, player


def _ask_all(
    recording: Recording, session: Session, player: Player, questions: Plan, writer: ProofWriter
) -> None:
    """Put what was asked once more, in its order, and write down what is answered."""
    manifest, minutes = recording.manifest, Minutes(writer)
    assert manifest.suite is not None
    known = {question.id: question for question in questions.questions}
    with Bench(session) as bench:
        for asked in manifest.asked:
            question, begun = known.get(asked.what), player.elapsed
            if question is None:
                raise BadInput(
                    "a recording must ask what this version of the suite can ask",
                    evidence=f"Received: {asked.what!r}",
                    next_step="replay it with the version of nightjar that recorded it",
                )
            if question.id in session.held:
                with bench.asking(question.id):
                    pass
                if asked.test is not None:
                    why = session.held[question.id].why
                    writer.case(_record(asked.test, "skipped", 0.0, message=why))
                continue
            try:
                answer = ask(bench, question, soak=manifest.suite.soak)
            except CutOff as cut:
                for record in _broken(cut.error, asked.test, writer):
                    writer.case(record)
                continue
            if player.diverged is not None:
                break
            leader = minutes.take(bench, answer)
            if asked.test is not None:
                failure = answer.failure and _at_home(answer.failure, session, recording)
                seconds = player.elapsed - begun
                writer.case(_case(failure, leader, asked.test, seconds))
        player.finish()
        minutes.ended(bench)
    for error in manifest.errors:
        writer.error(restated(error))


def _case(
    failure: NightjarError | None, leader: Question | None, test: Test, seconds: float
) -> CaseRecord:
    """How the test that asked ended."""
    if failure is None:
        return _record(test, "passed", seconds)
    if leader is not None:
        return _record(test, "skipped", seconds, message=follows(leader, failure))
    return _failed(failure, test, seconds)


def _broken(
    error: NightjarError | None, test: Test | None, writer: ProofWriter
) -> Iterator[CaseRecord]:
    if error is not None:
        writer.error(error)
        if test is not None:
            yield _failed(error, test, 0.0)


def _failed(error: NightjarError, test: Test, seconds: float) -> CaseRecord:
    outcome = "failed" if error.is_verdict else "error"
    return _record(test, outcome, seconds, error.failure_class, error.what, str(error))


def _record(
    test: Test, outcome: str, seconds: float, kind: str = "", message: str = "", text: str = ""
) -> CaseRecord:
    where = (test.file, test.line)
    return CaseRecord(test.classname, test.name, outcome, seconds, *where, kind, message, text)


def _failed_with(error: NightjarError, session: Session) -> Replayed:
    """There is no verdict, and why."""
    return Replayed(session, Conclusion(Exit(error.exit_code), None, error, ()), None)


def _at_home(error: NightjarError, session: Session, recording: Recording) -> NightjarError:
    """The error with the project's path as it was."""
    said = error.as_json()
    here, home = str(session.project.path), recording.manifest.project
    for name in ("what", "evidence", "next_step"):
        said[name] = str(said[name]).replace(here, home)
    return restated(said)


def _of_no_run(received: str) -> BadInput:
    return BadInput(
        "recordings that are replayed together must be of the same run of the suite",
        evidence=f"Received: {received}",
        next_step="give one file, or the files FILE-gwN.njs of one run",
    )


def _cut_short() -> BadInput:
    return BadInput(
        "a recording must hold its session to the end",
        evidence="Received: one that ends before its last question is answered",
        next_step=NEXT,
    )


def _damaged(name: str, error: Exception) -> BadInput:
    return BadInput(
        f"{name} of a recording must be as nightjar writes it",
        evidence=f"Received: {str(error)[:300]}",
        next_step=NEXT,
    )
