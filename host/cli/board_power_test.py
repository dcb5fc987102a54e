"""`nightjar board power` runs the bench's commands, with the board held, and says what it lacks."""

import subprocess
import sys
from pathlib import Path

import pytest

BOARD = '[board.n6-01]\nkind = "stm32n6570-dk"\ngdb = "localhost:1"\n'


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "host.entry", "board", *words, "n6-01", "--bench", "bench.toml"]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("power", "code", "left", "said"),
    [
        ('power = { cycle = "echo cycle >> said" }\n', 0, "cycle\n", "taken and given again"),
        ('power = { off = "exit 3", on = "echo on >> said" }\n', 11, "on\n", "exit status 3"),
        ('power = { on = "echo on >> said" }\n', 2, "", "add power commands"),
        ('power = { cycle = "nightjar-not-there" }\n', 11, "", "not found"),
    ],
)
def test_it_runs_the_commands_of_the_bench(
    power: str, code: int, left: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "bench.toml").write_text(BOARD + power)
    (tmp_path / "said").touch()
    done = run(tmp_path, "power")
    assert done.returncode == code, done.stderr
    assert (tmp_path / "said").read_text() == left
    assert said in done.stdout + done.stderr


def test_the_board_is_held_meanwhile(tmp_path: Path) -> None:
    """The command of the bench asks who holds the board: the one that runs it."""
    ask = f"{sys.executable} -m host.entry board unlock n6-01 --bench bench.toml 2> said; test $? = 12"
    (tmp_path / "bench.toml").write_text(f"{BOARD}power = {{ cycle = '{ask}' }}\n")
    done = run(tmp_path, "power")
    assert done.returncode == 0, done.stderr
    assert "board power n6-01" in (tmp_path / "said").read_text()
