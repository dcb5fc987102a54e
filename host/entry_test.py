"""A signal decides how a command ends, from our first line to our last, whatever else goes wrong meanwhile."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from host.installed import ROOT

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
# Children begin with every signal at its default, whatever this process inherited.
DEFAULTS = """
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
def stop(name):
    os.kill(os.getpid(), getattr(signal, name))
    time.sleep(5)
"""


def run(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", DEFAULTS + code, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("name", ENDING)
def test_from_the_first_line_on(name: str) -> None:
    done = run(f"import host.entry\nstop('{name}')\nprint('alive')")
    assert (done.returncode, done.stdout) == (128 + getattr(signal, name), "")
    assert done.stderr == f"interrupted by {name}\n"


def test_the_first_line_comes_before_what_takes_time() -> None:
    """Until then Python itself answers: with a traceback, or without a word."""
    bare = [sys.executable, "-S", "-c", "import host.early, sys; print(*sys.modules)"]
    done = subprocess.run(bare, capture_output=True, text=True, check=True, cwd=ROOT)
    costly = {"typing", "threading", "contextlib", "pathlib", "click"}
    assert costly & set(done.stdout.split()) == set()


def test_what_is_ignored_stays_ignored() -> None:
    code = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nimport host.entry\n"
    done = run(code + "os.kill(os.getpid(), signal.SIGHUP)\nprint('alive')")
    assert (done.returncode, done.stdout) == (0, "alive\n")


ENDS = """
import host.cli, host.entry
from host.errors import HostFailure
def failing(given):
    try:
        stop(sys.argv[1])
    except KeyboardInterrupt:
        MEANWHILE
host.cli._run = failing
sys.argv[:] = ["nightjar", sys.argv[1]]
host.entry.main()
"""


@pytest.mark.parametrize("name", ENDING)
@pytest.mark.parametrize("meanwhile", ["return 0", "return 10", "return 19"])
def test_a_signal_decides_whatever_happened_meanwhile(name: str, meanwhile: str) -> None:
    done = run(ENDS.replace("MEANWHILE", meanwhile), name)
    assert done.returncode == 128 + getattr(signal, name)
    assert f"interrupted by {name}" in done.stderr


@pytest.mark.parametrize("name", ENDING)
def test_a_signal_while_an_error_is_reported(name: str) -> None:
    code = """
import host.cli, host.entry
name = sys.argv[1]
host.cli.report_error = lambda error, given: stop(name) or 2
sys.argv[:] = ["nightjar", "inspect", "absent.tflite"]
host.entry.main()
"""
    done = run(code, name)
    assert (done.returncode, "Traceback" in done.stderr) == (128 + getattr(signal, name), False)


@pytest.mark.parametrize(("first", "second"), [("SIGTERM", "SIGINT"), ("SIGINT", "SIGHUP")])
def test_of_two_that_come_before_anything_the_first_decides(first: str, second: str) -> None:
    code = "import ctypes, host.entry\nboth = (signal.FIRST, signal.SECOND)\n"
    code += "list(map(getattr(ctypes.CDLL(None), 'raise'), both))\nprint('alive')"
    done = run(code.replace("FIRST", first).replace("SECOND", second))
    assert (done.returncode, done.stdout) == (128 + getattr(signal, first), "")


def test_no_alarm_of_ours_comes_after_the_end() -> None:
    code = ENDS.replace("MEANWHILE", "return 0").replace("host.entry.main()", "")
    done = run(code + "host.cli.run([]); time.sleep(1); print('quiet')", "SIGTERM")
    assert (done.returncode, done.stdout) == (0, "quiet\n")


def test_results_of_an_interrupted_command_are_removed(tmp_path: Path) -> None:
    file = tmp_path / "v.json"
    code = """
import host.cli, host.entry, host.cli.verify
from pathlib import Path
def command(json_path, **given):
    Path(json_path).write_text("{}")
    stop("SIGTERM")
host.cli.verify.command.callback = command
host.entry.main()
"""
    done = run(code, "verify", "m.tflite", "--json", str(file))
    assert done.returncode == 143
    assert not file.exists()


def test_a_code_is_left_for_who_cannot_see_it(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "exit-code"
    code = f"os.environ['NIGHTJAR_EXIT_FILE'] = {str(file)!r}\nimport host.entry\nhost.entry.main()"
    assert run(code, "verify", "absent.tflite").returncode == 2
    assert file.read_text() == "2 INPUT\n"
    file.unlink()
    assert run(code, "--version").returncode == 0
    assert not file.exists()
