"""What has started since, and what ran before: by real firmware, whose number of starts is the same each time."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from host.boards.bench_file import BenchBoard
from host.boards.flashers import started
from host.boards.flashers.started import booted
from host.boards.kinds import DK
from host.boards.pty_front import PtyFront
from host.deadline import Deadline
from host.errors import BoardFailure, IdentityFailure, NightjarError
from host.link.client import Client
from host.link.messages import Hello
from host.link.serial_url import SerialUrl
from host.link.testing_firmware import build_firmware, can_build
from host.project import Project, ProjectDescription

pytestmark = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")
BAUD = 921600


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy computer an answer may come late."""
    monkeypatch.setattr(started, "_ASK", 30.0)


class Desk:
    """A serial port, and behind it whatever firmware was started last."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._socket = folder / "link.sock"
        self._stack = stack
        self._process: subprocess.Popen[bytes] | None = None
        self.board = BenchBoard(
            "left", DK.name, port=stack.enter_context(PtyFront(self._socket, BAUD)).path
        )

    def start(self, name: str = "tiny") -> None:
        """Start firmware, which says that it is the 7th start."""
        self.end()
        words = [str(build_firmware(name, "native")), "--socket", str(self._socket), "--boot", "7"]
        self._process = subprocess.Popen(words)
        self._stack.callback(self.end)

    def end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            self._socket.unlink(missing_ok=True)

    def hello(self) -> Hello:
        """Who answers a session that begins now."""
        limit = Deadline.after(120)
        while True:
            port = SerialUrl(str(self.board.port), BAUD)
            try:
                return Client(port).hello(limit.at_most(30))
            except NightjarError:
                if limit.expired:
                    raise  # else its socket is not open yet
            finally:
                port.close()

    def project(self, hello: Hello) -> Project:
        """The project of the tiny firmware."""
        description = ProjectDescription(
            "native", "cm55", hello.model.hex(), hello.contract.hex(),
            rounding={}, arena_bytes=0, steps=1, inputs=(), outputs=(), taps=(),
        )  # fmt: skip
        return Project(build_firmware("tiny", "native").parents[1], description)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield Desk(tmp_path, stack)


def quiet(_: str) -> None:
    """Nobody listens to what is there."""


def test_a_new_start_is_seen_though_it_has_the_number_of_the_one_before(desk: Desk) -> None:
    desk.start()
    before = desk.hello()
    project = desk.project(before)
    with pytest.raises(BoardFailure, match="was not started again") as caught:
        booted(desk.board, project, before, Deadline.after(0), quiet)
    assert before.build_id.hex() in caught.value.evidence
    assert "both boot switches left" in caught.value.next_step
    desk.start()
    after = booted(desk.board, project, before, Deadline.after(60), quiet)
    assert (after.boot, after.build_id) == (before.boot, before.build_id)
    assert after.nonce != before.nonce


def test_it_is_waited_for_and_what_is_there_meanwhile_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ran before, then nothing, then other firmware, then the right one."""
    desk.start()
    before = desk.hello()
    said: list[str] = []
    steps: list[Callable[[], None]] = [desk.end, partial(desk.start, "wide"), desk.start]

    def say(text: str) -> None:
        said.append(text)
        if steps:
            steps.pop(0)()

    monkeypatch.setattr(started, "_ASK", 2.0)
    after = booted(desk.board, desk.project(before), before, Deadline.after(300), say)
    assert after.build_id == before.build_id
    assert "was not started again" in said[0]
    assert "nothing sensible answers" in said[1]
    assert "other firmware than asked for" in said[2]


def test_other_firmware_than_was_written_is_identity(desk: Desk) -> None:
    desk.start()
    before = desk.hello()
    desk.start("wide")
    desk.hello()
    with pytest.raises(IdentityFailure, match="other firmware"):
        booted(desk.board, desk.project(before), before, Deadline.after(0), quiet)
