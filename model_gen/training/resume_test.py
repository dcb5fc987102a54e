"""Which runs may begin, and that a refusal comes before anything is decoded."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.models.config import config_path
from model_gen.training.options import TrainOptions
from model_gen.training.resume import state_path
from model_gen.training.run import train
from model_gen.training.schedule import learning_rate
from model_gen.training.state import read_state


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> TrainOptions:
    """A run that left after the first of two epochs."""
    root = tmp_path_factory.mktemp("resume")
    tiny: dict[str, Any] = {**TINY, "epochs": 2}
    options = TrainOptions(
        data_path_train=write_tiny_dataset(root / "data", per_class=5),
        checkpoint_path=root / "run" / "best_model.keras",
        cache_dir=root / "cache",
        **tiny,
    )
    train(options, stop_after=1)
    return options


@pytest.fixture
def mine(cut: TrainOptions, tmp_path: Path) -> TrainOptions:
    """A copy of it to damage, whose cache nothing has been written to."""
    shutil.copytree(cut.data_path_train, tmp_path / "data")
    shutil.copytree(cut.checkpoint_path.parent, tmp_path / "run")
    return replace(
        cut,
        resume=True,
        data_path_train=tmp_path / "data",
        checkpoint_path=tmp_path / "run" / "best_model.keras",
        cache_dir=tmp_path / "cache",
    )


def refused(options: TrainOptions, *words: str) -> None:
    """Training is refused with those words, decodes nothing, and leaves what is there as it is."""
    folder = options.checkpoint_path.parent
    before = {p.name: p.read_bytes() for p in folder.iterdir()} if folder.exists() else {}
    with pytest.raises(BadInput) as caught:
        train(options)
    for word in words:
        assert word in str(caught.value)
    assert options.cache_dir is not None
    assert not options.cache_dir.exists()
    after = {p.name: p.read_bytes() for p in folder.iterdir()} if folder.exists() else {}
    assert after == before


def test_a_run_that_is_there_is_overwritten_on_demand_alone(mine: TrainOptions) -> None:
    anew = replace(mine, resume=False)
    refused(anew, "not overwritten", "--overwrite", "best_model.keras")
    state_path(mine.checkpoint_path).unlink()
    refused(anew, "not overwritten")
    assert len(train(replace(anew, overwrite=True)).progress.history) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learning_rate": 0.02}, ["--learning-rate 0.02, which was 0.01"]),
        ({"epochs": 1}, ["--epochs 1, which was 2"]),
        ({"epochs": 3, "alpha": 0.5}, ["--alpha 0.5, which was 0.25"]),
        ({"seed": 1, "loss": "focal"}, ["--loss focal, which was auto", "--seed 1"]),
        ({"mixed_precision": True}, ["--mixed-precision True, which was False"]),
        ({"callback": "keras.callbacks:TerminateOnNaN"}, ["--callback", "which was None"]),
    ],
)
def test_changed_options_are_refused_by_name(
    mine: TrainOptions, change: dict[str, Any], words: list[str]
) -> None:
    refused(replace(mine, **change), *words)


def test_what_does_not_decide_the_weights_may_change(mine: TrainOptions) -> None:
    whole = train(replace(mine, num_workers=1))
    assert [row.epoch for row in whole.progress.history] == [1, 2]
    assert whole.progress.finished


def test_more_epochs_go_on_at_the_rate_of_the_new_schedule(mine: TrainOptions) -> None:
    """The rates of a run of four epochs, but for the first epoch, which was the last but one of two."""
    rates = [row.learning_rate for row in train(replace(mine, epochs=4)).progress.history]
    steps = 2
    want = [
        learning_rate(
            epoch * steps + steps - 1,
            peak=0.01,
            steps_per_epoch=steps,
            epochs=total,
            warmup_epochs=warmup,
        )
        for epoch, (total, warmup) in enumerate([(2, 0), (4, 1), (4, 1), (4, 1)])
    ]
    assert rates == want
    assert read_state(state_path(mine.checkpoint_path)).head.recipe["epochs"] == 4


@pytest.mark.parametrize("what", ["changed", "gone", "new"])
def test_other_recordings_are_refused(mine: TrainOptions, what: str) -> None:
    first, second = sorted((mine.data_path_train / "up").iterdir())[:2]
    if what == "changed":
        first.write_bytes(second.read_bytes())
    elif what == "gone":
        first.unlink()
    else:
        shutil.copy(first, first.with_name("new.wav"))
    refused(mine, "recordings that the run began with")


@pytest.mark.parametrize("cut_at", [0, 100, -1])
@pytest.mark.parametrize("which", ["state", "checkpoint", "config"])
def test_damaged_files_are_named(mine: TrainOptions, which: str, cut_at: int) -> None:
    checkpoint = mine.checkpoint_path
    path = {
        "state": state_path(checkpoint),
        "checkpoint": checkpoint,
        "config": config_path(checkpoint),
    }[which]
    path.write_bytes(path.read_bytes()[:cut_at].rstrip(b"}"))
    refused(mine, "Received: ")
    path.unlink()
    refused(mine, path.name)


def test_a_configuration_of_another_model_is_refused(mine: TrainOptions) -> None:
    path = config_path(mine.checkpoint_path)
    path.write_text(path.read_text().replace('"down"', '"drown"'))
    refused(mine, path.name)


@pytest.mark.parametrize("resume", [False, True])
def test_a_place_that_cannot_be_written_is_refused(
    mine: TrainOptions, tmp_path: Path, resume: bool
) -> None:
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "folder.keras", tmp_path / "file" / "deeper" / "x.keras"):
        options = replace(mine, checkpoint_path=path, resume=resume, overwrite=not resume)
        with pytest.raises(BadInput, match="can be written"):
            train(options)
    assert not (tmp_path / "cache").exists()


def test_states_of_another_version_are_refused(mine: TrainOptions) -> None:
    np.savez(state_path(mine.checkpoint_path), progress=np.array("{}"), v0=np.zeros(3))
    refused(mine, "version")
