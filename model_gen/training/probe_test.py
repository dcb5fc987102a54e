"""A new head on a trained backbone, which stays as it was."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from host.files import write_atomically
from model_gen.codegen.cm55.compile import compile_model
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.models.checkpoint import config_files, load_checkpoint, save_checkpoint
from model_gen.quantization.ranges import own
from model_gen.quantization.ranges.recorded import ranges_csv, read_ranges
from model_gen.quantization.testing import run_here
from model_gen.runtime import tensorflow
from model_gen.training import probe as probing_module
from model_gen.training.configure import configure
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of
from model_gen.training.probe import like
from model_gen.training.run import TrainResult, train
from model_gen.training.testing import refused
from model_gen.training.testing_tiny import ALONE, tiny


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> TrainOptions:
    """The options of a model of three other classes, and its checkpoint, of random weights."""
    tensorflow()
    root = tmp_path_factory.mktemp("probe")
    given: dict[str, Any] = {
        **TINY,
        **ALONE,
        "data_path_train": write_tiny_dataset(root / "data", per_class=5),
        "checkpoint_path": root / "run" / "x.keras",
        "cache_dir": root / "cache",
        "num_workers": 0,
    }
    options = TrainOptions(**given)
    config = configure(options, ("robin", "thrush", "wren"))
    model = tiny(config, seed=5)
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


@pytest.fixture(scope="module")
def probe(backbone: TrainOptions) -> Iterator[TrainResult]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(probing_module, "build_model", tiny)
        yield train(probing(backbone, epochs=1))


def test_the_head_alone_is_new(backbone: TrainOptions, probe: TrainResult) -> None:
    assert probe.checkpoint == backbone.checkpoint_path.with_name("x_probe.keras")
    base, _ = load_checkpoint(backbone.checkpoint_path)
    made, config = load_checkpoint(probe.checkpoint)
    assert config.labels == ("down", "up")
    assert probe.checkpoint.with_name("x_probe_labels.txt").read_text() == "down\nup\n"
    changed = set()
    for layer in base.layers:
        old = layer.get_weights()
        new = made.get_layer(layer.name).get_weights() if old else []
        if not all(np.array_equal(a, b) for a, b in zip(old, new, strict=True)):
            changed.add(layer.name)
    assert changed == {"logits"}
    refused(probing(backbone), "a run that is there is not overwritten")
    other = tiny(configure(backbone, ("robin", "thrush", "wren")), seed=6)
    before = backbone.checkpoint_path.read_bytes()
    save_checkpoint(other, backbone.checkpoint_path)
    resumed = probing(backbone, epochs=2, resume=True)
    refused(resumed, "--resume needs the recordings", digests=True)
    backbone.checkpoint_path.write_bytes(before)


def test_the_c_of_everything_before_the_head_is_equal_with_the_backbone_s_ranges(
    backbone: TrainOptions, probe: TrainResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "run_apart", run_here)
    sound = backbone.contract
    shape = (8, sound.rows, sound.frames)
    rng = np.random.default_rng(2)  # other sound for each
    sounds = [rng.uniform(0, most, shape).astype(np.float32) for most in (1.0, 0.3)]
    base = own.owned_checkpoint(backbone.checkpoint_path, sounds[0])
    recorded = read_ranges(ranges_csv(base.calibrated))
    shared = own.owned_checkpoint(probe.checkpoint, sounds[1], recorded=recorded)
    want, found = constants(base.int8), constants(shared.int8)
    assert list(found) == list(want)
    assert len(want) > 4
    head = list(want)[-1].rpartition("_")[0]
    changed = {name for name in want if found[name] != want[name]}
    assert changed == {name for name in want if name.startswith(f"{head}_")}
    assert shared.taken == len(recorded) - 1  # all but the logits


def constants(model: bytes) -> dict[str, str]:
    """Name -> the text of each constant array of an op in the generated C, in order."""
    text = "".join(compile_model(model).sources.values())
    array = r"const \w[\w ]* (nj_op\w+)\[[^;]*?\] = \{(.*?)\};"
    return dict(re.findall(array, text, re.DOTALL))


def test_its_own_epochs_and_rate_give_way_and_the_model_s_options_count_for_nothing(
    backbone: TrainOptions,
) -> None:
    made = probing(backbone)
    assert (made.epochs, made.learning_rate) == (20, 0.001)
    assert probing(backbone, epochs=3).epochs == 3
    for wrong in ({"alpha": 0.5}, {"sample_rate": 48000}, {"se": True}, {"alpha": 1.0}):
        with pytest.raises(BadInput, match="--linear-probe leaves --"):
            probing(backbone, **wrong)
    with pytest.raises(BadInput, match="leave --linear-probe out, or give --no-qat"):
        probing(backbone, qat=True)


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
