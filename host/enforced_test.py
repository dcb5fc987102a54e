"""A deadline ends what takes none, and what does not let itself be ended."""

import subprocess
import sys

import pytest

CODE = """
import time
from host import enforced
from host.deadline import Deadline
from host.errors import HostFailure
enforced.SLACK, enforced.GRACE = 0.1, 1.0
try:
    with enforced.enforced(Deadline.after(0.2)):
        WORK
    print("ended")
except HostFailure as error:
    print(error.what)
time.sleep(1.5)
print("quiet")
"""


def run(work: str) -> "subprocess.CompletedProcess[str]":
    code = CODE.replace("WORK", work)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("work", "says"),
    [
        ("pass", "ended"),
        ("time.sleep(60)", "the time that was given is over before everything was done"),
        ("while True: pass", "the time that was given is over before everything was done"),
    ],
)
def test_python_is_ended_by_an_error(work: str, says: str) -> None:
    done = run(work)
    assert (done.returncode, done.stdout) == (0, f"{says}\nquiet\n"), done.stderr


def test_an_error_that_is_swallowed_does_not_save_it() -> None:
    work = """
        while True:
            try:
                time.sleep(60)
            except HostFailure:
                pass"""
    done = run(work)
    assert done.returncode == 10
    assert "time that was given" in done.stderr
