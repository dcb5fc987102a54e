"""`--board any`: boards that fit, their order and that of who waits, and what a killed process leaves."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from host.boards import bench_lock
from host.boards.bench_file import BenchBoard, read_bench
from host.boards.bench_lock import lock_name, queued
from host.boards.flashers.reach import held, holder_of, marks
from host.boards.lent import lent_handles
from host.boards.pool import fitting, meant
from host.boards.recovery.mark import mark_wedged
from host.errors import BadInput, BoardFailure, BoardLocked

BENCH = """
[board.one]
kind = "native"
port = "socket://127.0.0.1:9001"
tags = ["n6", "quick"]
[board.two]
kind = "native"
port = "socket://127.0.0.1:9002"
tags = ["n6"]
[board.other]
kind = "virtual"
port = "socket://127.0.0.1:9003"
tags = ["n6"]
[board.bare]
kind = "native"
tags = ["n6"]
"""

TAKES = """
import sys
from pathlib import Path
from host.boards import bench_lock
from host.boards.pool import meant
from host.errors import BoardLocked
bench_lock.ROOT = Path(sys.argv[1])
try:
    with meant("any", ["n6"], bench=Path(sys.argv[2]), kind="native", flashes=False, wait=float(sys.argv[3])) as at:
        print(at.name, flush=True)
        sys.stdin.read()
except BoardLocked as error:
    print(error.what, error.evidence)
"""
Child = subprocess.Popen[str]


@contextmanager
def other(bench: Path, wait: float) -> Iterator[Child]:
    """Another process that takes one of the two native boards, and has it until its input ends."""
    line = [sys.executable, "-c", TAKES, str(bench_lock.ROOT), str(bench), str(wait)]
    with subprocess.Popen(line, stdin=PIPE, stdout=PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def says(child: Child) -> str:
    """The board that it took."""
    assert child.stdout is not None
    return child.stdout.readline().strip()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bench_lock, "ROOT", tmp_path / "locks")
    path = tmp_path / "bench.toml"
    path.write_text(BENCH)
    return path


@contextmanager
def queue(bench: Path, number: int) -> Iterator[list[Child]]:
    """Processes that wait for a board, in the order of their arrival."""
    with ExitStack() as stack:
        found: list[Child] = []
        while len(found) < number:
            found.append(stack.enter_context(other(bench, wait=3600)))
            while len(tickets()) < len(found):
                assert found[-1].poll() is None
                time.sleep(0.01)
        yield found


def board(bench: Path, name: str) -> BenchBoard:
    return read_bench(bench).board(name)


def tickets() -> list[str]:
    return sorted(path.name for path in bench_lock.ROOT.glob("[0-9]*.ticket"))


def test_boards_fit_by_tags_kind_and_port(bench: Path) -> None:
    def names(*tags: str, kind: str | None = None) -> list[str]:
        return [one.name for one in fitting(tags, bench=bench, kind=kind, flashes=False)]

    assert names("n6") == ["one", "two", "other"]
    assert names("n6", kind="native") == ["one", "two"]
    assert names("n6", "quick") == ["one"]
    with pytest.raises(BadInput) as caught:
        names("n6", kind="nucleo-n657x0-q")
    assert "one: it is of kind native" in caught.value.evidence
    assert "bare: " in caught.value.evidence


def test_who_finds_one_taken_takes_the_next(bench: Path) -> None:
    with (
        held(board(bench, "one"), 0),
        meant("any", ["n6"], bench=bench, kind="native", flashes=False) as at,
    ):
        assert at.name == "two"
        assert lent_handles()
        both = [*marks(board(bench, "one")), *marks(board(bench, "two"))]
        with queued(both), held(board(bench, "two"), 0):  # the command itself has it, whoever waits
            pass
        assert holder_of(board(bench, "two")) is not None
        with other(bench, wait=0) as late:
            said = says(late)
        assert said.startswith("all of 2 boards that fit are taken one: pid")
        assert f"two: pid {os.getpid()} of user" in said
    assert lent_handles() == ()
    assert holder_of(board(bench, "two")) is None
    assert tickets() == []


def test_a_marked_board_is_none(bench: Path) -> None:
    mark_wedged(board(bench, "one"), "it hangs")
    with meant("any", ["n6"], bench=bench, kind="native", flashes=False) as at:
        assert at.name == "two"
    mark_wedged(board(bench, "two"), "it hangs")
    with pytest.raises(BoardFailure, match="every board of the bench that fits is marked"):
        fitting(["n6"], bench=bench, kind="native", flashes=False)


def test_who_came_first_is_served_first_and_the_dead_keep_nobody(bench: Path) -> None:
    one, two = board(bench, "one"), board(bench, "two")
    with held(one, 0), ExitStack() as other_board:
        other_board.enter_context(held(two, 0))
        with queue(bench, 4) as (first, killed, second, third):
            other_board.close()
            assert says(first) == "two"
            killed.kill()
            killed.wait()
            first.kill()  # with a board: the kernel frees it
            assert says(second) == "two"
            assert len(tickets()) == 1
            second.communicate("")
            assert second.returncode == 0
            assert says(third) == "two"
    assert tickets() == []


def test_a_board_by_name_waits_behind_who_came_before(bench: Path) -> None:
    one, two = board(bench, "one"), board(bench, "two")
    with queued([*marks(one), *marks(two)]):
        with pytest.raises(BoardLocked) as caught, held(one, 0):
            pass
        assert "nobody has it, and others wait for it who came before" in caught.value.evidence
    with held(one, 0):
        pass


def test_nobody_has_a_lock_by_saying_so(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (mark,) = marks(board(bench, "one"))
    with other(bench, wait=0) as holder:
        assert says(holder) == "one"
        for told in ("", "nonsense", "[]", '{"FILE": 999999}', '{"FILE": 0}', '{"FILE": "0"}'):
            monkeypatch.setenv("NIGHTJAR_LENT", told.replace("FILE", lock_name(*mark)))
            with pytest.raises(BoardLocked), held(board(bench, "one"), 0):
                pass
