"""An interrupt is not lost, and does not cut short what it began."""

import subprocess
import sys

import pytest

from host.testing_children import with_default_signals

START = """
import os, signal, time
from host.interrupts import Interrupts
interrupts = Interrupts()
def stop():
    os.kill(os.getpid(), signal.SIGNAL)
    time.sleep(5)
"""
DROPPED = """
try:
    for _ in range(2):  # as a library does that takes any error for one of its own
        try:
            stop() if _ == 0 else time.sleep(5)
        except KeyboardInterrupt:
            pass
    time.sleep(5)
    print("lost")
except KeyboardInterrupt:
    interrupts.done()
    print("ended by", interrupts.received.name)
"""
CLEANED = """
def clean():
    try:
        raise ValueError  # what cleaning up raises and handles itself
    except ValueError:
        time.sleep(1.0)
    print("cleaned")
try:
    try:
        stop()
    finally:
        clean()
except KeyboardInterrupt:
    interrupts.done()
    print("ended by", interrupts.received.name)
time.sleep(1.0)
print("and quiet")
"""


def run(code: str, signal: str) -> str:
    code = START.replace("SIGNAL", signal) + code
    command = with_default_signals([sys.executable, "-c", code])
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_dropped_interrupt_is_raised_again(signal: str) -> None:
    assert run(DROPPED, signal) == f"ended by {signal}\n"


def test_cleaning_up_is_not_interrupted() -> None:
    assert run(CLEANED, "SIGINT") == "cleaned\nended by SIGINT\nand quiet\n"
