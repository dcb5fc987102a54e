"""Two runs at once on one checkpoint: the second is refused before it decodes anything."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.errors import HostFailure
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.training.alone import alone_at
from model_gen.training.options import TrainOptions
from model_gen.training.run import train
from model_gen.training.testing import watched

HOLD = """
import sys
from pathlib import Path
from model_gen.training.alone import alone_at
with alone_at(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def options(tmp_path: Path) -> TrainOptions:
    given: dict[str, Any] = {**TINY, "epochs": 1}
    return TrainOptions(
        data_path_train=write_tiny_dataset(tmp_path / "data", per_class=3),
        checkpoint_path=tmp_path / "run" / "best_model.keras",
        cache_dir=tmp_path / "cache",
        **given,
    )


@pytest.fixture
def other(options: TrainOptions) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the place of the checkpoint."""
    command = [sys.executable, "-c", HOLD, str(options.checkpoint_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", [{}, {"resume": True}, {"overwrite": True}])
def test_the_second_run_is_refused_and_says_who_runs(
    options: TrainOptions, other: subprocess.Popen[str], tmp_path: Path, how: dict[str, Any]
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "run")
    before = sorted(tmp_path.rglob("*"))
    for path in (options.checkpoint_path, tmp_path / "link" / "best_model.keras"):
        with watched(options.data_path_train) as opened, pytest.raises(HostFailure) as caught:
            train(replace(options, checkpoint_path=path, **how))
        assert f"{path}, which is held by pid {other.pid}, " in caught.value.evidence
        assert not opened
        assert sorted(tmp_path.rglob("*")) == before


def test_a_run_that_was_killed_holds_nothing_and_another_checkpoint_is_free(
    options: TrainOptions, other: subprocess.Popen[str]
) -> None:
    with alone_at(options.checkpoint_path.with_name("another.keras")):
        pass
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert train(options).progress.finished
    with alone_at(options.checkpoint_path):
        pass
