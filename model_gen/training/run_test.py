import csv
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.errors import BadInput
from model_gen.data.dataset import targets
from model_gen.data.reopen import recordings_of
from model_gen.data.split import read_split
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.models.checkpoint import load_checkpoint, weights_sha256
from model_gen.training.options import TrainOptions
from model_gen.training.run import TrainResult, train
from model_gen.training.testing_tiny import ALONE, in_its_place

pytestmark = pytest.mark.slow

# Sound as it was recorded, so that a few epochs are enough.
UNCHANGED: dict[str, Any] = {
    **{f"{name}_probability": 0.0 for name in ("noise", "rain", "hum", "click", "dc", "mixup")},
    "gain_db": 0.0,
    "warp_max": 0.0,
    "spec_augment": False,
    "placement": "fixed",
}


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], TrainOptions]:
    root = tmp_path_factory.mktemp("training")
    data = write_tiny_dataset(root / "data", per_class=5)
    for folder, name in (("up", "broken.flac"), ("down", "torn.wav"), ("Noise", "void.ogg")):
        (data / folder / name).write_bytes(b"" if name == "void.ogg" else b"RIFF, or not")

    def make(name: str) -> TrainOptions:
        given: dict[str, Any] = {
            **TINY,
            "data_path_train": data,
            "checkpoint_path": root / name / "best_model.keras",
            "cache_dir": root / "cache",
        }
        return TrainOptions(**given)

    return make


@pytest.fixture
def around_a_tiny_network() -> Iterator[None]:
    with in_its_place():
        yield


@pytest.fixture(scope="module")
def whole(options: Callable[[str], TrainOptions]) -> TrainResult:
    return train(options("whole"))


def test_a_run_leaves_everything_beside_its_checkpoint(
    options: Callable[[str], TrainOptions], whole: TrainResult
) -> None:
    folder = options("whole").checkpoint_path.parent
    assert {p.name for p in folder.iterdir()} == {
        "best_model.keras",
        "best_model_model_config.json",
        "best_model_labels.txt",
        "best_model_split.csv",
        "best_model_history.csv",
        "best_model_curves.png",
        "best_model_train_state.npz",
    }
    rows = list(csv.DictReader((folder / "best_model_history.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    model, config = load_checkpoint(folder / "best_model.keras")
    assert weights_sha256(model) == whole.weights_sha256
    assert config.labels == ("down", "up")
    assert (folder / "best_model_labels.txt").read_text() == "down\nup\n"


def test_training_learns_to_tell_the_classes_apart(
    options: Callable[[str], TrainOptions], tmp_path: Path
) -> None:
    """On more recordings than the other tests have: with a few, the last bits of a processor decide how fast."""
    plain = replace(
        options("plain"),
        data_path_train=write_tiny_dataset(tmp_path / "data", per_class=20),
        dropout=0.0,
        epochs=24,
        **UNCHANGED,
    )
    history = train(plain).progress.history
    assert history[-1].loss < 0.6 * history[0].loss


def test_unreadable_recordings_are_counted_in_every_split(whole: TrainResult) -> None:
    assert sum(whole.recordings.values()) == 15
    assert sorted(s.path for s in whole.skipped) == [
        "Noise/void.ogg",
        "down/torn.wav",
        "up/broken.flac",
    ]


def test_two_runs_and_a_resumed_one_give_the_same_bytes(
    options: Callable[[str], TrainOptions], whole: TrainResult
) -> None:
    again = train(options("again"))
    assert again.weights_sha256 == whole.weights_sha256
    cut = train(options("cut"), stop_after=1)
    assert len(cut.progress.history) == 1
    resumed = train(replace(options("cut"), resume=True))
    assert resumed.progress == whole.progress
    want = options("whole").checkpoint_path.parent
    for name in ("again", "cut"):
        for path in sorted(want.iterdir()):
            other = options(name).checkpoint_path.parent / path.name
            assert other.read_bytes() == path.read_bytes(), (name, path.name)


@pytest.mark.usefixtures("around_a_tiny_network")
@pytest.mark.parametrize(
    "parts",
    [
        {"loss": "focal", "optimizer": "sgd", "class_weights": True, "select": "roc-auc"},
        {"loss": "bce", "optimizer": "adamw", "weight_decay": 0.1, "l2": 1e-4, "select": "loss"},
        {"loss": "auto", "select": "last", "validate_every": 2, "speed_max": 0.1},
    ],
)
def test_parts_of_other_names_train_and_resume(
    options: Callable[[str], TrainOptions], parts: dict[str, Any]
) -> None:
    whole = replace(options(parts["loss"]), epochs=2, label_smoothing=0.1, **ALONE, **parts)
    want = train(whole)
    assert want.progress.history[1].loss < 2 * want.progress.history[0].loss
    cut = replace(whole, checkpoint_path=options(f"{parts['loss']}-cut").checkpoint_path)
    train(cut, stop_after=1)
    resumed = train(replace(cut, resume=True))
    assert repr(resumed.progress) == repr(want.progress)  # NaN is not NaN
    assert resumed.weights_sha256 == want.weights_sha256


def test_a_softmax_learns_one_class_each_and_takes_no_noise(
    options: Callable[[str], TrainOptions], tmp_path: Path
) -> None:
    soft = replace(options("soft"), class_activation="softmax", cache_dir=tmp_path / "cache")
    with pytest.raises(BadInput, match=r"softmax head needs[^$]*Noise/[^$]* with 0 labels"):
        train(soft)
    assert not (tmp_path / "cache").exists()
    data = write_tiny_dataset(tmp_path / "data", per_class=10)
    shutil.rmtree(data / "Noise")
    soft = replace(soft, data_path_train=data, epochs=12, dropout=0.0, select="top1")
    soft = replace(soft, **UNCHANGED)
    result = train(soft)
    assert result.config.class_activation == "softmax"
    assert min(row.loss for row in result.progress.history) < 0.5 * math.log(2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"optimizer": "sdg"},
        {"label_smoothing": 0.9},
        {"checkpoint_path": Path("x.h5")},
        {"loss": "cce"},
        {"loss": "bce", "class_activation": "softmax"},
        {"select": "map"},
        {"patience": 0},
        {"resume": True, "overwrite": True},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(wrong)).replace("_", "-")):
        TrainOptions(Path("data"), **wrong)


@pytest.mark.usefixtures("around_a_tiny_network")
def test_the_labels_of_a_table_are_trained_on_and_lie_beside_the_checkpoint(
    options: Callable[[str], TrainOptions], tmp_path: Path
) -> None:
    data = write_tiny_dataset(tmp_path / "data")
    rows = [f"{r.relative_to(data)},up|fast" for r in sorted((data / "up").iterdir())]
    (tmp_path / "labels.csv").write_text("\n".join(["path,labels", *rows]))
    told = replace(options("told"), data_path_train=data, labels=tmp_path / "labels.csv", epochs=1)
    told = replace(told, **ALONE)
    assert train(told).config.labels == ("down", "fast", "up")
    split = read_split(told.checkpoint_path.with_name("best_model_split.csv"))
    assert split.labels["up/a0_0.wav"] == ("fast", "up")
    heard = recordings_of(data, ("down", "fast", "up"), split, "val")
    assert targets(heard, ("down", "fast", "up")).tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 1]]
