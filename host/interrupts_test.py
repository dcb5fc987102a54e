"""An interrupt is not lost, and does not cut short what it began."""

import subprocess
import sys
from itertools import permutations

import pytest

from host.testing_children import with_default_signals

START = """
import os, signal, time
from host.interrupts import Interrupts
interrupts = Interrupts().__enter__()  # left by nobody: the process ends within it
def stop():
    os.kill(os.getpid(), signal.SIGNAL)
    time.sleep(5)
"""
DROPPED = """
def work():
    for _ in range(2):  # as a library does that takes any error for one of its own
        try:
            stop() if _ == 0 else time.sleep(5)
        except KeyboardInterrupt:
            pass
    time.sleep(5)
    print("lost")
assert interrupts.during(work) is None
print("ended by", interrupts.received.name)
"""
CLEANED = """
def clean():
    try:
        raise ValueError  # what cleaning up raises and handles itself
    except ValueError:
        time.sleep(1.0)
    print("cleaned")
def work():
    try:
        stop()
    finally:
        clean()
interrupts.during(work)
print("ended by", interrupts.received.name)
time.sleep(1.0)
print("and quiet")
"""
# One call into C, in which both come: Python would call their handlers by rising number.
AT_ONCE = """
import ctypes
both = lambda: list(map(getattr(ctypes.CDLL(None), "raise"), (signal.FIRST, signal.SECOND)))
"""
# What a process that runs commands and goes on is left with: its handlers, and children that end when they are told to.
RESTORED = """
import os, signal, sys, time
from host.cli import run
from host.early import ENDING
mine = lambda number, frame: None
for number in (*ENDING, signal.SIGALRM):
    signal.signal(number, mine)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
read, write = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(write)
BEFORE
assert [signal.getsignal(n) for n in (*ENDING, signal.SIGALRM)] == [mine, signal.SIG_DFL, mine, mine]
assert signal.set_wakeup_fd(-1) == write
child = os.fork()
if not child:
    time.sleep(30)
    os._exit(0)
os.kill(child, signal.SIGTERM)
print("child ended by", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
# In which way the command ends: by itself, by a signal, by what no command may raise.
COMMANDS = {
    "done": "assert run(['--version']) == 0",
    "interrupted": """
import host.cli
def stop(given):
    os.kill(os.getpid(), signal.SIGHUP)
    time.sleep(5)
host.cli._run = stop
assert run([]) == 128 + signal.SIGHUP
time.sleep(0.5)  # the alarm that raises anew is off, too""",
    "escaped": """
import host.cli
def leave(given):
    try:
        os.kill(os.getpid(), signal.SIGHUP)
        time.sleep(5)
    except KeyboardInterrupt:
        sys.exit(3)
host.cli._run = leave
try:
    run([])
except SystemExit:
    time.sleep(0.5)""",
}


def run(code: str, signal: str) -> str:
    code = (START.replace("SIGNAL", signal) if signal else "") + code
    command = with_default_signals([sys.executable, "-c", code])
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_dropped_interrupt_is_raised_again(signal: str) -> None:
    assert run(DROPPED, signal) == f"ended by {signal}\n"


@pytest.mark.parametrize(
    ("first", "second"), list(permutations(("SIGINT", "SIGTERM", "SIGHUP"), 2))
)
def test_of_two_the_first_decides(first: str, second: str) -> None:
    code = AT_ONCE.replace("FIRST", first).replace("SECOND", second)
    code += "interrupts.during(both)\nprint('ended by', interrupts.received.name)\n"
    assert run(code, first) == f"ended by {first}\n"


@pytest.mark.parametrize("place", ["before", "behind"])
def test_outside_of_the_work_nothing_is_raised(place: str) -> None:
    """And what has not begun does not begin."""
    kill = "os.kill(os.getpid(), signal.SIGTERM)\n"
    code = kill if place == "before" else ""
    code += "print(interrupts.during(lambda: 7))\n" + (kill if place == "behind" else "")
    code += "print(interrupts.received.name)"
    assert run(code, "SIGTERM") == ("None" if place == "before" else "7") + "\nSIGTERM\n"


def test_cleaning_up_is_not_interrupted() -> None:
    assert run(CLEANED, "SIGINT") == "cleaned\nended by SIGINT\nand quiet\n"


@pytest.mark.parametrize("ending", COMMANDS)
def test_behind_a_command_signals_do_what_they_did_before(ending: str) -> None:
    code = RESTORED.replace("BEFORE", COMMANDS[ending])
    assert run(code, "").splitlines()[-1] == "child ended by -15"
