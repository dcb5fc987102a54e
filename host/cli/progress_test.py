"""Progress: on a terminal a line that moves and goes, elsewhere a line now and then, with --quiet nothing."""

import os
import pty
import subprocess
import sys

CODE = """
import sys, time
from host.cli import common, progress
from host.loudness import Level, set_level
progress.EVERY = 0.2
set_level(Level[sys.argv[1]])
with progress.working("making firmware") as now:
    time.sleep(0.5)
    now("vector 2 of [8]")
    common.say("vec00: [exact]")
    time.sleep(0.5)
common.say("done")
"""


def run(level: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, level], capture_output=True, text=True, timeout=300, check=True
    )
    return done.stdout, done.stderr


def test_without_a_terminal_a_line_now_and_then() -> None:
    out, err = run("NORMAL")
    assert out == "vec00: [exact]\ndone\n"
    lines = err.splitlines()
    assert lines[0].startswith("... making firmware (")
    assert lines[-1].startswith("... vector 2 of [8] (")


def test_quiet_shows_nothing() -> None:
    assert run("QUIET") == ("", "")


def test_on_a_terminal_nothing_is_left_behind() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", CODE, "NORMAL"],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
    ) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            seen += piece
        assert process.wait(60) == 0
    os.close(ours)
    text = seen.decode()
    assert "making firmware" in text
    assert "vector 2 of [8]" in text
    assert "vec00: [exact]" in text
    assert text.rstrip().endswith("done")
