"""Whatever the test run ignores or blocks, a child ignores and blocks nothing."""

import signal
import subprocess
import sys
from pathlib import Path

from host.testing_children import with_default_signals

# A session that is deaf as nohup, a shell's background job and some runners leave it, and its child's signals.
DEAF = """
import signal, subprocess, sys
for number in (1, 2, 13, 14, 15):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {1, 2, 10})
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""
SHOWN = ("SigBlk", "SigIgn")


def left_out(command: list[str]) -> dict[str, int]:
    deaf = [sys.executable, "-c", DEAF, *command]
    done = subprocess.run(deaf, capture_output=True, text=True, check=True)
    lines = (line.split(":\t") for line in done.stdout.splitlines())
    # Those that the C library keeps to itself nobody can set.
    mask = sum(1 << (number - 1) for number in signal.valid_signals())
    return {name: int(value, 16) & mask for name, value in lines if name in SHOWN}


def test_a_child_ignores_and_blocks_nothing() -> None:
    command = ["cat", str(Path("/proc/self/status"))]
    assert all(left_out(command).values())
    assert left_out(with_default_signals(command)) == {"SigBlk": 0, "SigIgn": 0}


def test_it_keeps_its_process_id_and_its_exit_code() -> None:
    shell = ["sh", "-c", "echo $$; exit 7"]
    with subprocess.Popen(with_default_signals(shell), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert int(child.stdout.read()) == child.pid
    assert child.returncode == 7
