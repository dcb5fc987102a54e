"""For tests: a small network whose batch norms hold the statistics of windows, and its conversion."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from host.files import write_atomically
from model_gen.models.build import build_model
from model_gen.models.checkpoint import config_files, save_checkpoint
from model_gen.models.config import ModelConfig
from model_gen.quantization.ranges import own
from model_gen.quantization.ranges.own import Owned, owned_checkpoint
from model_gen.quantization.testing import run_here
from model_gen.runtime import tensorflow

Floats = npt.NDArray[np.float32]


def windows_for(config: ModelConfig, count: int = 8) -> Floats:
    """Bands and pulses that differ from window to window, of raw noise of any level."""
    rng = np.random.default_rng(1)
    rows, frames = config.frontend.rows, config.frontend.frames
    if rows == 1:
        found = rng.normal(size=(count, 1, frames)) * np.linspace(0.02, 0.3, count)[:, None, None]
        return np.clip(found, -1, 1).astype(np.float32)
    bands, pulses = rng.uniform(0, 1, (count, rows, 1)), rng.uniform(0, 1, (count, 1, frames))
    return (bands**4 * pulses).astype(np.float32)


def network(config: ModelConfig, windows: Floats) -> Any:
    """A model of drawn weights, each unlike another, biases too."""
    tensorflow()
    return settled(build_model(config, seed=3), windows)


def settled(model: Any, windows: Floats) -> Any:
    """A model whose batch norms hold the statistics of windows, its head's weights scattered."""
    rng = np.random.default_rng(7)
    for layer in model.layers:
        layer.momentum = 0.0  # of batch norms: one pass, and they hold the statistics
        if layer.name.startswith("pwl") or layer.name == "logits":
            layer.set_weights([w * rng.uniform(0.8, 1.2, w.shape) for w in layer.get_weights()])
    model(windows[..., None], training=True)
    return model


def saved(model: Any, config: ModelConfig, path: Path) -> Path:
    """The checkpoint of a model, with what lies beside it but a split."""
    save_checkpoint(model, path)
    for name, content in config_files(config, path).items():
        write_atomically(name, content)
    return path


def converted(path: Path, windows: Floats) -> Owned:
    """Its conversion in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own, "run_apart", run_here)
        return owned_checkpoint(path, windows)
