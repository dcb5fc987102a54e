"""One call from a built project to its verdict."""

from collections.abc import Callable
from pathlib import Path

from host.bundle import Subject
from host.compare.session import Bench, Wrap
from host.deadline import Deadline
from host.project import Project
from host.report.verdict import Verdict


def prove(
    project: Project,
    subject: Subject,
    board_name: str,
    vectors: int,
    seed: int,
    *,
    limit: Deadline | None = None,
    root: Path | None = None,
    wait: float = 0,
    wrap: Wrap | None = None,
    repeats: int = 3,
    evidence: Path | None = None,
    say: Callable[[str], None] | None = None,
    command: str = "",
) -> Verdict:
    """Judge a built project on a board, on `vectors` random vectors and the bundle's own chunks.

    Raises:
        IdentityFailure: another firmware answers; no number has been printed.
        FirmwareFailure: the firmware faults or hangs.
        BoardFailure, LinkFailure, FlashFailure, HostFailure: there is no verdict, and why.
    """
    with Bench(
        project,
        subject,
        board_name,
        vectors=vectors,
        seed=seed,
        limit=limit,
        root=root,
        wait=wait,
        wrap=wrap,
        repeats=repeats,
        evidence=evidence,
        say=say,
    ) as bench:
        for index in range(bench.total):
            bench.observation(index)
        return bench.verdict(command)
