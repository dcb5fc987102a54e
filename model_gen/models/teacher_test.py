"""The teacher's size against EfficientNet-B0's, and a whole run of a narrow one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.data.testing import write_tiny_dataset
from model_gen.models.build import build_model
from model_gen.models.teacher import BANDS, Options, blocks
from model_gen.runtime import tensorflow
from model_gen.training.configure import configure
from model_gen.training.options import TrainOptions
from model_gen.training.presets import gave_way, options_of

TEACHER: dict[str, Any] = {"data_path_train": Path("data"), "backbone": "teacher"}
SMALL: dict[str, Any] = {"alpha": 0.25, "depth_multiplier": 0.25}
# EfficientNet-B0, block by block: expansion, kernel, stride, channels out.
B0 = (
    (1, 3, 1, 16),
    *((6, 3, 2, 24), (6, 3, 1, 24)),
    *((6, 5, 2, 40), (6, 5, 1, 40)),
    *((6, 3, 2, 80), (6, 3, 1, 80), (6, 3, 1, 80)),
    *((6, 5, 1, 112), (6, 5, 1, 112), (6, 5, 1, 112)),
    *((6, 5, 2, 192), (6, 5, 1, 192), (6, 5, 1, 192), (6, 5, 1, 192)),
    (6, 3, 1, 320),
)


def b0_parameters(inputs: int, embedding: int, classes: int) -> int:
    """Of EfficientNet-B0, without the moving statistics; two a channel of each batch normalization."""
    total, width = 9 * inputs * 32 + 2 * 32, 32
    for expansion, kernel, _, channels in B0:
        inner, middle = width * expansion, width // 4
        if expansion != 1:
            total += width * inner + 2 * inner
        total += kernel**2 * inner + 2 * inner
        total += inner * middle + middle + middle * inner + inner
        total += inner * channels + 2 * channels
        width = channels
    return total + width * embedding + 2 * embedding + (embedding + 1) * classes


def options(**given: Any) -> TrainOptions:
    return options_of("release", {**TEACHER, **given})


def test_the_count_is_that_of_the_published_network() -> None:
    assert b0_parameters(3, 1280, 1000) == 5_288_548  # 5.3 M (Tan and Le, 2019, table 2)


def test_blocks_and_parameters_are_those_of_b0() -> None:
    found = [(b.expansion, b.kernel, b.stride, b.channels) for b in blocks(Options())]
    assert found == list(B0)
    assert len(found) == 16
    tensorflow()
    labels = tuple(f"{i:03}" for i in range(100))
    model = build_model(configure(options(), labels), seed=1)
    trained = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert trained == pytest.approx(b0_parameters(1, 1024, 100), rel=0.05)
    assert trained == b0_parameters(1, 1024, 100) + 1  # the spectrogram's power
    assert model.input_shape == (None, 1, 144000, 1)
    assert model.get_layer("spectrogram1").output.shape == (None, 96, 511, 1)
    assert model.get_layer("pool").output.shape == (None, 1024)
    assert sum(layer.name.endswith("_se_scale") for layer in model.layers) == 16


def test_three_seconds_give_the_documented_steps() -> None:
    assert [band.step(144000) for band in BANDS[1]] == [280]
    assert [band.step(144000) for band in BANDS[2]] == [278, 280]


@pytest.mark.parametrize("mixed", [False, True])
def test_two_bands_are_two_channels_and_silence_is_finite(mixed: bool) -> None:
    tf = tensorflow()
    config = configure(options(**SMALL, teacher_bands=2, spectrogram_part="real"), ("a", "b"))
    model = build_model(config, seed=1, mixed=mixed)
    assert model.get_layer("spectrograms").output.shape == (None, 96, 511, 2)
    with tf.GradientTape() as tape:
        logits = model(np.stack([np.zeros((1, 144000, 1)), np.ones((1, 144000, 1))]), training=True)
        loss = tf.reduce_sum(logits**2)
    for value in (logits, *tape.gradient(loss, model.trainable_variables)):
        assert np.isfinite(np.asarray(value)).all()


def test_raw_48_khz_and_three_seconds_are_implied_and_told() -> None:
    made = options()
    assert (made.audio_frontend, made.sample_rate, made.chunk_duration) == ("raw", 48000, 3)
    assert (made.contract.rows, made.contract.frames) == (1, 144000)
    told = "\n".join(gave_way("release", TEACHER))
    for words in ("--audio-frontend raw", "--sample-rate 48000", "--chunk-duration 3"):
        assert words in told
    other = options(sample_rate=32000, chunk_duration=2.5)  # told: it stays, a preset's default too
    assert (other.sample_rate, other.chunk_duration) == (32000, 2.5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sample_rate": 24000}, "--sample-rate 30000 or more"),
        ({"chunk_duration": 20.0}, "leave --chunk-duration out"),
        ({"chunk_duration": 0.02}, "leave --chunk-duration out"),
        ({"audio_frontend": "hybrid"}, "needs --audio-frontend raw"),
        ({"se": True}, "leaves --se nothing to decide"),
        ({"num_mels": 40}, "leaves --num-mels nothing to decide"),
        ({"teacher_bands": 3}, "--teacher-bands must be"),
        ({"spectrogram_part": "imaginary"}, "magnitude, real"),
        ({"backbone": "dscnn", "teacher_bands": 2}, "leaves --teacher-bands nothing to decide"),
    ],
)
def test_what_it_cannot_hear_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        options(**given)


@pytest.mark.slow
def test_a_narrow_one_trains_loads_is_evaluated_and_is_not_quantized(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from model_gen.evaluation.options import EvaluateOptions
    from model_gen.evaluation.run import evaluate
    from model_gen.models.checkpoint import load_checkpoint
    from model_gen.quantization.run import QuantizeOptions, quantize
    from model_gen.training.run import train

    given = replace(
        options(**SMALL, chunk_duration=0.5, epochs=1, batch_size=8, num_workers=0),
        data_path_train=write_tiny_dataset(tmp_path / "data", per_class=5),
        checkpoint_path=tmp_path / "run" / "teacher.keras",
        cache_dir=tmp_path / "cache",
    )
    result = train(given)
    assert "low-rate" in capsys.readouterr().err  # the recordings have 8 kHz
    model, config = load_checkpoint(given.checkpoint_path)
    assert config == result.config
    power = model.get_layer("spectrogram1").magnitude_scaling
    assert float(power) != np.float32(1.23)  # it was trained
    judged = evaluate(
        EvaluateOptions(given.data_path_train, given.checkpoint_path, cache_dir=given.cache_dir)
    )
    assert judged.labels == config.labels
    assert "below the model's 48000 Hz" in capsys.readouterr().err
    with pytest.raises(BadInput, match="no board runs it"):
        quantize(QuantizeOptions(given.checkpoint_path, given.data_path_train, tmp_path / "bundle"))
    assert not (tmp_path / "bundle").exists()
