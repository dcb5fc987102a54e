"""Boards over real serial ports: a pty at 921600 baud, that pty behind socat, and behind ser2net by RFC 2217."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hil_tests.tester.conftest import Make
from host.boards import end_board, keep_board, open_board
from host.boards.pty_front import PtyFront
from host.boards.virtual_n6.build import find
from host.boards.which import Which
from host.bundle import Subject
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.project import Project

BAUD = 921600
PROGRAMS = {"pty": None, "socat": "socat", "ser2net": "ser2net"}


@dataclass(frozen=True)
class Ported:
    """A board that runs its project already, and the serial port that it is reached at."""

    tier: str
    subject: Subject
    project: Project
    port: str


@pytest.fixture(params=["native", "n6-virtual"])
def ported(
    request: pytest.FixtureRequest, made: Make, bundle_path: Path, boards: Path
) -> Iterator[Ported]:
    tier = str(request.param)
    if tier == "n6-virtual" and find() is None:
        pytest.skip("make n6-virtual")
    subject, project = made(bundle_path, tier)
    record, _ = keep_board(tier, root=boards)
    with ExitStack() as stack:
        stack.callback(end_board, tier, root=boards)
        with open_board(tier, root=boards) as board:
            board.flash(project.elf, Deadline.after(60))
        if record.port is not None:
            port = str(record.port)
        else:
            port = stack.enter_context(PtyFront(record.folder / "link.sock", BAUD)).path
        yield Ported(tier, subject, project, port)


@pytest.fixture(params=PROGRAMS)
def way(request: pytest.FixtureRequest) -> str:
    program = PROGRAMS[request.param]
    if program is not None and shutil.which(program) is None:
        pytest.skip(f"apt-get install {program}")
    return str(request.param)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture
def url(way: str, ported: Ported, tmp_path: Path) -> Iterator[str]:
    """The port's URL, with whatever serves it running."""
    number = free_port()
    if way == "pty":
        yield ported.port
        return
    if way == "socat":
        listen = f"TCP-LISTEN:{number},bind=127.0.0.1,reuseaddr,fork"
        command = ["socat", listen, f"FILE:{ported.port},raw,echo=0,b{BAUD}"]
    else:
        (tmp_path / "ser2net.yaml").write_text(
            "connection: &board\n"
            f"  accepter: telnet(rfc2217),tcp,127.0.0.1,{number}\n"
            f"  connector: serialdev,{ported.port},{BAUD}n81,local\n"
        )
        command = ["ser2net", "-n", "-d", "-c", str(tmp_path / "ser2net.yaml")]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        limit = Deadline.after(20)
        while not listens(number):
            assert child.poll() is None
            assert not limit.expired
            time.sleep(0.02)
        yield f"{'socket' if way == 'socat' else 'rfc2217'}://127.0.0.1:{number}"
    finally:
        child.terminate()
        child.wait()
        assert child.stderr is not None
        child.stderr.close()


def listens(number: int) -> bool:
    """Whether somebody listens at a TCP port; nobody is connected to for that."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        place, state = line.split()[1], line.split()[3]
        if state == "0A" and int(place.rpartition(":")[2], 16) == number:
            return True
    return False


def test_every_tensor_is_exact_over_it(ported: Ported, url: str, boards: Path) -> None:
    at = Which(ported.tier, port=url, flashes=False)
    verdict = prove(
        Session(
            *(ported.project, ported.subject, ported.tier),
            vectors=3,
            seed=1,
            root=boards,
            at=at,
        )
    )
    assert (verdict.exact, verdict.complete) == (True, True)
    assert verdict.tier == ported.tier
