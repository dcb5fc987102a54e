import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.errors import BadInput
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.training.extensions import extensions_of, user_callbacks
from model_gen.training.options import TrainOptions
from model_gen.training.run import train

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


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's in the present folder."""
    name = f"mine_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return name


def tiny(tmp_path: Path, **more: Any) -> TrainOptions:
    given: dict[str, Any] = {**TINY, "epochs": 1, **more}
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


def test_tensorboard_is_written_or_its_absence_said_before_anything(tmp_path: Path) -> None:
    options = tiny(tmp_path, tensorboard=tmp_path / "logs")
    if importlib.util.find_spec("tensorboard") is None:
        with pytest.raises(BadInput, match=r"nightjar\[tensorboard\]"):
            train(options)
        assert not (tmp_path / "cache").exists()
        return
    train(options)
    assert list((tmp_path / "logs").rglob("events.*"))
    assert extensions_of(options)


@pytest.mark.parametrize("factory", ["leaves", "lambda_"])
def test_a_callback_that_leaves_or_is_of_keras_s_own_is_told_as_the_users(
    factory: str, module: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=r"--callback|a callback must"):
        train(tiny(tmp_path, callback=f"{module}:{factory}"))
