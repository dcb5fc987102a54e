"""The coverage of a verdict: recalled, measured anew, or the reason why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass

from host.bundle import Subject
from host.cache import COVERAGE
from host.compare.vectors import Vector
from host.coverage.coverage import Coverage
from host.coverage.measure import coverage_key, coverage_reason, measure
from host.deadline import Deadline
from host.errors import BadInput, RegressionFailure
from host.project import Project


@dataclass(frozen=True)
class Covered:
    """What a verdict says: `coverage`, or None and a `reason`; whether it was `recalled`."""

    coverage: Coverage | None
    reason: str = ""
    recalled: bool = False


def cover(
    project: Project, subject: Subject, vectors: Sequence[Vector], *, limit: Deadline | None = None
) -> Covered:
    """The coverage of `vectors`, as `measure` gives it, from the cache where nothing has changed.

    Raises: as `measure`.
    """
    if reason := coverage_reason(project.description.board):
        return Covered(None, reason)
    key = coverage_key(project, vectors)
    kept = COVERAGE.read(key)
    if kept is not None:
        try:
            return Covered(Coverage.from_bytes(kept), recalled=True)
        except ValueError:
            COVERAGE.drop(key)
    found = measure(project, subject, vectors, limit=limit)
    COVERAGE.write(key, found.to_bytes())
    return Covered(found)


def require_coverable(board: str, least: float | None) -> None:
    """Refuse, before anything runs, to hold a share that cannot be counted.

    Raises:
        BadInput: `least` is given, and the board or this computer cannot count.
    """
    reason = "" if least is None else coverage_reason(board)
    if reason:
        raise BadInput(
            "--min-coverage holds what cannot be counted",
            evidence=f"Received: --min-coverage {least:g}, --board {board}: {reason}",
            next_step="use --board virtual, or leave --min-coverage away",
        )


def below(coverage: Coverage | None, least: float | None) -> RegressionFailure | None:
    """The failure where a share lies below `least` percent; None where both reach it, or none is asked."""
    if coverage is None or least is None:
        return None
    shares = {"code": coverage.code, "constants": coverage.constants}
    low = [
        f"{name}: {share.reached:,} of {share.bytes:,} bytes, {share.percent:.2f} %"
        for name, share in shares.items()
        if 100 * share.reached < least * share.bytes
    ]
    if not low:
        return None
    largest = ", ".join(f"{item.symbol} ({item.bytes:,})" for item in coverage.unreached[:5])
    return RegressionFailure(
        f"the vectors reach less than {least:g} % of the firmware",
        evidence="; ".join(low) + f"; not reached above all: {largest}",
        next_step="search inputs that reach more with `nightjar verify --cover OUT.npz`",
    )
