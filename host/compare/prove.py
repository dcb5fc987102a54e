"""One call from a built project to its verdict."""

from collections.abc import Callable

from host.compare.bench import Bench
from host.compare.session import Session
from host.compare.vectors import node_id
from host.coverage.covered import cover
from host.report.verdict import Verdict


def prove(
    session: Session,
    *,
    say: Callable[[str], None] | None = None,
    now: Callable[[str], None] = lambda what: None,
    coverage: bool = False,
    command: str = "",
) -> Verdict:
    """Judge a built project on a board, on `vectors` random vectors and the bundle's own chunks.

    Args:
        say: told what is found. now: told what is being done. coverage: whether to count what the vectors reach, in a
            run of its own. command: what the page shows to do it again.

    Raises:
        IdentityFailure: another firmware answers; no number has been printed.
        FirmwareFailure: the firmware faults or hangs.
        BoardFailure, LinkFailure, FlashFailure, HostFailure: there is no verdict, and why.
    """
    with Bench(session, say=say) as bench:
        now(f"starting the board {session.board}")
        bench.identity()
        for index in range(bench.total):
            now(f"vector {index + 1} of {bench.total}")
            with bench.asking(node_id(index)):
                bench.observation(index)
        verdict, vectors = bench.verdict(command), bench.vectors
    if not coverage or not verdict.passes:
        return verdict
    now("counting what the vectors reach")
    return verdict.covered(cover(session.project, session.subject, vectors, limit=session.limit))
