"""Whole runs of quantization-aware training, on a network of drawn weights and a tiny data set."""

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.data.features import Chunks
from model_gen.data.split import Assignment, to_csv
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.models.checkpoint import beside, load_checkpoint, weights_sha256
from model_gen.models.config import config_path
from model_gen.quantization.calibration import read_manifest
from model_gen.quantization.ranges import own
from model_gen.quantization.recordings import assignment_of, chunks_of
from model_gen.quantization.testing import Conversions
from model_gen.runtime import tensorflow
from model_gen.training.configure import configure
from model_gen.training.judge import Judge
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of
from model_gen.training.qat import shadow, speed
from model_gen.training.qat.judge import ConvertedJudge
from model_gen.training.qat.testing import saved, settled, windows_for
from model_gen.training.run import train
from model_gen.training.testing_tiny import ALONE, tiny


@pytest.fixture(scope="module", autouse=True)
def here() -> Iterator[None]:
    """Conversions in this process, the same weights once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own, "run_apart", Conversions())
        yield


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `nightjar train --qat` is told, beside a base model that was not trained."""
    tensorflow()
    root = tmp_path_factory.mktemp("qat")
    data = write_tiny_dataset(root / "data", per_class=4)
    small: dict[str, Any] = {**TINY, **ALONE}
    config = configure(TrainOptions(data, **small), ("down", "up"))
    model = settled(tiny(config, seed=3), windows_for(config))
    path = saved(model, config, root / "base.keras")
    paths = sorted(str(p.relative_to(data)) for p in data.rglob("*.wav"))
    split = {p: ("train", "train", "val", "train")[i % 4] for i, p in enumerate(paths)}
    beside(path, "split.csv").write_text(to_csv(Assignment(split)))
    return {
        "data_path_train": data,
        "checkpoint_path": path,
        "cache_dir": root / "cache",
        "qat": True,
        "epochs": 2,
        "batch_size": 4,
        "learning_rate": 1e-3,
        "calibration_samples": 7,
        "num_workers": 0,
    }


def moved(given: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same with a base of its own."""
    folder.mkdir(parents=True)
    base = given["checkpoint_path"]
    for path in (base, config_path(base), beside(base, "labels.txt"), beside(base, "split.csv")):
        shutil.copy(path, folder)
    return {**given, "checkpoint_path": folder / base.name}


def weights(path: Path) -> str:
    return weights_sha256(load_checkpoint(path)[0])


def test_an_interrupted_run_and_a_straight_one_end_in_the_same_weights(
    given: dict[str, Any], tmp_path: Path
) -> None:
    base = given["checkpoint_path"]
    before = base.read_bytes()
    straight = train(options_of("release", {**given, "select": "loss"}))
    cut = moved(given, tmp_path / "cut")
    train(options_of("release", {**cut, "select": "loss"}), stop_after=1)
    gone = train(options_of("release", {**cut, "select": "loss", "resume": True}))
    assert base.read_bytes() == before
    out = base.with_name("base_qat.keras")
    assert straight.checkpoint == out
    assert gone.progress.history == straight.progress.history
    assert gone.progress.best_epoch == straight.progress.best_epoch
    for name in ("base_qat_history.csv", "base_qat_calibration.csv", "base_qat_labels.txt"):
        assert (out.with_name(name)).read_bytes() == (gone.checkpoint.with_name(name)).read_bytes()
    assert weights(out) == weights(gone.checkpoint)
    assert straight.progress.best_epoch > 0  # drawn weights learn
    assert weights(out) != weights(base)
    assert [row.epoch for row in straight.progress.rows] == [0, 1, 2]
    (model, config), (old, _) = load_checkpoint(out), load_checkpoint(base)
    assert [(type(a), a.name) for a in model.layers] == [(type(b), b.name) for b in old.layers]
    for layer in (one for one in model.layers if one.name.endswith("_bn")):
        for a, b in zip(layer.get_weights(), old.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    chunks: Chunks = chunks_of(
        "train", config, assignment_of(out), given["data_path_train"], num_workers=0,
        cache_dir=given["cache_dir"],
    )  # fmt: skip
    assert len(read_manifest(beside(out, "calibration.csv"), chunks)) == 7


def test_epoch_0_stays_where_nothing_is_better(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The float model stands for the converted one, which would take the time of a conversion."""
    monkeypatch.setattr(ConvertedJudge, "logits", Judge.logits)
    told = moved(given, tmp_path / "worse")
    result = train(
        options_of("release", {**told, "epochs": 1, "learning_rate": 10.0, "select": "loss",
                               "qat_mode": "shadow", "grad_clip": 0})
    )  # fmt: skip
    assert result.progress.best_epoch == 0
    assert weights(result.checkpoint) == weights(told["checkpoint_path"])
    with result.checkpoint.with_name("base_qat_history.csv").open() as file:
        losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert losses[0] < losses[1]


def test_numbers_that_are_none_end_it_and_what_was_good_stays(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = moved(given, tmp_path / "wild")
    monkeypatch.setattr(shadow, "rounded_kernel", lambda kernel, *_: kernel * float("nan"))
    with pytest.raises(BadInput, match="finite") as caught:
        train(options_of("release", {**told, "qat_mode": "shadow"}))
    assert "epoch 1" in caught.value.evidence
    base = told["checkpoint_path"]
    assert weights(beside(base, "qat.keras")) == weights(base)
    assert len(beside(base, "qat_history.csv").read_text().splitlines()) == 2  # its head, epoch 0


def test_steps_are_measured_beside_a_float_one(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "_ROUNDS", 1)
    found = speed.costs(given["checkpoint_path"], batch_size=2, batches=1)
    assert list(found) == ["float", "shadow", "faithful"]
    assert min(found.values()) > 0


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"alpha": 0.5}, "--alpha"),
        ({"spec_augment": True}, "--spec-augment"),
        ({"select": "last"}, "--select"),
        ({"qat_bits": 4}, "--qat-bits"),
    ],
)
def test_what_counts_for_nothing_is_refused(
    given: dict[str, Any], told: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInput, match=words):
        options_of("release", {**given, **told})


@pytest.mark.parametrize(("mode", "epochs", "rate"), [("faithful", 8, 2e-5), ("shadow", 10, 1e-4)])
def test_modes_have_defaults_of_their_own(mode: str, epochs: int, rate: float) -> None:
    told = {"data_path_train": Path("d"), "qat": True, "qat_mode": mode}
    for preset in ("release", "april"):
        options = options_of(preset, told)
        assert (options.epochs, options.learning_rate) == (epochs, rate)
        assert options.placement == "random"
        assert not options.spec_augment


def test_another_class_needs_the_probe(given: dict[str, Any], tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(given["data_path_train"], data)
    (data / "up").rename(data / "sideways")
    options = options_of("release", given)
    with pytest.raises(BadInput, match="same classes") as caught:
        train(replace(options, data_path_train=data))
    assert "--linear-probe" in str(caught.value)


def test_without_a_base_there_is_nothing_to_tune(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="checkpoint"):
        train(options_of("release", {**given, "checkpoint_path": tmp_path / "none.keras"}))
    for bundle in (tmp_path, tmp_path / "model.tflite"):
        with pytest.raises(BadInput, match=r"\.keras"):
            options_of("release", {**given, "checkpoint_path": bundle})
