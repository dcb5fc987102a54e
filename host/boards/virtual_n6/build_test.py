"""What cannot be built is told, bounded, and leaves nothing that runs; its tests are skipped in plain sight."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from host.boards.virtual_n6 import build as module
from host.boards.virtual_n6.build import build, find, why_not
from host.deadline import Deadline
from host.errors import HostFailure

ROOT = Path(__file__).parents[3]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in front of the path; dpkg there has every package. The place to build in is empty."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(module, "own_folder", lambda: tmp_path / "build")
    tool(folder, "dpkg-query", "printf 'install ok installed'")
    return folder


def tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_source_that_cannot_be_had_is_told(tools: Path) -> None:
    assert why_not() == ""
    tool(tools, "apt-get", "echo 'E: no such host' >&2; exit 100")
    with pytest.raises(HostFailure, match="failed at `apt-get`") as failure:
        build(lambda text: None, Deadline.after(60))
    assert "no such host" in failure.value.evidence
    assert "make n6-virtual" in failure.value.next_step
    assert "no such host" in why_not()
    assert find() is None


def test_a_server_that_says_nothing_costs_no_more_than_the_deadline(
    tools: Path, tmp_path: Path
) -> None:
    """And what apt-get had started is gone, too."""
    tool(tools, "apt-get", f"sleep 1000 & echo $! > {tmp_path}/pid; wait")
    with pytest.raises(HostFailure, match="failed at `apt-get`"):
        build(lambda text: None, Deadline.after(1))
    assert "it did not end before the deadline" in why_not()
    child = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    limit = Deadline.after(20)
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
        assert not limit.expired
        time.sleep(0.01)


def test_a_package_that_is_missing_is_named(tools: Path) -> None:
    tool(
        tools, "dpkg-query", "case $4 in ninja-build) exit 1;; esac; printf 'install ok installed'"
    )
    with pytest.raises(HostFailure, match="packages for building QEMU are missing") as failure:
        build(lambda text: None, Deadline.after(60))
    assert "ninja-build" in failure.value.evidence
    assert "apt-get install" in failure.value.next_step
    assert "no ninja-build" in why_not()


def test_what_is_skipped_for_want_of_it_is_in_the_summary_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "build/n6-virtual").mkdir(parents=True)
    (tmp_path / "build/n6-virtual/failed.txt").write_text("no network.\nReceived: nothing")
    (tmp_path / "it_test.py").write_text(
        "import pytest\n"
        "@pytest.mark.skip(reason='make n6-virtual')\n"
        "def test_it(): ...\n"
        "@pytest.mark.skip(reason='no socat')\n"
        "def test_another(): ...\n"
    )
    code = f"""\
        import pathlib, sys, pytest
        import host.boards.virtual_n6.build as module
        module.own_folder = lambda: pathlib.Path({str(tmp_path)!r}) / "build"
        sys.exit(pytest.main(["-q", "-p", "conftest", "-c", "/dev/null", {str(tmp_path)!r}]))
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "n6-virtual is not built: 1 tests of it were skipped; `make n6-virtual` builds it;"
        " the last try: no network. Received: nothing" in done.stdout
    )
