"""A process on a leash hears of its parent's end, and once where it may heed that."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from host.tools import leashed

# Threads that are left hand a child on, one to the next, as their process dies.
PARENT = """
import subprocess, sys, threading, time
from host.tools import leashed
for _ in range(16):
    threading.Thread(target=time.sleep, args=[3600], daemon=True).start()
subprocess.Popen(leashed(sys.argv[2:], sys.argv[1]), start_new_session=True)
time.sleep(3600)
"""
COUNTS = """
import os, signal, sys, time
heard = open(sys.argv[1], "w")
for one in (signal.SIGTERM, signal.SIGINT):
    signal.signal(one, lambda number, _: print(signal.Signals(number).name, file=heard, flush=True))
print("ready", os.getpid(), file=heard, flush=True)
while os.path.exists(sys.argv[2]):
    time.sleep(0.01)
print("end", file=heard, flush=True)
"""


def lines(path: Path, last: str) -> list[str]:
    """Of the file, once one of them begins so."""
    while True:
        found = path.read_text().splitlines() if path.exists() else []
        if any(one.startswith(last) for one in found):
            return found
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_a_signal_that_may_be_heeded_comes_once(tmp_path: Path, name: str) -> None:
    heard, stays = tmp_path / "heard", tmp_path / "stays"
    stays.touch()
    counts = [sys.executable, "-c", COUNTS, str(heard), str(stays)]
    with subprocess.Popen([sys.executable, "-c", PARENT, name, *counts]) as parent:
        lines(heard, "ready")
        parent.kill()
    lines(heard, f"SIG{name}")
    time.sleep(0.5)  # in which another would come
    stays.unlink()
    assert lines(heard, "end")[1:] == [f"SIG{name}", "end"]


def test_one_that_may_not_ends_it_with_its_parent(tmp_path: Path) -> None:
    heard, stays = tmp_path / "heard", tmp_path / "stays"
    stays.touch()
    counts = [sys.executable, "-c", COUNTS, str(heard), str(stays)]
    with subprocess.Popen([sys.executable, "-c", PARENT, "KILL", *counts]) as parent:
        process = int(lines(heard, "ready")[0].split()[1])
        parent.kill()
    while alive(process):
        time.sleep(0.01)
    assert len(lines(heard, "ready")) == 1


def alive(process: int) -> bool:
    """Whether it is there, and no corpse."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def test_a_signal_to_its_group_ends_it_with_the_signals_number() -> None:
    with subprocess.Popen(leashed(["sleep", "3600"], "TERM"), process_group=0) as process:
        while "sleep" not in children(process.pid):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGTERM)
    assert process.returncode == 128 + signal.SIGTERM


def children(process: int) -> list[str]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [Path(f"/proc/{one}/comm").read_text().strip() for one in found]


def test_it_ends_as_the_command_did() -> None:
    assert subprocess.run(leashed(["sh", "-c", "exit 7"], "TERM")).returncode == 7
