"""A line that is cut once: what is right afterwards is FLAKY, and never plain; what was judged is not judged again."""

import shutil
import socket
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hil_tests.tester.conftest import Make
from hil_tests.tester.recorded import nightjar, replayed
from host.boards import bench_lock, end_board, keep_board, open_board
from host.compare.flip import copy_project
from host.deadline import Deadline
from host.exit_codes import Exit
from host.project import ATTEMPT, FAILED
from model_gen.codegen.testing.net import Net

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
ENOUGH = 500  # bytes: HELLO has been answered by then, and a vector has not


@dataclass
class CutLine:
    """A TCP server before a board's own socket, which cuts its first `cuts` connections in the middle."""

    board: Path
    cuts: int
    server: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"socket://127.0.0.1:{self.server.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):  # until the server is closed
            while True:
                host, _ = self.server.accept()
                board = socket.socket(socket.AF_UNIX)
                board.connect(str(self.board))
                left = ENOUGH if self.cuts > 0 else None
                self.cuts -= 1
                threading.Thread(target=_pump, args=(host, board, None), daemon=True).start()
                threading.Thread(target=_pump, args=(board, host, left), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, left: int | None) -> None:
    with suppress(OSError):
        while data := source.recv(256):
            sink.sendall(data)
            left = None if left is None else left - len(data)
            if left is not None and left < 0:
                break
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class There:
    """A board `mine` of a bench, at a line that is cut, which runs its project already; words that judge it."""

    line: CutLine
    words: list[object]
    out: Path


@pytest.fixture
def there(
    made: Make, model_path: Path, boards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[There]:
    _, project = made(model_path, "native")
    monkeypatch.setattr(bench_lock, "ROOT", tmp_path / "locks")
    record, _ = keep_board("native", root=boards)
    with open_board("native", root=boards) as board:
        board.flash(project.elf, Deadline.after(60))
    line = CutLine(record.folder / "link.sock", 1)
    threading.Thread(target=line.serve, daemon=True).start()
    bench = tmp_path / "bench.toml"
    bench.write_text(f'[board.mine]\nkind = "native"\nport = "{line.url}"\n')
    monkeypatch.setenv("NIGHTJAR_BENCH", str(bench))
    out = tmp_path / "out"
    words: list[object] = ["--board", "mine", "--no-flash", "--project", project.path]
    with closing(line.server):
        yield There(line, [*words, "--vectors", 1, "--out", out], out)
    end_board("native", root=boards)


def test_verify_is_flaky(there: There, model_path: Path, tmp_path: Path) -> None:
    done = nightjar("verify", model_path, *there.words, "--attempts", 2, cwd=tmp_path)
    assert done.code == Exit.FLAKY, done.text
    assert (done.verdict["exact"], done.verdict["attempts"]) == (True, 2)
    (failed,) = done.verdict["failed_attempts"]
    assert failed["failure"] == "BOARD"
    assert [(step["rung"], step["outcome"]) for step in failed["steps"]] == [("look", "answers")]
    assert "at attempt 2" in done.text
    assert not (there.out / FAILED).exists()
    again = replayed(there.out / ATTEMPT.format(1), elsewhere=tmp_path / "elsewhere")
    assert again.code == Exit.BOARD
    assert again.error["what"] == failed["what"]


def test_a_flaky_one_may_be_allowed_and_shows(
    there: There, model_path: Path, tmp_path: Path
) -> None:
    words = [*there.words, "--attempts", 3, "--allow-flaky", 1]
    done = nightjar("verify", model_path, *words, cwd=tmp_path)
    assert done.code == 0, done.text
    assert (done.verdict["attempts"], done.verdict["exit_code"]) == (2, 0)
    assert "at attempt 2" in done.text


def test_hil_is_flaky(there: There, model_path: Path, tmp_path: Path) -> None:
    junit = tmp_path / "junit.xml"
    words = ["--bundle", model_path, *there.words, "--soak", 1, "--attempts", 2, "--junit", junit]
    done = nightjar("hil", *words, cwd=tmp_path)
    assert done.code == Exit.FLAKY, done.text
    assert (done.verdict["exact"], done.verdict["attempts"]) == (True, 2)
    values = {one.get("name"): one.get("value") for one in ET.parse(junit).iter("property")}
    assert (values["attempts"], values["class"]) == ("2", "FLAKY")
    assert (there.out / ATTEMPT.format(1)).is_file()


@pytest.mark.parametrize("command", ["verify", "hil"])
def test_the_first_cause_is_told_where_no_attempt_does_better(
    there: There, model_path: Path, tmp_path: Path, command: str
) -> None:
    """The ladder finds the board well each time."""
    named = [model_path] if command == "verify" else ["--bundle", model_path, "--soak", 1]
    there.line.cuts = 100  # a HELLO of the ladder is through before a cut
    done = nightjar(command, *named, *there.words, "--attempts", 2, cwd=tmp_path)
    assert done.code == Exit.BOARD, done.text
    assert "attempt 1 of 2: BOARD" in done.text
    kept = sorted(path.name for path in there.out.glob("*.njs"))
    assert kept == [ATTEMPT.format(1), FAILED]


def test_what_was_judged_is_not_judged_again(
    made: Make, net: Net, model_path: Path, tmp_path: Path
) -> None:
    project = copy_project(made(model_path, "native")[1], tmp_path / "project")
    net.flip(project.elf, 2, 30, 6)
    words = ["--board", "native", "--project", project.path, "--vectors", 1, "--attempts", 3]
    done = nightjar("verify", model_path, *words, "--out", tmp_path / "out", cwd=tmp_path)
    assert done.code == Exit.FIRMWARE, done.text
    assert done.verdict["attempts"] == 1
    assert done.verdict["failed_attempts"] == []
