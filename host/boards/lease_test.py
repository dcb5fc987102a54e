"""Leases: taken for a block, given back however it ends, and asked for by one job of this computer at a time."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from host.boards import bench_lock
from host.boards.bench_file import read_bench
from host.boards.flashers.reach import held
from host.boards.pool import meant
from host.errors import BadInput, BoardFailure, BoardLocked
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


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bench_lock, "ROOT", tmp_path / "locks")
    path = tmp_path / "bench.toml"
    path.write_text(BENCH.replace("FOLDER", str(tmp_path)))
    return path


def replaced(bench: Path, old: str, new: str) -> Path:
    text = bench.read_text()
    assert old in text
    bench.write_text(text.replace(old, new))
    return bench


@pytest.mark.parametrize(("board", "tags"), [("far", ()), ("any", ("n6",))])
def test_it_is_leased_for_the_block(
    bench: Path, tmp_path: Path, board: str, tags: tuple[str, ...]
) -> None:
    with meant(board, tags, bench=bench, flashes=False) as at:
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


def test_it_is_given_back_where_the_block_fails(bench: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), meant("far", bench=bench, flashes=False):
        raise RuntimeError
    assert not (tmp_path / "taken").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_given_back_where_a_signal_ends_us(
    bench: Path, tmp_path: Path, number: signal.Signals
) -> None:
    line = with_default_signals([sys.executable, "-c", LEASES, str(bench_lock.ROOT), str(bench)])
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"leased\n"
        with pytest.raises(BoardLocked) as caught, meant("far", bench=bench, flashes=False):
            pass
        assert f"pid {child.pid} of user {os.geteuid()}" in caught.value.evidence
        assert (tmp_path / "taken").is_dir()  # nobody but its holder gives it back
        child.send_signal(number)
        child.wait()
    assert child.returncode == number
    assert not (tmp_path / "taken").exists()


def test_one_that_others_have_is_refused(
    bench: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").mkdir()
    replaced(bench, "rmdir", "echo not yours; false;")
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(BoardLocked, match="the lease of far was not given") as caught,
        meant("far", bench=bench, flashes=False),
    ):
        pass
    assert "File exists" in caught.value.evidence
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
    assert "board.far.lease.release is missing" in caught.value.evidence
