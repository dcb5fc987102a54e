"""Four simulated boards and eight jobs at once, counted by jobs: none is lost, whatever is killed."""

import shutil
from pathlib import Path

import pytest

from host.compare.prepare import prepare
from host.selftest.many_boards import campaign
from model_gen.codegen.testing.net import make_net

JOBS = 24


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_jobs_that_take_any_board_end_each_in_its_own_result(tmp_path: Path) -> None:
    model = tmp_path / "small.tflite"
    model.write_bytes(make_net(1).tflite())
    _, project = prepare(model, "native", out=tmp_path / "native")
    found = campaign(project.elf, boards=4, at_once=8, seed=3, more=lambda number: number < JOBS)
    assert found.deviating == []
    assert found.jobs == JOBS == found.done + found.killed + found.ended_with_board
    assert found.killed > 0
    assert found.boards_killed > 0
