"""Leases: taken for a block, given back however it ends, and asked for by one job of this computer at a time."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host.boards import bench_lock
from host.boards.bench_file import read_bench
from host.boards.flashers import reach
from host.boards.flashers.reach import held
from host.boards.lease import lease_is_lost
from host.boards.pool import meant
from host.cli import run
from host.errors import BadInput, BoardFailure, BoardLocked, LinkFailure
from host.testing_children import with_default_signals

PORT = "socket://127.0.0.1:9001"
BENCH = f"""
[board.far]
kind = "native"
tags = ["n6"]
[board.far.lease]
acquire = "mkdir FOLDER/taken"
release = "rmdir FOLDER/taken"
port = "test -d FOLDER/taken; echo it is; echo ' {PORT} '; echo"
"""
# What is no port, the port, and another one.
SAID = f"echo /no/port && echo 10:30 && echo {PORT} && echo other:1"
HOLD = f"""
[board.far]
kind = "native"
tags = ["n6"]
[board.far.lease]
hold = '''sh -c 'trap "" TERM; mkdir FOLDER/taken && {SAID} && read _; rmdir FOLDER/taken' '''
"""
POWER = 'power = { cycle = "test -d FOLDER/taken && echo yes >> FOLDER/powered" }'
LEASES = """
import sys
from pathlib import Path
from host.boards import bench_lock
from host.boards.pool import meant
from host.interrupts import Interrupts
bench_lock.ROOT = Path(sys.argv[1])

def work():
    with meant("far", bench=Path(sys.argv[2]), flashes=False):
        print("leased", flush=True)
        sys.stdin.read()

with Interrupts() as interrupts:
    interrupts.during(work)
    sys.exit(interrupts.received or 0)
"""


def written(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bench_lock, "ROOT", folder / "locks")
    path = folder / "bench.toml"
    path.write_text(text.replace("FOLDER", str(folder)))
    return path


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return written(tmp_path, BENCH, monkeypatch)


@pytest.fixture(params=[BENCH, HOLD], ids=["acquire", "hold"])
def either(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return written(tmp_path, request.param, monkeypatch)


@contextmanager
def other(bench: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that has leased the board."""
    line = with_default_signals([sys.executable, "-c", LEASES, str(bench_lock.ROOT), str(bench)])
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"leased\n"
        try:
            yield child
        finally:
            child.kill()


def replaced(bench: Path, old: str, new: str) -> Path:
    text = bench.read_text()
    assert old in text
    bench.write_text(text.replace(old, new))
    return bench


@pytest.mark.parametrize(("board", "tags"), [("far", ()), ("any", ("n6",))])
def test_it_is_leased_for_the_block(
    either: Path, tmp_path: Path, board: str, tags: tuple[str, ...]
) -> None:
    with meant(board, tags, bench=either, flashes=False) as at:
        assert (at.name, at.url) == ("far", PORT)
        assert (tmp_path / "taken").is_dir()
        assert at.standing is not None
        with held(at.standing, 0):  # what the command calls has it
            pass
    assert not (tmp_path / "taken").exists()


def test_a_port_by_hand_needs_no_lease(bench: Path, tmp_path: Path) -> None:
    with meant("far", bench=bench, port=PORT, flashes=False) as at:
        assert at.url == PORT
        assert not (tmp_path / "taken").exists()


def test_it_is_given_back_where_the_block_fails(either: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), meant("far", bench=either, flashes=False):
        raise RuntimeError
    assert not (tmp_path / "taken").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_given_back_where_a_signal_ends_us(
    either: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with other(either) as child:
        with pytest.raises(BoardLocked) as caught, meant("far", bench=either, flashes=False):
            pass
        assert f"pid {child.pid} of user {os.geteuid()}" in caught.value.evidence
        assert (tmp_path / "taken").is_dir()  # nobody but its holder gives it back
        child.send_signal(number)
        child.wait()
    assert child.returncode == number
    assert not (tmp_path / "taken").exists()


def test_one_that_is_held_is_given_back_also_where_we_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = written(tmp_path, HOLD, monkeypatch)
    with other(bench) as child:
        child.kill()
        child.wait()
    while (tmp_path / "taken").exists():
        time.sleep(0.01)
    with meant("far", bench=bench, flashes=False):
        pass


def test_what_breaks_behind_a_lease_that_is_over_is_the_leases_doing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = written(tmp_path, HOLD, monkeypatch)
    replaced(bench, "read _", f"read _ < {tmp_path}/end; echo its time is over")
    os.mkfifo(tmp_path / "end")

    def work() -> None:
        with meant("far", bench=bench, flashes=False):
            assert not lease_is_lost("far")
            (tmp_path / "end").write_text("\n")
            while not lease_is_lost("far"):
                time.sleep(0.01)
            raise LinkFailure("the port is gone", evidence="", next_step="")

    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(BoardFailure, match="the lease of far was over before") as caught,
    ):
        work()
    assert "the port is gone" in caught.value.evidence
    assert "its time is over" in caught.value.evidence
    assert "was over before its work" in caplog.text
    assert not lease_is_lost("far")


def test_one_that_is_not_given_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = written(tmp_path, HOLD, monkeypatch)
    (tmp_path / "taken").mkdir()
    with (
        pytest.raises(BoardLocked, match="the lease of far was not given") as caught,
        meant("far", bench=bench, flashes=False),
    ):
        pass
    assert "File exists" in caught.value.evidence


def test_any_goes_on_to_the_next_that_is_given_and_begins_at_home(bench: Path) -> None:
    """The first lease is another's, so that the second is asked for; a board of this computer comes before both."""
    home = '[board.home]\nkind = "native"\nport = "socket://127.0.0.1:9002"\ntags = ["n6"]\n'
    refused = '[board.refused]\nkind = "native"\ntags = ["n6"]\n[board.refused.lease]\n'
    refused += 'acquire = "echo it is ours; false"\nrelease = "true"\n'
    refused += 'port = "echo socket://127.0.0.1:9003"\n'
    bench.write_text(refused + bench.read_text() + home)
    boards = read_bench(bench)
    with meant("any", ["n6"], bench=bench, flashes=False) as at:
        assert at.name == "home"
    with held(boards.board("home"), 0):
        with meant("any", ["n6"], bench=bench, flashes=False) as at:
            assert (at.name, at.url) == ("far", PORT)
        with (
            held(boards.board("far"), 0),
            pytest.raises(BoardLocked, match="all of 3 boards that fit are taken") as caught,
            meant("any", ["n6"], bench=bench, flashes=False),
        ):
            pass
    assert "refused: `echo it is ours; false`: exit status 1: it is ours" in caught.value.evidence


def test_a_lease_is_asked_for_again_as_long_as_one_waits(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "_ASK_AGAIN", 0.01)
    asked = f"echo >> {tmp_path}/asked; test $(wc -l < {tmp_path}/asked) = 3 && mkdir"
    replaced(bench, "mkdir", asked)
    with meant("far", bench=bench, flashes=False, wait=3600) as at:
        assert at.url == PORT
    assert (tmp_path / "asked").read_text() == "\n" * 3


def test_gdb_and_power_lease_the_board(
    either: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """And give it back behind; the gdb is a stand-in, which looks whether the board is leased."""
    replaced(either, 'kind = "native"', f'kind = "native"\ngdb = "localhost:1"\n{POWER}')
    replaced(either, "FOLDER", str(tmp_path))
    gdb = tmp_path / "gdb-multiarch"
    gdb.write_text(f"#!/bin/sh\ntest -d {tmp_path}/taken && echo gdb is here\nexit 3\n")
    gdb.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        assert run(["board", "gdb", "far", "--bench", str(either)]) == 3
    assert "gdb is here" in capfd.readouterr().out
    assert run(["board", "power", "far", "--bench", str(either)]) == 0
    assert (tmp_path / "powered").read_text() == "yes\n"
    assert not (tmp_path / "taken").exists()


def test_one_that_others_have_is_refused_and_stays_theirs(bench: Path, tmp_path: Path) -> None:
    """labgrid would release it: a job of the same user on another host is one to it with us."""
    (tmp_path / "taken").mkdir()
    with (
        pytest.raises(BoardLocked, match="the lease of far was not given") as caught,
        meant("far", bench=bench, flashes=False),
    ):
        pass
    assert "File exists" in caught.value.evidence
    assert (tmp_path / "taken").is_dir()


def test_one_that_is_not_given_back_is_told(bench: Path, caplog: pytest.LogCaptureFixture) -> None:
    replaced(bench, "rmdir", "echo not yours; false;")
    with caplog.at_level(logging.WARNING), meant("far", bench=bench, flashes=False):
        pass
    assert "not yours" in caplog.text


@pytest.mark.parametrize("says", ["true", "false"])
def test_it_is_given_back_where_nobody_says_where_it_is(
    bench: Path, tmp_path: Path, says: str
) -> None:
    text = bench.read_text()
    bench.write_text(text[: text.index("port =")] + f'port = "{says}"\n')
    with pytest.raises(BoardFailure, match="nobody says where"), meant("far", bench=bench):
        pass
    assert not (tmp_path / "taken").exists()


def test_the_port_may_be_the_boards_own(bench: Path) -> None:
    text = bench.read_text()
    text = text[: text.index("port =")]
    bench.write_text(text.replace('kind = "native"', f'kind = "native"\nport = "{PORT}"'))
    with meant("far", bench=bench, flashes=False) as at:
        assert (at.url, at.port) == (PORT, PORT)


def test_a_lease_says_how_it_ends(bench: Path) -> None:
    replaced(bench, "release =", "# release =")
    with pytest.raises(BadInput) as caught:
        read_bench(bench)
    assert "board.far: lease.release is missing" in caught.value.evidence
