"""Whole runs of quantization-aware training, on a network of drawn weights and a tiny data set."""

import csv
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.data.features import Chunks
from model_gen.data.split import Assignment, to_csv
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.models.checkpoint import beside, load_checkpoint, weights_sha256
from model_gen.models.config import config_path, load_config
from model_gen.quantization.calibration import calibration_features, read_manifest
from model_gen.quantization.ranges import own
from model_gen.quantization.ranges.own import Endless
from model_gen.quantization.recordings import assignment_of, chunks_of
from model_gen.quantization.run import QuantizeOptions, quantize
from model_gen.quantization.testing import Conversions
from model_gen.runtime import tensorflow
from model_gen.training.configure import configure
from model_gen.training.judge import Judge, NotFinite
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of
from model_gen.training.qat import faithful, shadow, speed
from model_gen.training.qat.agreement import by_layer, differing_kernels
from model_gen.training.qat.gain import Gain
from model_gen.training.qat.judge import ConvertedJudge
from model_gen.training.qat.run import check_base, check_classes, check_finite
from model_gen.training.qat.simulate import Simulation
from model_gen.training.qat.testing import saved, settled, windows_for
from model_gen.training.resume import state_path
from model_gen.training.run import train
from model_gen.training.testing_tiny import ALONE, tiny


@pytest.fixture(scope="module", autouse=True)
def conversions() -> Iterator[Conversions]:
    """Conversions in this process, the same weights once."""
    made = Conversions()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own, "run_apart", made)
        yield made


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
    given: dict[str, Any],
    tmp_path: Path,
    conversions: Conversions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And what is quantized of them is what was judged, of the same weights and windows."""
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

    def as_judged(module: str, job: dict[str, Any], features: Any) -> bytes:
        assert conversions.key(module, job, features) in conversions.made  # nothing else is made
        raise BadInput("enough")

    monkeypatch.setattr(own, "run_apart", as_judged)
    with pytest.raises(BadInput, match="enough"):
        quantize(QuantizeOptions(out, given["data_path_train"], tmp_path / "bundle",
                                 cache_dir=given["cache_dir"], num_workers=0))  # fmt: skip


def test_shadow_training_too_ends_in_the_same_weights_where_it_was_interrupted(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last epoch's weights and the optimizer's state with them, which are not the kept ones where another is best.

    The float model stands for the converted one, which would take the time of a conversion an epoch.
    """
    monkeypatch.setattr(ConvertedJudge, "logits", Judge.logits)
    told = {**given, "qat_mode": "shadow", "select": "loss"}
    whole, cut = (moved(told, tmp_path / name) for name in ("whole", "cut"))
    straight = train(options_of("release", whole))
    train(options_of("release", cut), stop_after=1)
    gone = train(options_of("release", {**cut, "resume": True}))
    assert gone.progress.history == straight.progress.history
    assert weights(gone.checkpoint) == weights(straight.checkpoint)
    assert straight.progress.best_epoch > 0
    states = [np.load(state_path(one.checkpoint), allow_pickle=False) for one in (straight, gone)]
    held, other = ({name: state[name] for name in state.files} for state in states)
    arrays = [name for name, value in held.items() if value.dtype == np.float32]
    assert len(arrays) > 10
    for name in arrays:
        np.testing.assert_array_equal(held[name], other[name])


def test_a_softmax_head_is_trained_and_quantized_as_it_was_simulated(
    given: dict[str, Any], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    ignored = shutil.ignore_patterns("Noise")  # no class, of which a softmax head says nothing
    shutil.copytree(given["data_path_train"], data, ignore=ignored)
    told = {**moved(given, tmp_path / "softmax"), "data_path_train": data}
    base = told["checkpoint_path"]
    model, config = load_checkpoint(base)
    saved(model, replace(config, class_activation="softmax"), base)
    split = {p: part for p, part in assignment_of(base).items() if not p.startswith("Noise")}
    beside(base, "split.csv").write_text(to_csv(Assignment(split)))
    out = train(options_of("release", {**told, "epochs": 1, "select": "loss"})).checkpoint
    trained, kept = load_checkpoint(out)
    assert kept.class_activation == "softmax"
    assert weights(out) != weights(base)
    cache = given["cache_dir"]
    bundle = tmp_path / "bundle"
    quantize(QuantizeOptions(out, data, bundle, cache_dir=cache, num_workers=0))
    chunks = chunks_of("train", kept, assignment_of(out), data, num_workers=0, cache_dir=cache)
    features = calibration_features(read_manifest(beside(out, "calibration.csv"), chunks))
    owned = own.owned_checkpoint(out, features)
    assert (bundle / "model.tflite").read_bytes() == owned.int8
    simulation = Simulation(trained, owned)
    assert differing_kernels(simulation, owned) == []
    found = by_layer(simulation, owned, features[:4])
    assert found.far <= 0.001 * found.values, found


def test_a_softmax_head_refuses_recordings_of_no_class_as_a_float_training_does(
    given: dict[str, Any], tmp_path: Path
) -> None:
    """Their loss would be none, and what it is blamed on would be the learning rate."""
    told = moved(given, tmp_path / "noisy")
    base = told["checkpoint_path"]
    model, config = load_checkpoint(base)
    saved(model, replace(config, class_activation="softmax"), base)
    with pytest.raises(BadInput, match="exactly one class, and no noise") as refused:
        train(options_of("release", told))
    assert "Received: Noise" in refused.value.evidence
    assert not list(base.parent.glob("*_qat*"))


def test_epoch_0_stays_where_nothing_is_better(
    given: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The float model stands for the converted one, which would take the time of a conversion."""
    monkeypatch.setattr(ConvertedJudge, "logits", Judge.logits)
    told = moved(given, tmp_path / "worse")
    result = train(
        options_of("release", {**told, "epochs": 1, "learning_rate": 10.0, "select": "loss",
                               "qat_mode": "shadow", "grad_clip": 0})
    )  # fmt: skip
    assert result.progress.best_epoch == 0
    assert "epoch 0: validation loss" in capsys.readouterr().err
    assert weights(result.checkpoint) == weights(told["checkpoint_path"])
    with result.checkpoint.with_name("base_qat_history.csv").open() as file:
        losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
    assert losses[0] < losses[1]


def test_an_epoch_that_is_better_by_chance_is_not_kept(
    given: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Drawn weights learn, so its loss is lower; whether it is surely so is said for it here."""
    monkeypatch.setattr(ConvertedJudge, "logits", Judge.logits)
    monkeypatch.setattr(Gain, "is_sure", lambda self, now: False)
    told = moved(given, tmp_path / "chance")
    result = train(
        options_of("release", {**told, "epochs": 1, "select": "loss", "qat_mode": "shadow"})
    )
    before, after = result.progress.rows
    assert after.val_loss < before.val_loss
    assert result.progress.best_epoch == 0
    assert "not surely better than epoch 0" in capsys.readouterr().err
    assert weights(result.checkpoint) == weights(told["checkpoint_path"])


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


def test_a_faithful_loss_that_is_none_ends_it_before_anything_is_converted(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = moved(given, tmp_path / "wild")
    monkeypatch.setattr(faithful, "staying", lambda *_: float("nan"))
    with pytest.raises(NotFinite) as caught:
        train(options_of("release", told))
    base = told["checkpoint_path"]
    kept = beside(base, "qat.keras")
    assert "epoch 1: loss nan" in caught.value.evidence
    assert f"{kept} is the best epoch before" in caught.value.evidence
    assert "--overwrite" in caught.value.next_step
    assert weights(kept) == weights(base)


def test_weights_that_are_finite_and_compute_what_is_not_are_not_converted() -> None:
    class Endlessly:
        def of(self, model: Any) -> Any:
            raise Endless("no range")

    network: Any = SimpleNamespace(get_weights=lambda: [np.ones(2)], output_shape=(None, 3))
    judge = ConvertedJudge.__new__(ConvertedJudge)
    judge._conversion = Endlessly()  # type: ignore[assignment]
    found = judge.logits(network, [1, 2])  # type: ignore[arg-type]
    assert found.shape == (2, 3)
    assert np.isnan(found).all()


def test_a_base_that_computes_no_numbers_is_refused(given: dict[str, Any], tmp_path: Path) -> None:
    base = given["checkpoint_path"]
    model, config = load_checkpoint(base)
    check_finite(model, base)
    head = model.get_layer("logits")
    head.kernel.assign(head.kernel * 1e38 * 1e3)
    with pytest.raises(BadInput, match="finite") as caught:
        check_finite(model, base)
    assert f"{base}, whose logits/kernel" in caught.value.evidence
    for layer in (one for one in model.layers if one.name.endswith("_pw")):
        layer.set_weights([np.full_like(w, 1e30) for w in layer.get_weights()])
    path = saved(model, config, tmp_path / "m.keras")
    with pytest.raises(Endless, match="finite numbers") as caught:
        own.owned_checkpoint(path, windows_for(config))
    assert "the range" in caught.value.evidence


def test_another_base_is_not_gone_on_with(given: dict[str, Any]) -> None:
    base = given["checkpoint_path"]
    model, _ = load_checkpoint(base)
    for data, fits in ((f"{weights_sha256(model)} recordings", True), ("other recordings", False)):
        state: Any = SimpleNamespace(head=SimpleNamespace(data=data), path=Path("state.npz"))
        with nullcontext() if fits else pytest.raises(BadInput, match="the model that the run"):
            check_base(state, model, base)


def test_steps_are_measured_beside_a_float_one(given: dict[str, Any]) -> None:
    found = speed.costs(given["checkpoint_path"], batch_size=2, rounds=1)
    assert list(found) == ["float", "shadow", "faithful"]
    assert min(found.values()) > 0


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"alpha": 0.5}, "--alpha"),
        ({"spec_augment": True}, "--spec-augment"),
        ({"select": "last"}, "--select"),
        ({"qat_bits": 4}, "--qat-bits"),
        ({"noise_bank": Path("noise")}, "--noise-bank"),
        ({"test_split": 0.5}, "--test-split"),
        ({"group_by": "x(.)", "test_group": ("y",)}, "--group-by"),
        ({"qat": False}, "--calibration-samples"),
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


def test_classes_that_the_base_left_out_are_told(given: dict[str, Any], tmp_path: Path) -> None:
    data, base = tmp_path / "data", given["checkpoint_path"]
    shutil.copytree(given["data_path_train"], data)
    (data / "wren").mkdir()
    shutil.copy(next((data / "up").iterdir()), data / "wren" / "one.wav")
    told = {**given, "data_path_train": data}
    config, assignment = load_config(base), assignment_of(base)
    check_classes(options_of("release", {**told, "max_classes": 2}), config, assignment)
    with pytest.raises(BadInput, match="same classes") as caught:
        check_classes(options_of("release", told), config, assignment)
    assert "--max-classes" in caught.value.next_step


def test_without_a_base_there_is_nothing_to_tune(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="checkpoint"):
        train(options_of("release", {**given, "checkpoint_path": tmp_path / "none.keras"}))
    for bundle in (tmp_path, tmp_path / "model.tflite"):
        with pytest.raises(BadInput, match=r"\.keras"):
            options_of("release", {**given, "checkpoint_path": bundle})
