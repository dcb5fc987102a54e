"""What the quarantine leaves out of a session: whether that may end with 0, and what the verdict says of it."""

from collections.abc import Collection, Mapping

from host.compare.judge import Case
from host.compare.observation import place_of
from host.compare.proof import Reply
from host.compare.questions import COMPARED, OBSERVED, Question
from host.compare.session import Session
from host.errors import Incomplete
from host.report.quarantined import Quarantined


def held_back(
    session: Session, asked: Collection[Question], missing: Collection[Question]
) -> Incomplete | None:
    """Why the entries of the quarantine keep a session from 0; None where they leave out nothing, or are allowed.

    Args:
        asked: every question that applies. missing: those that nobody judged.
    """
    names = {session.held[one.id].name for one in missing if one.id in session.held}
    if not names:
        return None
    left = {one.id for one in missing}
    if not any(one.kind in COMPARED and one.id not in left for one in asked):
        return Incomplete(
            f"the quarantine leaves nothing to judge: {', '.join(sorted(names))}",
            evidence=f"all of {len(asked)} questions that compare tensors were left out",
            next_step="name fewer tests in its entries",
        )
    barred = [
        one
        for one in session.quarantine.entries
        if one.name in names and one.name not in session.quarantine.allowed
    ]
    if not barred:
        return None
    count = sum(session.held[one.id] in barred for one in missing if one.id in session.held)
    return Incomplete(
        f"{count} of {len(asked)} questions that apply are in quarantine: {', '.join(one.name for one in barred)}",
        evidence="; ".join(f"{one.name}: {one.issue}, until {one.expires}" for one in barred),
        next_step=f"mend what the issue tells, or let it pass by name: --allow-quarantined {barred[0].name}",
    )


def quarantined(
    session: Session,
    case: Case,
    replies: Mapping[str, Reply] | None = None,
) -> tuple[Quarantined, ...]:
    """What a verdict says of each entry; `replies` are those of the suite, None for `nightjar verify`."""
    said = []
    for entry in session.quarantine.entries:
        named = [one for one in session.plan.questions if session.named.get(one.id) == entry]
        tests = [one for one in named if replies is not None or one.kind in OBSERVED]
        if named and not tests:
            continue  # only the suite asks them
        passing = None
        if session.quarantine.lifted:
            known = replies or {}
            passing = sum(one.id in known and known[one.id].right for one in tests)
        said.append(
            Quarantined(
                *(entry.name, entry.issue, entry.expires, entry.reason),
                tests=len(tests),
                allowed=entry.name in session.quarantine.allowed,
                differing=sum(
                    case.differs(one.vector, place_of(one, session.structure))
                    for one in tests
                    if one.kind in OBSERVED and one.vector is not None
                ),
                passing=passing,
            )
        )
    return tuple(said)
