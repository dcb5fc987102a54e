"""A real labgrid on loopback: its coordinator, its exporter and ser2net before a board, which is leased as a place.

labgrid has an environment of its own, build/labgrid, that the first run makes; nothing of it is imported here.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hil_tests.tester.conftest import Make
from hil_tests.tester.environments import programs_of
from host.boards import bench_lock, open_board
from host.boards.pool import meant
from host.deadline import Deadline
from host.errors import BoardLocked
from host.link.client import Client

VERSION = "26.0.1"
PLACE, UID = "n6-01", "board-far---"
LONG = 120.0  # seconds, on whatever busy computer
PORT = (
    f"labgrid-client -p {PLACE} show | tr -d \"',{{}}\" | awk '"
    '$1 == "host:" {h = $2} $1 == "port:" {p = $2}'
    ' END {print "rfc2217://" h ":" p "?ign_set_control"}\''
)

pytestmark = pytest.mark.skipif(
    not (shutil.which("ser2net") and shutil.which("gcc")), reason="apt-get install ser2net gcc"
)


@pytest.fixture(scope="session")
def labgrid() -> Path:
    """The folder of labgrid's programs."""
    return programs_of("labgrid", VERSION, [f"labgrid=={VERSION}"])


@pytest.fixture
def asks(
    labgrid: Path, made: Make, model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., str]]:
    """`labgrid-client` with these words, of a laboratory in which a board stands that is the place PLACE."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
    monkeypatch.setattr(bench_lock, "ROOT", tmp_path / "locks")
    monkeypatch.setenv("PATH", f"{labgrid}:{os.environ['PATH']}")
    for name, value in {"COORDINATOR": address, "USERNAME": "we", "HOSTNAME": "here"}.items():
        monkeypatch.setenv(f"LG_{name}", value)

    def client(*words: str) -> str:
        done = subprocess.run(["labgrid-client", *words], capture_output=True, text=True)
        return done.stdout + done.stderr

    _, project = made(model_path, "native")
    with ExitStack() as stack:

        def start(*line: object) -> "subprocess.Popen[str]":
            child = subprocess.Popen(
                [str(word) for word in line],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            stack.enter_context(child)
            stack.callback(child.terminate)
            return child

        board = start(project.elf, "--pty", "--uid", UID, "--die-with-parent")
        assert board.stdout is not None
        port = board.stdout.readline().strip()
        (tmp_path / "exporter.yaml").write_text(
            f"desk: {{RawSerialPort: {{port: {port}, speed: 921600}}}}\n"
        )
        start("labgrid-coordinator", "-l", address)
        until("PLACE", lambda: "PLACE" if client("places") == "" else "")
        start("labgrid-exporter", "-n", "here", "--hostname", "127.0.0.1", "exporter.yaml")
        until("here/desk", lambda: client("resources"))
        client("-p", PLACE, "create")
        client("-p", PLACE, "add-match", "here/desk/*")
        yield client


def until(wanted: str, said: Callable[[], str]) -> None:
    limit = Deadline.after(LONG)
    while wanted not in (last := said()):
        assert not limit.expired, last
        time.sleep(1)


def test_a_place_of_a_real_labgrid_is_leased_and_given_back(
    asks: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = tmp_path / "bench.toml"
    bench.write_text(
        f'[board.far]\nkind = "native"\nuid = "{UID.encode().hex()}"\ntags = ["n6"]\n'
        f'[board.far.lease]\nacquire = "labgrid-client -p {PLACE} acquire"\n'
        f"release = \"labgrid-client -p {PLACE} release\"\nport = '''{PORT}'''\n"
    )
    with meant("any", ["n6"], bench=bench, flashes=False) as at:
        assert "acquired: here/we" in asks("-p", PLACE, "show")
        with open_board(at) as board:
            transport = board.connect(Deadline.after(LONG))
            try:
                at.check_uid(Client(transport).hello(Deadline.after(LONG)))
            finally:
                transport.close()
    assert "acquired: None" in asks("-p", PLACE, "show")
    with monkeypatch.context() as others:
        others.setenv("LG_USERNAME", "others")
        asks("-p", PLACE, "acquire")
    with pytest.raises(BoardLocked) as caught, meant("far", bench=bench, flashes=False):
        pass
    assert "is already acquired" in caught.value.evidence
    assert "acquired: here/others" in asks("-p", PLACE, "show")
