"""Four simulated boards and eight jobs at once, counted by jobs: none is lost, whatever is killed."""

import shutil
from pathlib import Path

import pytest

from host.compare.prepare import prepare
from host.selftest.many_boards import campaign
from model_gen.codegen.testing.net import make_net

JOBS = 340  # a minute on two cores that do nothing else


NET = make_net(1)
pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(NET.tflite())
    return path


@pytest.fixture(scope="module")
def elf(model: Path) -> Path:
    _, project = prepare(model, "native", out=model.parent / "native")
    return project.elf


def test_jobs_that_take_any_board_end_each_in_its_own_result(elf: Path, model: Path) -> None:
    found = campaign(elf, model, boards=4, at_once=8, seed=3, more=lambda number: number < JOBS)
    assert found.deviating == []
    assert found.jobs == JOBS == found.done + found.killed + found.ended_with_board
    assert found.inferences >= found.done > 0
    assert found.killed > 0
    assert found.boards_killed > 0


def test_a_board_that_computes_something_else_is_named(elf: Path, model: Path) -> None:
    other = model.parent / "other.tflite"
    other.write_bytes(NET.flipped(0, 0, 7).tflite())
    found = campaign(elf, other, boards=1, at_once=1, seed=3, more=lambda number: number < 2)
    assert [line.partition(" output")[0] for line in found.deviating] == [
        "job 0: WRONG:",
        "job 1: WRONG:",
    ]
