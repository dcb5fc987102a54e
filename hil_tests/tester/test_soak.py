"""A soak counts everything, goes on where it was killed, and ends with the first difference; its page shows it."""

import os
import re
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hil_tests.tester.conftest import Make
from hil_tests.tester.recorded import PROGRAM, REPOSITORY, nightjar, replayed
from hil_tests.tester.test_attempts import There
from hil_tests.tester.test_attempts import there as there  # a fixture
from host.compare.flip import copy_project, find_symbol, overwrite
from host.elf_record import write_record
from host.exit_codes import Exit
from host.project import FAILED
from host.report.soak_html import render
from host.report.testing_browser import chromium, measured
from host.soak.log import Log, Stint, read_log
from host.soak.log_test import SUBJECT


def words(project: Path, out: Path) -> list[object]:
    board = ["--board", "native", "--project", project]
    return [*board, "--out", out, "--vectors", 1, "--inferences", 7]


def test_it_goes_on_where_it_was_killed(made: Make, model_path: Path, tmp_path: Path) -> None:
    _, project = made(model_path, "native")
    out = tmp_path / "out"
    given = list(map(str, ["soak", model_path, *words(project.path, out)]))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [*PROGRAM, *given, "--hours", "9"], env=environment, stderr=subprocess.DEVNULL
    ) as soak:
        while not (out / "soak.jsonl").exists() or len(read_log(out / "soak.jsonl")[1]) < 2:
            assert soak.poll() is None
            time.sleep(0.05)
        soak.send_signal(signal.SIGKILL)
    _, before = read_log(out / "soak.jsonl")
    assert 'http-equiv="refresh"' in (out / "soak.html").read_text()
    done = nightjar(*given, "--hours", 0, cwd=tmp_path)
    assert done.code == 0, done.text
    _, stints = read_log(out / "soak.jsonl")
    assert stints[: len(before)] == before
    assert [stint.number for stint in stints] == list(range(1, len(before) + 2))
    assert [stint.seed for stint in stints] == list(range(len(before) + 1))
    # An observation is one tapped run, three plain ones and one that counts steps.
    assert {stint.inferences for stint in stints} == {7 + 5}
    assert done.verdict["inferences"] == 12 * len(stints)
    assert (done.verdict["wrong"], done.verdict["lost"]) == (0, 0)
    assert 'http-equiv="refresh"' not in (out / "soak.html").read_text()
    assert not list(out.glob("session-*"))


def test_the_first_difference_ends_it(made: Make, model_path: Path, tmp_path: Path) -> None:
    _, project = made(model_path, "native")
    flipped = copy_project(project, tmp_path / "flipped")
    weights = find_symbol(flipped.elf, "nj_op0_weights")
    was = flipped.elf.read_bytes()[weights.offset]
    overwrite(flipped.elf, weights, bytes([was ^ 0x40]))
    write_record(flipped.elf)
    out = tmp_path / "out"
    for _ in range(2):  # nor does it begin again
        done = nightjar("soak", model_path, *words(flipped.path, out), "--hours", 9, cwd=tmp_path)
        assert done.code == Exit.FIRMWARE, done.text
        assert (done.verdict["stints"], done.verdict["wrong"]) == (1, 1)
        assert "CONV_2D" in done.verdict["failures"][0]["failure"]
        assert "CONV_2D" in (out / "soak.html").read_text()
    again = replayed(out / "session-1" / FAILED, elsewhere=tmp_path / "elsewhere")
    assert again.code == Exit.FIRMWARE


def test_a_session_that_the_line_ended_is_lost_and_counted(
    there: There, model_path: Path, tmp_path: Path
) -> None:
    given = [model_path, *there.words, "--inferences", 3, "--hours", 0]
    done = nightjar("soak", *given, cwd=tmp_path)
    assert done.code == Exit.BOARD, done.text
    assert (done.verdict["lost"], done.verdict["stints"]) == (1, 1)
    again = replayed(there.out / "session-1" / FAILED, elsewhere=tmp_path / "elsewhere")
    assert again.code == Exit.BOARD
    done = nightjar("soak", *given, cwd=tmp_path)
    assert done.code == Exit.FLAKY, done.text
    assert nightjar("soak", *given, "--allow-flaky", 1, cwd=tmp_path).code == 0


@pytest.mark.skipif(chromium() is None, reason="needs chromium")
def test_the_page_says_what_was_counted(tmp_path: Path) -> None:
    log = Log(tmp_path / "soak.jsonl", SUBJECT)
    for number in range(1, 1001):
        code, failure = (14, "a <b>line</b> that was cut") if number % 100 == 0 else (0, "")
        log.append(
            Stint(number, "2026-01-01T00:00:00+00:00", 3.6, number, 600, code=code, failure=failure)
        )
    log.close()
    page = render(log, 2.0, datetime(2026, 1, 1, 1, tzinfo=UTC))
    script = """const all = s => [...page.querySelectorAll(s)].map(n => n.textContent);
    return {tiles: all('.tile b'), rows: all('tbody tr').length, head: page.querySelector('h1').textContent,
      wide: page.documentElement.scrollWidth > page.documentElement.clientWidth,
      bold: page.querySelectorAll('.what b b').length, points: page.querySelectorAll('svg path').length > 0}"""
    for found in measured(page, script, (1280, 390)):
        assert _figures(found) == ["600000", "0", "0", "10", "0", "0"]
        assert found["head"].startswith("600,000 inferences in 1.00 hours and 1,000 sessions")
        assert (found["rows"], found["wide"], found["bold"], found["points"]) == (
            10,
            False,
            0,
            True,
        )


def _figures(found: dict[str, Any]) -> list[str]:
    return [re.sub(r"\D", "", text) for text in found["tiles"]]
