"""Which runs may begin, and that a refusal comes before anything is decoded."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from host.files import write_atomically
from model_gen.data.testing import write_tiny_dataset
from model_gen.models.checkpoint import beside, load_checkpoint, save_checkpoint, weights_sha256
from model_gen.models.config import config_path
from model_gen.training import keeper
from model_gen.training.options import TrainOptions
from model_gen.training.resume import files_of, state_path
from model_gen.training.run import train
from model_gen.training.schedule import learning_rate
from model_gen.training.state import EpochResult, read_state, save_state
from model_gen.training.testing import refused
from model_gen.training.testing_tiny import TINIEST, in_its_place

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def around_a_tiny_network() -> Iterator[None]:
    with in_its_place():
        yield


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> TrainOptions:
    """A run that left after the first of two epochs."""
    root = tmp_path_factory.mktemp("resume")
    options = TrainOptions(
        data_path_train=write_tiny_dataset(root / "data", per_class=5),
        checkpoint_path=root / "run" / "best_model.keras",
        cache_dir=root / "cache",
        **{**TINIEST, "epochs": 2},
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
    refused(mine, "recordings that the run began with", digests=True)


def test_another_split_of_the_same_recordings_is_refused(mine: TrainOptions) -> None:
    """A table in the data folder says it, which the run began without; its recordings stay."""
    rows = beside(mine.checkpoint_path, "split.csv").read_text().splitlines()
    table = mine.data_path_train / "split.csv"
    table.write_text("\n".join([*rows[:1], *(row.replace(",val", ",train") for row in rows[2:5])]))
    refused(mine, "split.csv must give every recording a split")
    swapped = {"train": "val", "val": "train", "test": "test"}
    rows[1:] = [f"{path},{swapped[split]}" for path, split in (r.split(",") for r in rows[1:])]
    table.write_text("\n".join(rows))
    refused(mine, "recordings, labels, recordists or splits", digests=True)


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
    refused(mine, str(path), "--overwrite")
    path.unlink()
    if which != "checkpoint":  # the state of a first epoch has it
        refused(mine, path.name, "--overwrite")


def test_a_configuration_of_another_model_is_refused(mine: TrainOptions) -> None:
    path = config_path(mine.checkpoint_path)
    path.write_text(path.read_text().replace('"down"', '"drown"'))
    refused(mine, path.name, digests=True)


def _with_another_head(checkpoint: Path) -> bytes:
    """The bytes of a whole checkpoint of the same shape, as another run would leave."""
    model, _ = load_checkpoint(checkpoint)
    head = model.get_layer("logits")
    head.set_weights([weight + 1 for weight in head.get_weights()])
    other = checkpoint.with_name("other.keras")
    save_checkpoint(model, other)
    content = other.read_bytes()
    other.unlink()
    return content


def _weights(mine: TrainOptions) -> str:
    """The digest of those of the checkpoint that is there."""
    return weights_sha256(load_checkpoint(mine.checkpoint_path)[0])


def _retold(
    mine: TrainOptions, options: TrainOptions, *later: EpochResult, replaces: str = ""
) -> TrainOptions:
    """`options`, as those of the run that is there, which has `later` epochs, too, none of them better.

    Its checkpoint took the place of one with the weights `replaces`.
    """
    path = state_path(mine.checkpoint_path)
    state = read_state(path)
    history = (*state.head.progress.history, *later)
    progress = replace(state.head.progress, history=history, finished=True)
    head = replace(state.head, recipe=options.recipe(), progress=progress, replaces=replaces)
    save_state(path, head, list(state.arrays))
    return options


WORSE = EpochResult(2, 0.01, 1.0, 1.0, -1.0, -1.0, -1.0)


def test_the_checkpoint_of_another_run_is_refused(mine: TrainOptions) -> None:
    """The best epoch is not the last one, so that the state does not have its weights."""
    options = _retold(mine, replace(mine, epochs=3), WORSE)
    whole = mine.checkpoint_path.read_bytes()
    mine.checkpoint_path.write_bytes(_with_another_head(mine.checkpoint_path))
    refused(options, "best_model.keras, whose weights are not those of the run's epoch 1")
    mine.checkpoint_path.write_bytes(whole)
    assert len(train(options).progress.history) == 3


class Tuned(keras.callbacks.Callback):  # type: ignore[misc]
    """A callback that says how its run goes on, as those of tuning do."""

    goes_on = "it of itself"


def test_a_state_is_written_before_its_checkpoint_and_an_interruption_says_so(
    mine: TrainOptions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(path: Path, *given: Any) -> None:
        if path == mine.checkpoint_path:
            raise KeyboardInterrupt
        write_atomically(path, *given)

    monkeypatch.setattr(keeper, "write_atomically", write)
    for more, told in (((), "the same command with --resume"), ((Tuned(),), "it of itself")):
        with pytest.raises(KeyboardInterrupt):
            train(replace(mine, resume=False, overwrite=True), callbacks=more)
        assert f"{told} goes on\n" in capsys.readouterr().err
    assert not mine.checkpoint_path.exists()
    assert not beside(mine.checkpoint_path, "curves.png").exists()  # of the run before
    head = read_state(state_path(mine.checkpoint_path)).head
    assert head.progress.best_epoch == 1
    assert len(head.weights) == 64


@pytest.mark.parametrize("first", [False, True])
def test_a_checkpoint_that_a_killed_run_left_behind_its_state_is_written_again(
    mine: TrainOptions, first: bool
) -> None:
    """The best epoch is the last one: the state has its weights, and knows what was there before."""
    whole = mine.checkpoint_path.read_bytes()
    other = _with_another_head(mine.checkpoint_path)
    mine.checkpoint_path.write_bytes(other)
    options = _retold(mine, replace(mine, epochs=1), replaces="" if first else _weights(mine))
    if first:
        mine.checkpoint_path.unlink()
    assert train(options).weights_sha256 == _weights(mine)
    assert mine.checkpoint_path.read_bytes() == whole


def test_a_checkpoint_of_another_run_is_not_written_over_where_the_last_epoch_is_the_best(
    mine: TrainOptions,
) -> None:
    options = _retold(mine, replace(mine, epochs=1))
    before = _weights(mine)
    mine.checkpoint_path.write_bytes(_with_another_head(mine.checkpoint_path))
    refused(options, "best_model.keras, whose weights are not those of the run's epoch 1")
    _retold(mine, options, replaces=before)
    refused(options, "best_model.keras, whose weights are not those of the run's epoch 1")
    mine.checkpoint_path.unlink()
    refused(options, "best_model.keras, which does not exist", "--overwrite")


def test_a_state_knows_the_weights_that_its_checkpoint_takes_the_place_of(
    mine: TrainOptions,
) -> None:
    first = read_state(state_path(mine.checkpoint_path)).head
    assert (first.weights, first.replaces) == (_weights(mine), "")
    train(replace(mine, epochs=2))
    second = read_state(state_path(mine.checkpoint_path)).head
    if second.progress.best_epoch == 2:
        assert (second.weights, second.replaces) == (_weights(mine), first.weights)
    else:
        assert second == replace(first, progress=second.progress)


def test_a_finished_run_mends_what_is_lost_beside_its_state(mine: TrainOptions) -> None:
    options = _retold(mine, replace(mine, epochs=1))
    manifest = beside(mine.checkpoint_path, "calibration.csv")  # of training for int8 alone
    files = [path for path in files_of(mine.checkpoint_path) if path != manifest]
    whole = {path: path.read_bytes() for path in files}
    needed = {
        mine.checkpoint_path,
        config_path(mine.checkpoint_path),
        state_path(mine.checkpoint_path),
    }
    assert {*mine.checkpoint_path.parent.iterdir()} == {*files} > needed
    for path in {*files} - needed:
        path.unlink()
    assert train(options).progress.finished
    assert {path: path.read_bytes() for path in files} == whole


@pytest.mark.parametrize("stopping", ["patience", "late-patience"])
def test_more_epochs_prolong_a_run_that_patience_ended_only_where_it_counts_late(
    mine: TrainOptions, stopping: str
) -> None:
    """Of 4 epochs, late are those after the third; of 6, after the fourth."""
    few = replace(mine, epochs=4, warmup_epochs=0, patience=1, stopping=stopping)
    later = (WORSE, replace(WORSE, epoch=3), replace(WORSE, epoch=4))
    options = _retold(mine, few, *(later if stopping == "late-patience" else later[:1]))
    more = replace(options, epochs=9)
    if stopping == "late-patience":
        assert [row.epoch for row in train(more).progress.history][4:]
        return
    refused(
        more, "--epochs 9 for a run that ended after epoch 2 of 4", "--patience 1", "--overwrite"
    )
    assert len(train(options).progress.history) == 2


def test_states_of_another_version_are_refused(mine: TrainOptions) -> None:
    np.savez(state_path(mine.checkpoint_path), progress=np.array("{}"), v0=np.zeros(3))
    refused(mine, "version")
