"""A board on another host, by a lease: commands of the bench that take it, say where it is, and give it back.

They are the commands of labgrid, of jumpstarter or of whatever keeps the boards, from environments of their own. Our
own lock is taken before, so that two jobs of this computer never ask for one lease.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from host.boards.bench_file import Lease
from host.boards.lease_hold import Hold, NotGiven, holding
from host.boards.which import Which
from host.deadline import Deadline
from host.errors import BoardFailure, BoardLocked, LinkFailure, NightjarError
from host.interrupts import unbroken
from host.tools import Overdue, run_leashed

_SOON = 60.0  # seconds that each of the commands has at least
_LOG = logging.getLogger("nightjar.lease")
_holds: dict[str, Hold] = {}  # of this process: the board's name -> what has it


def needs_lease(at: Which) -> bool:
    """Whether a board must be leased before it is used; never one whose port was given by hand."""
    return at.entry is not None and at.entry.lease is not None and at.port is None


def lease_is_lost(name: str) -> bool:
    """Whether this process has leased a board whose lease is over before its time."""
    return name in _holds and _holds[name].over


@contextmanager
def leased(at: Which, wait: float) -> Iterator[Which]:
    """Lease a board for the block, if it needs that; gives it with the port that leads to it.

    The lease is given back however the block ends, and where the command that takes it did not come to its end. One
    that was refused is not: what has it may be another job of the same user, whom labgrid lets release it.

    Args:
        at: locked on this computer.
        wait: seconds that the command which takes it may wait; it has a minute at least.

    Raises:
        BoardLocked: it was not given.
        BoardFailure: nobody says where it is; or what ended the block may come of a lease that was over before it.
    """
    lease = None if at.entry is None else at.entry.lease
    if lease is None or not needs_lease(at):
        yield at
    elif lease.hold is not None:
        with _held(at, lease.hold, max(wait, _SOON)) as port:
            yield replace(at, port=port)
    else:
        with _taken(at, lease, max(wait, _SOON)) as port:
            yield replace(at, port=port)


@contextmanager
def _held(at: Which, line: str, seconds: float) -> Iterator[str]:
    """By a command that runs as long."""
    try:
        with holding(line, Deadline.after(seconds)) as hold:
            _holds[at.name] = hold
            try:
                yield hold.port
            except (BoardFailure, LinkFailure) as error:
                if not hold.over:
                    raise
                raise BoardFailure(
                    f"the lease of {at.name} was over before the work was done",
                    evidence=f"{error.what}; its command: {hold.last}",
                    next_step="ask for a longer one in bench.toml, or see who has ended it, and begin anew",
                ) from error
            finally:
                del _holds[at.name]
                if hold.over:
                    _LOG.warning("the lease of %s was over before its work: %s", at.name, hold.last)
    except NotGiven as error:
        raise _not_given(at, str(error)) from error


@contextmanager
def _taken(at: Which, lease: Lease, seconds: float) -> Iterator[str]:
    """By a command that takes it and one that gives it back."""
    assert lease.acquire is not None
    assert lease.release is not None
    ours = True
    try:
        try:
            _run(lease.acquire, seconds)
        except _Failed as failed:
            ours = failed.late
            raise _not_given(at, str(failed)) from failed
        yield _port(at, lease)
    finally:
        if ours:
            _give_back(at, lease.release)


def _give_back(at: Which, line: str) -> None:
    try:
        with unbroken():
            _run(line, _SOON)
    except (_Failed, NightjarError) as error:
        _LOG.warning("the lease of %s may not have been given back: %s", at.name, error)


def _not_given(at: Which, evidence: str) -> BoardLocked:
    return BoardLocked(
        f"the lease of {at.name} was not given",
        evidence=evidence,
        next_step="wait with --wait SECONDS, or see who has it with the tool that gives it",
    )


def _port(at: Which, lease: Lease) -> str:
    """Where the board is: what the lease's command prints last, or else what the bench says."""
    if lease.port is None:
        port = at.url
    else:
        try:
            lines = _run(lease.port, _SOON).strip().splitlines()
        except _Failed as failed:
            raise _lost(at, str(failed)) from failed
        port = lines[-1].strip() if lines else None
    if not port:
        raise _lost(at, "it printed nothing" if lease.port else "Received: no port")
    return port


def _lost(at: Which, evidence: str) -> BoardFailure:
    return BoardFailure(
        f"nobody says where the leased board {at.name} is",
        evidence=evidence,
        next_step="mend lease.port in bench.toml: a line for the shell that prints the port as its last line",
    )


class _Failed(Exception):
    """A command did not end well, and how. late: it was ended before its end, so that nobody knows what it did."""

    late = False


def _run(line: str, seconds: float) -> str:
    try:
        code, said = run_leashed(["sh", "-c", line], Deadline.after(seconds))
    except Overdue as late:
        failed = _Failed(f"`{line}` did not end in {seconds:.0f} s: {_last(late.said)}")
        failed.late = True
        raise failed from late
    if code != 0:
        raise _Failed(f"`{line}`: exit status {code}: {_last(said)}")
    return said


def _last(said: str) -> str:
    return " | ".join(said.strip().splitlines()[-3:]) or "it printed nothing"
