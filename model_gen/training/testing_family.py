"""For tests: a member of the family, trained for some steps, as a bundle."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.reference.frontend import features
from model_gen.codegen.testing.bundle import write_bundle_of
from model_gen.frontends import frontend
from model_gen.models.build import build_model
from model_gen.models.checkpoint import config_files, save_checkpoint
from model_gen.quantization import convert
from model_gen.quantization.calibration import of_both_signs
from model_gen.quantization.int8 import Int8Model, require_range
from model_gen.quantization.testing import run_here
from model_gen.runtime import tensorflow
from model_gen.training.configure import configure
from model_gen.training.losses import loss_of
from model_gen.training.presets import options_of

LABELS = ("down", "hiss", "up")
COEFFICIENTS = 8  # of mfcc
SMALL: dict[str, Any] = {
    "data_path_train": Path("data"),
    "sample_rate": 8000,
    "chunk_duration": 0.5,
    "fft_length": 256,
    "spec_width": 32,
    "num_mels": 32,
    "alpha": 0.25,
    "stage_repeats": (1, 2, 1, 1),
    "embeddings_size": 16,
}
STEPS, BATCH = 3, 12


def small(told: dict[str, Any]) -> dict[str, Any]:
    """What is told, of a small member: 8 kHz, 32 frames."""
    of_mfcc = {"n_mfcc": COEFFICIENTS} if told.get("audio_frontend") == "mfcc" else {}
    return {**SMALL, **of_mfcc, **told}


def sounds(samples: int, rate: int) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    """BATCH windows of chirps down, noise and chirps up in turn, and what they are: float32 [BATCH, 3]."""
    rng = np.random.default_rng(3)
    time = np.arange(samples) / rate
    kinds = np.arange(BATCH) % 3
    rows = []
    for kind in kinds:
        start, slope = (2800 - 1500 * kind + rng.uniform(-200, 200)), 1500 * (kind - 1)
        tone = 8000 * (kind != 1) * np.sin(2 * np.pi * (start + slope * time) * time)
        rows.append(tone + rng.normal(0, 900, samples))
    return np.stack(rows).astype(np.int16), np.eye(3, dtype=np.float32)[kinds]


def write_member(path: Path, preset: str, told: dict[str, Any]) -> Path:
    """Train, convert by the project's converter, and write a bundle to `path`."""
    tf = tensorflow()
    from model_gen.training.optimizers import optimizer_of
    from model_gen.training.steps import Supervised

    options = options_of(preset, small(told))
    config = configure(options, LABELS)
    pcm, wanted = sounds(options.contract.chunk_samples, options.sample_rate)
    x = features(pcm, options.contract)
    model = build_model(config, seed=1)
    frontend(config.audio_frontend).settle(model, config, x)
    learner = Supervised(model, loss_of(options, len(LABELS)), None, options.l2)
    learner.compile(optimizer=optimizer_of(options, model.trainable_variables), run_eagerly=True)
    for _ in range(STEPS):
        learner.train_on_batch(tf.constant(x[..., None]), {"targets": wanted})
    checkpoint = path.with_suffix(".keras")
    save_checkpoint(model, checkpoint)
    for file, content in config_files(config, checkpoint).items():
        file.write_bytes(content)
    given = of_both_signs(x, config.frontend)
    tflite = run_here(convert.__name__, convert.job_of(checkpoint, convert.INT8), given)
    require_range(Int8Model(tflite).input, config.frontend)
    return write_bundle_of(path, tflite, config.frontend, pcm[:2], LABELS)
