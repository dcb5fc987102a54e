"""Commands that signals end at drawn moments: each gives the signal's code, and leaves nothing.

`nightjar selftest signals` ends 50 of them.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from host.errors import HostFailure
from host.selftest import leftovers, signals
from host.selftest.commands import KINDS, Kind, Scene
from host.selftest.signal_tally import SignalTally
from host.selftest.signals import (
    Drawn,
    Result,
    Undisturbed,
    campaign,
    draw,
    run,
    scene,
    undisturbed,
)
from host.tools import find_tool

COUNT = 15
Ended = Callable[[str], Result]
# The others in the long campaign.
COMMANDS = ("verify, building", "hil", "classify", "board up", "sdcard add")
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def stage(made: Any, bundle_path: Path) -> Iterator[tuple[Scene, Path]]:
    projects = {board: made(bundle_path, board)[1] for board in ("native", "virtual")}
    with scene(bundle_path, projects) as given:
        yield given


def test_no_signal_gives_another_code_or_leaves_anything(stage: tuple[Scene, Path]) -> None:
    given, folder = stage
    cases = [draw(1, number, COMMANDS) for number in range(COUNT)]
    known = {name: undisturbed(given, KINDS[name], folder / name[-5:]) for name in COMMANDS}
    tally = SignalTally(1)
    for ended in campaign(given, known, folder, cases, workers=1):
        tally.add(ended)
    figures = tally.as_json()
    assert figures["deviating"] == []
    assert figures["judged"] == COUNT
    assert figures["ended_by_a_signal"] >= COUNT // 2
    assert list(folder.glob("*/tmp/*")) == []


def test_draws_hold_all_signals_and_commands() -> None:
    drawn = [draw(1, number) for number in range(50)]
    assert {one.kind for one in drawn} == set(KINDS)
    assert {one.first for one in drawn} == {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    assert 10 < sum(one.second is not None for one in drawn) < 30
    assert draw(1, 7) == drawn[7] != draw(2, 7)


# Programs in place of ours, each with one defect. They catch all three signals at once, as ours does from its first
# line on.
BEGIN = """
import json, os, pathlib, signal, subprocess, sys, tempfile, time
def end(number, frame):
    DEFECT
    os._exit(CODE)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, end)
pathlib.Path("ready").touch()
time.sleep(600)
"""
NONE = "pass"
PROCESS = f"subprocess.Popen([{find_tool('sleep', 'coreutils')!r}, '600'], start_new_session=True)"
RIGHT = "128 + number"
DEFECTS = {
    "a process": (PROCESS, RIGHT, "it left the process"),
    "a temporary file": ("tempfile.mkstemp()", RIGHT, "it left tmp/"),
    "a kept folder": (
        "os.makedirs(os.environ['XDG_RUNTIME_DIR'] + '/nightjar/own-1')",
        RIGHT,
        "it left run/nightjar",
    ),
    "half a result": ("open('verdict.json', 'w').write('{')", RIGHT, "not whole"),
    "half a page": ("open('page.html', 'w').write('<html>')", RIGHT, "has no end"),
    "half a JUnit file": ("open('junit.xml', 'w').write('<testsuite>')", RIGHT, "not whole"),
    "code 0": (NONE, "0", "code 0 instead of [143]"),
    "code 19": (NONE, "19", "code 19 instead of [143]"),
    "code 1": (NONE, "1", "code 1 instead of [143]"),
    "another signal's": (NONE, "130", "code 130 instead of [143]"),
}


READY = frozenset({"work/ready"})


@pytest.fixture
def ended(stage: tuple[Scene, Path], monkeypatch: pytest.MonkeyPatch) -> Ended:
    """Ends a program by SIGTERM once it is ready for it, however long that takes."""
    given, folder = stage
    number = 100 + len(list(folder.iterdir()))
    look = signals._state

    def look_when_ready(process: "subprocess.Popen[bytes]") -> tuple[bool, bool]:
        while not (folder / f"{number}" / "work" / "ready").exists():
            assert process.poll() is None
            time.sleep(0.01)
        return look(process)

    monkeypatch.setattr(signals, "_state", look_when_ready)
    monkeypatch.setattr(leftovers, "_PATIENCE", 1.0)

    def end(program: str) -> Result:
        line = (sys.executable, "-S", "-c", program)
        kinds = {"ours": Kind((), ("verdict.json", "page.html", "junit.xml"), program=line)}
        drawn = Drawn(number, "ours", True, 0.0, signal.SIGTERM, None, 0.0, False)
        return run(given, kinds, {"ours": Undisturbed(0.0, READY)}, folder, drawn)

    return end


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found(ended: Ended, defect: str) -> None:
    does, code, says = DEFECTS[defect]
    result = ended(BEGIN.replace("DEFECT", does).replace("CODE", code))
    assert result.begun
    assert says in result.wrong


def test_a_program_without_one_is_right(ended: Ended) -> None:
    result = ended(BEGIN.replace("DEFECT", NONE).replace("CODE", RIGHT))
    assert (result.code, result.hit, result.begun, result.wrong) == (143, True, True, "")


def test_what_python_itself_answers_before_our_first_line_is_right(ended: Ended) -> None:
    result = ended("import pathlib, time; pathlib.Path('ready').touch(); time.sleep(600)")
    assert (result.code, result.hit, result.begun, result.wrong) == (-15, True, False, "")


def test_a_command_that_does_not_work_undisturbed_ends_the_campaign(
    stage: tuple[Scene, Path],
) -> None:
    given, folder = stage
    kind = Kind((), program=(sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(HostFailure, match="nothing disturbs it") as caught:
        undisturbed(given, kind, folder / "wrong")
    assert "its code is 3" in caught.value.evidence
