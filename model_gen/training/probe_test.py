"""A new head on a trained backbone, which stays as it was."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.files import write_atomically
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.models.build import build_model
from model_gen.models.checkpoint import config_files, load_checkpoint, save_checkpoint
from model_gen.runtime import tensorflow
from model_gen.training.configure import configure
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of
from model_gen.training.probe import like
from model_gen.training.run import train
from model_gen.training.testing import refused


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> TrainOptions:
    """The options of a model of three other classes, and its checkpoint, of random weights."""
    tensorflow()
    root = tmp_path_factory.mktemp("probe")
    given: dict[str, Any] = {
        **TINY,
        "depth_multiplier": 0.25,
        "data_path_train": write_tiny_dataset(root / "data", per_class=5),
        "checkpoint_path": root / "run" / "x.keras",
        "cache_dir": root / "cache",
        "num_workers": 0,
    }
    options = TrainOptions(**given)
    config = configure(options, ("robin", "thrush", "wren"))
    model = build_model(config, seed=5)
    rng = np.random.default_rng(5)
    model.set_weights([w + rng.uniform(0, 0.1, w.shape) for w in model.get_weights()])
    options.checkpoint_path.parent.mkdir()
    save_checkpoint(model, options.checkpoint_path)
    for path, content in config_files(config, options.checkpoint_path).items():
        write_atomically(path, content)
    return options


def probing(of: TrainOptions, **given: Any) -> TrainOptions:
    """What the command line makes of it: nothing is told of the model."""
    kept = ("data_path_train", "checkpoint_path", "cache_dir", "num_workers", "batch_size")
    told = {name: getattr(of, name) for name in kept}
    return options_of("release", {**told, "linear_probe": True, "select": "ap", **given})


def test_the_head_alone_is_new_and_a_cut_run_goes_on(backbone: TrainOptions) -> None:
    before = backbone.checkpoint_path.read_bytes()
    result = train(probing(backbone, epochs=2))
    assert result.checkpoint == backbone.checkpoint_path.with_name("x_probe.keras")
    assert backbone.checkpoint_path.read_bytes() == before
    base, _ = load_checkpoint(backbone.checkpoint_path)
    probe, config = load_checkpoint(result.checkpoint)
    assert config.labels == ("down", "up")
    assert result.checkpoint.with_name("x_probe_labels.txt").read_text() == "down\nup\n"
    changed = set()
    for layer in base.layers:
        new = probe.get_layer(layer.name).get_weights() if layer.get_weights() else []
        pairs = zip(layer.get_weights(), new, strict=True)
        if not all(np.array_equal(a, b) for a, b in pairs):
            changed.add(layer.name)
    assert changed == {"logits"}
    assert len(changed | {one.name for one in probe.layers}) == len(probe.layers)
    refused(probing(backbone, epochs=2), "a run that is there is not overwritten")
    again = probing(backbone, epochs=2, overwrite=True)
    train(again, stop_after=1)
    resumed = train(replace(again, overwrite=False, resume=True))
    assert resumed.weights_sha256 == result.weights_sha256


def test_its_own_epochs_and_rate_give_way_and_the_model_s_options_count_for_nothing(
    backbone: TrainOptions,
) -> None:
    made = probing(backbone)
    assert (made.epochs, made.learning_rate) == (20, 0.001)
    assert probing(backbone, epochs=3).epochs == 3
    for wrong in ({"alpha": 0.5}, {"sample_rate": 48000}, {"se": True}):
        with pytest.raises(BadInput, match="--linear-probe leaves --"):
            probing(backbone, **wrong)


def test_options_come_back_from_the_configuration(backbone: TrainOptions) -> None:
    for given in (
        {},
        {"audio_frontend": "raw", "spec_width": 16},
        {"audio_frontend": "mfcc", "n_mfcc": 8, "num_mels": 16},
        {"preset": "april", "audio_frontend": "librosa"},
    ):
        told = {**TINY, "data_path_train": Path("data"), **given}
        options = options_of(str(told.pop("preset", "release")), told)
        config = configure(options, ("a", "b"))
        again = like(TrainOptions(Path("data"), dropout=options.dropout), config)
        assert configure(again, ("a", "b")) == config


def test_without_a_model_there_is_nothing_to_probe(backbone: TrainOptions, tmp_path: Path) -> None:
    nowhere = probing(backbone, checkpoint_path=tmp_path / "run" / "y.keras")
    refused(nowhere, "y.keras", "nightjar train")
