import importlib
import importlib.util
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.errors import BadInput
from host.installed import setup_command
from model_gen.data.testing import write_tiny_dataset
from model_gen.runtime import tensorflow
from model_gen.training.extensions import user_callbacks
from model_gen.training.options import TrainOptions
from model_gen.training.resume import state_path
from model_gen.training.run import train
from model_gen.training.state import read_state
from model_gen.training.testing_tiny import TINIEST, in_its_place

pytestmark = pytest.mark.slow

MODULE = """
import sys

import keras

seen = []

class Listener(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        seen.append((epoch, dict(logs)))

class Breaker(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise KeyError("mine")

class Stopper(keras.callbacks.Callback):
    # ends training after the batch `at`, of (epoch, batch) from 0
    at = None
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            self.model.stop_training = True

def stops_first():
    made = Stopper()
    made.at = (0, 0)
    return made

def stops_second():
    made = Stopper()
    made.at = (1, 0)
    return made

class Patient(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1

class Importer(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        import {sibling}
        seen.append({sibling}.told)

class Late(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyError("late")

class Blower(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        for v in self.model.trainable_variables:
            v.assign(v * float("nan"))

def blows():
    return [Blower(), keras.callbacks.TerminateOnNaN()]

def both():
    return [Listener(), keras.callbacks.TerminateOnNaN()]

def fails():
    raise RuntimeError("no luck")

def leaves():
    sys.exit(0)

def lambda_():
    return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: 1 / 0)

number = 5
"""


@pytest.fixture(autouse=True)
def around_a_tiny_network() -> Iterator[None]:
    with in_its_place():
        yield


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's in the present folder."""
    name = f"mine_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE.replace("{sibling}", f"{name}_too"))
    (tmp_path / f"{name}_too.py").write_text("told = 'found'\n")
    monkeypatch.chdir(tmp_path)
    return name


def tiny(tmp_path: Path, **more: Any) -> TrainOptions:
    given: dict[str, Any] = {**TINIEST, "epochs": 1, **more}
    return TrainOptions(
        data_path_train=write_tiny_dataset(tmp_path / "data", per_class=5),
        checkpoint_path=tmp_path / "run" / "best_model.keras",
        cache_dir=tmp_path / "cache",
        **given,
    )


def test_a_callback_hears_of_each_epoch_what_was_measured(module: str, tmp_path: Path) -> None:
    options = tiny(tmp_path, callback=f"{module}:both", epochs=2)
    train(options, stop_after=1)
    result = train(replace(options, resume=True))
    seen = sys.modules[module].seen
    assert [epoch for epoch, _ in seen] == [0, 1]
    for (_, logs), row in zip(seen, result.progress.history, strict=True):
        assert logs["val_ap"] == row.val_ap
        assert logs["val_loss"] == row.val_loss
        assert logs["loss"] == row.loss


def test_what_a_callback_raises_is_told_as_the_users(module: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Breaker, whose on_train_batch_end raised KeyError"):
        train(tiny(tmp_path, callback=f"{module}:Breaker"))


def test_a_module_of_the_present_folder_is_found_in_training_too(
    module: str, tmp_path: Path
) -> None:
    train(tiny(tmp_path, callback=f"{module}:Importer"))
    assert sys.modules[module].seen == ["found"]
    assert str(Path.cwd()) not in sys.path


@pytest.mark.parametrize("given_by", ["stops_second", "Patient"])
def test_a_run_that_a_callback_ends_is_unfinished_and_says_so(
    given_by: str, module: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An epoch that it ends before its last batch is not kept; what was kept goes on as a whole run."""
    options = tiny(tmp_path, callback=f"{module}:{given_by}", epochs=3)
    result = train(options)
    done = 1 if given_by == "stops_second" else 2
    assert [row.epoch for row in result.progress.history] == [*range(1, done + 1)]
    assert not result.progress.finished
    said = f"--callback {module}:{given_by} ended training: the run is unfinished, with {done} of 3"
    assert said in capsys.readouterr().err
    assert read_state(state_path(options.checkpoint_path)).head.progress == result.progress
    (tmp_path / f"{module}.py").write_text(f"import keras\n{given_by} = keras.callbacks.Callback\n")
    del sys.modules[module]
    again = train(replace(options, resume=True))
    assert again.progress.finished
    assert "unfinished" not in capsys.readouterr().err
    whole = replace(options, checkpoint_path=tmp_path / "whole" / "best_model.keras")
    assert train(whole).progress == again.progress


def test_a_callback_that_leaves_no_epoch_is_refused_and_nothing_is_written(
    module: str, tmp_path: Path
) -> None:
    options = tiny(tmp_path, callback=f"{module}:stops_first")
    with pytest.raises(BadInput, match=r"an epoch to training[^$]*ended the first epoch early"):
        train(options)
    assert not options.checkpoint_path.parent.exists()


def test_numbers_that_end_an_epoch_are_named(module: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"finite[^$]*loss nan[^$]*--learning-rate"):
        train(tiny(tmp_path, callback=f"{module}:blows", epochs=2))


@pytest.mark.parametrize(("name", "resume"), [("Breaker", False), ("Late", True)])
def test_resume_is_advised_only_where_something_was_kept(
    name: str, resume: bool, module: str, tmp_path: Path
) -> None:
    options = tiny(tmp_path, callback=f"{module}:{name}", epochs=2)
    with pytest.raises(BadInput) as caught:
        train(options)
    assert ("--resume" in caught.value.next_step) == resume
    assert state_path(options.checkpoint_path).exists() == resume


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("{}:number", "not callable"),
        ("{}:fails", "no luck"),
        ("{}:dict", "no attribute"),
        ("{}", "no colon"),
        ("{}.sub:both", "not a package"),
        ("builtins:dict", "gave dict"),
        (":both", "no colon"),
        ("gone.away:both", "No module named"),
    ],
)
def test_what_is_no_callback_is_refused(module: str, name: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        user_callbacks(name.format(module))
    assert str(Path.cwd()) not in sys.path


def test_tensorboard_is_written_and_resumed_or_its_absence_said_before_anything(
    tmp_path: Path,
) -> None:
    options = tiny(tmp_path, tensorboard=tmp_path / "logs")
    if importlib.util.find_spec("tensorboard") is None:
        with pytest.raises(BadInput, match=re.escape(setup_command("tensorboard"))):
            train(options)
        assert not (tmp_path / "cache").exists()
        return
    read: Any = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    whole = train(replace(options, epochs=2, checkpoint_path=tmp_path / "whole" / "x.keras"))
    shutil.rmtree(tmp_path / "logs")
    cut = replace(options, epochs=2)
    train(cut, stop_after=1)
    resumed = train(replace(cut, resume=True))
    assert resumed.weights_sha256 == whole.weights_sha256
    for folder, tag, name in (
        ("train", "epoch_loss", "loss"),
        ("validation", "epoch_ap", "val_ap"),
    ):
        events = read.EventAccumulator(str(tmp_path / "logs" / folder))
        events.Reload()
        found = {
            e.step: float(tensorflow().make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)
        }
        want = {row.epoch - 1: getattr(row, name) for row in resumed.progress.history}
        assert found == pytest.approx(want)


@pytest.mark.parametrize("factory", ["leaves", "lambda_"])
def test_a_callback_that_leaves_or_is_of_keras_s_own_is_told_as_the_users(
    factory: str, module: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=r"--callback|a callback must"):
        train(tiny(tmp_path, callback=f"{module}:{factory}"))
