"""From a proof to the verdict, the error that decides, and the exit code: a function of what was judged and found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from host.build import footprint
from host.compare.judge import Case
from host.compare.network_cause import check_constants
from host.compare.proof import Proof, header
from host.compare.quarantined import held_back, quarantined
from host.compare.questions import COMPARED, Plan, Question
from host.compare.session import Session
from host.errors import FirmwareFailure, HostFailure, IdentityFailure, Incomplete, NightjarError
from host.exit_codes import Exit, first, name_of
from host.report.exhibits import load_exhibits
from host.report.verdict import Verdict, describe

_VERDICTS = (Exit.FIRMWARE, Exit.IDENTITY)
_SHOWN = 4  # questions that a message names


@dataclass(frozen=True, eq=False)
class Conclusion:
    """What a run of the suite comes to.

    verdict: None where no vector was judged, or the board or the link failed, or where what is wrong is the difference
    of no tensor, such as a soak: beside it no tensors may read as exact. error: the one that decides, None when
    the code is 0.
    """

    code: Exit
    verdict: Verdict | None
    error: NightjarError | None
    missing: tuple[Question, ...]


def conclude(
    session: Session,
    plan: Plan,
    proof: Proof | None,
    *,
    ended: str = "",
    orderly: bool = False,
    late: bool = False,
    said: int | None = None,
    command: str = "",
) -> Conclusion:
    """The conclusion of a run.

    Args:
        session: what was to be judged; held against what the proof says it judged.
        plan: the questions that apply.
        proof: what was read; None where there is none.
        ended: how the process that wrote it ended, for people.
        orderly: it ended by itself. Without a proof it has then judged nothing, as one that only prints its version.
        late: it was ended because the time for everything was over.
        said: its exit code, where that is known. A verdict of its own against the firmware that the
            proof does not show makes the proof worthless.
        command: what the page shows to do it again.
    """
    if proof is None or not _of(session, plan, proof):
        nothing = proof is None and orderly
        error = _incomplete(plan.questions, plan, ended) if nothing else _no_proof(ended)
        return Conclusion(Exit(error.exit_code), None, error, plan.questions)
    replies = proof.replies
    held = session.held
    missing = tuple(one for one in plan.questions if one.id in held or not _judged(proof, one))
    lacking = [one for one in missing if one.id not in held]
    case = _case(session, proof)
    errors: list[NightjarError] = [*proof.errors, *([_late()] if late else [])]
    judged = {name: reply for name, reply in replies.items() if name not in held}
    errors += [reply.failure for reply in judged.values() if reply.failure is not None]
    errors += [
        _digests_differ(one)
        for one in plan.questions
        if one.id not in held and _differs(proof, one)
    ]
    difference = case.first_difference()
    if difference is not None:
        errors.append(FirmwareFailure(describe(difference)))
    if not proof.complete:
        errors.append(_no_proof(ended))
    if lacking:
        errors.append(_incomplete(lacking, plan, ended, lifted=session.quarantine.lifted))
    barred = held_back(session, plan.questions, missing)
    errors += [] if barred is None else [barred]
    others = _other_constants(session) if not errors else []
    errors += others
    code = first(error.exit_code for error in errors)
    trusted = proof.complete and not proof.errors and not late and not others
    if said is not None and said in _VERDICTS and code not in _VERDICTS:
        errors.append(_contradicted(Exit(said)))
        code = first(error.exit_code for error in errors)
        trusted = False
    elsewhere = code == Exit.FIRMWARE and difference is None
    verdict = None
    answered = proof.answered if trusted and not elsewhere else None
    if answered is not None and case.observations:
        verdict = case.judge(
            answered,
            footprint(session.project),
            complete=not missing,
            exit_code=code,
            not_applicable=plan.not_applicable,
            exhibits=replace(load_exhibits(proof.exhibits), command=command, folder=proof.folder),
            quarantined=quarantined(session, case, replies),
        )
    deciding = next((error for error in errors if error.exit_code == code), None)
    return Conclusion(code, verdict, deciding, missing)


def _other_constants(session: Session) -> list[NightjarError]:
    """What no vector has shown of a generated network: its ELF holds other constants than the project."""
    if session.network is None:
        return []
    try:
        check_constants(session.project.elf, session.network.generated.images)
    except IdentityFailure as error:
        return [error]
    return []


def _of(session: Session, plan: Plan, proof: Proof) -> bool:
    """Whether a proof is about this session and these questions."""
    return proof.header == header(session, plan, proof.header.nonce)


def _judged(proof: Proof, question: Question) -> bool:
    """Whether a question was answered; one that compares two digests needs both."""
    reply = proof.replies.get(question.id)
    if reply is None:
        return False
    return (
        reply.failure is not None
        or question.kind not in COMPARED
        or None not in (reply.want, reply.got)
    )


def _differs(proof: Proof, question: Question) -> bool:
    """Whether the digests of an answer differ that was taken for right."""
    reply = proof.replies.get(question.id)
    return reply is not None and reply.failure is None and reply.want != reply.got


def _case(session: Session, proof: Proof) -> Case:
    case = Case(session.structure, session.taps, session.scope.total, session.held_places)
    for _, observation in sorted(proof.observations.items()):
        case.take(observation, proof.sizes)
    return case


def _digests_differ(question: Question) -> FirmwareFailure:
    return FirmwareFailure(
        f"the digests of {question.id} differ, though its test was taken for right",
        next_step="run `nightjar verify`; something stands between the suite and its tests",
    )


def _late() -> NightjarError:
    return HostFailure(
        "the time that was given is over before the suite had ended",
        evidence="pytest was ended at the deadline",
        next_step="give a longer --deadline, or fewer vectors",
    )


def _contradicted(said: Exit) -> NightjarError:
    return HostFailure(
        "the suite ended with a verdict that its proof does not show, so there is none",
        evidence=f"it ended with {int(said)} {name_of(said)}; something changed the proof behind it",
        next_step="leave out the plugins of pytest that were loaded",
    )


def _no_proof(ended: str) -> NightjarError:
    return HostFailure(
        "the suite left no whole proof of what it judged, so there is no verdict",
        evidence=ended or "the proof file is missing, of another run, or cut off",
        next_step="look at what pytest said; `nightjar doctor` checks the tools",
    )


def _incomplete(
    missing: Sequence[Question], plan: Plan, ended: str, *, lifted: bool = False
) -> NightjarError:
    named = ", ".join(question.id for question in missing[:_SHOWN])
    more = "" if len(missing) <= _SHOWN else f" and {len(missing) - _SHOWN} more"
    return Incomplete(
        f"{len(missing)} of {len(plan.questions)} questions that apply were not judged: {named}{more}",
        evidence="--quarantine-verify asks what is in quarantine, and nothing else"
        if lifted
        else ended or "they were left out by a filter, a skip or an early end",
        next_step="take out what passes now, and run the whole suite"
        if lifted
        else "run the whole suite: without -k, -x, --lf, node ids and marks",
    )
