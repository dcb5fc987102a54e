"""Ctrl-C in the middle of a proof leaves no process, no lock and no half-written file."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from host.testing_children import with_default_signals

MARK = "NIGHTJAR_TEST_INTERRUPT"


def alive(mark: str) -> list[str]:
    """Processes whose environment has `mark`."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("after", "build"), [(0.4, False), (2.0, False), (5.0, False), (1.2, True), (2.5, True)]
)
def test_interrupt(
    made: Any, model_path: Path, tier: str, tmp_path: Path, after: float, build: bool
) -> None:
    subject, project = made(model_path, tier)
    verdict = tmp_path / "verify.json"
    line = [sys.executable, "-c", "from host.cli import main; main()", "verify"]
    line += [str(subject.path), "--board", tier]
    line += ["--vectors", "100000", "--json", str(verdict)]
    line += [] if build else ["--project", str(project.path)]
    mark = f"{os.getpid()}-{tier}-{after}-{build}"
    process = subprocess.Popen(
        with_default_signals(line),
        cwd=tmp_path,
        env={**os.environ, MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        time.sleep(after)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) != 0
    finally:
        process.kill()
    ends = time.monotonic() + 5
    while alive(mark) and time.monotonic() < ends:
        time.sleep(0.05)
    assert alive(mark) == []
    assert not verdict.exists()
    assert list(tmp_path.glob(".verify.json*")) == []
