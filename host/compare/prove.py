"""One call from a built project to its verdict."""

from collections.abc import Callable

from host.compare.session import Bench, Session
from host.report.verdict import Verdict


def prove(
    session: Session, *, say: Callable[[str], None] | None = None, command: str = ""
) -> Verdict:
    """Judge a built project on a board, on `vectors` random vectors and the bundle's own chunks.

    Raises:
        IdentityFailure: another firmware answers; no number has been printed.
        FirmwareFailure: the firmware faults or hangs.
        BoardFailure, LinkFailure, FlashFailure, HostFailure: there is no verdict, and why.
    """
    with Bench(session, say=say) as bench:
        for index in range(bench.total):
            bench.observation(index)
        return bench.verdict(command)
