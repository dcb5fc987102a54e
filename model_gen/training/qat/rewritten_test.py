"""What is written into a calibrated graph held against the converter's own work on the same weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_gen.models.config import ModelConfig
from model_gen.quantization.ranges.own import Owned
from model_gen.training.qat.rewritten import Rewritten
from model_gen.training.qat.simulate_test import WIDE, config_of
from model_gen.training.qat.testing import Floats, converted, network, saved, windows_for


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ModelConfig, Floats, Owned, Path]:
    config = config_of("hybrid", {**WIDE, "use_attention_pooling": True})
    windows = windows_for(config)
    model = network(config, windows)
    head = model.get_layer("logits").bias
    head.assign(np.linspace(-0.5, 0.7, head.shape[0], dtype=np.float32))
    path = tmp_path_factory.mktemp("rewritten") / "m.keras"
    return model, config, windows, converted(saved(model, config, path), windows), path


def moved(model: Any, factor: float) -> None:
    """Every trainable weight of convolutions and dense layers, a little, as an epoch does."""
    rng = np.random.default_rng(5)
    for layer in model.layers:
        if not layer.name.endswith("_bn"):
            for variable in layer.trainable_variables:
                noise = rng.normal(1, factor, variable.shape).astype(np.float32)
                variable.assign(np.asarray(variable) * noise + noise * 1e-3)


def test_other_weights_are_what_the_converter_makes_of_them(
    case: tuple[Any, ModelConfig, Floats, Owned, Path],
) -> None:
    model, config, windows, owned, path = case
    rewritten = Rewritten(model, owned, windows)
    same = rewritten.of(model)
    assert same is not None
    assert (same.int8, same.calibrated) == (owned.int8, owned.calibrated)
    moved(model, 0.05)
    found = rewritten.of(model)
    assert found is not None
    wanted = converted(saved(model, config, path), windows)
    assert found.int8 != owned.int8
    assert found.int8 == wanted.int8
    assert found.calibrated == wanted.calibrated


def test_what_cannot_be_written_takes_a_conversion(
    case: tuple[Any, ModelConfig, Floats, Owned, Path],
) -> None:
    """A batch norm that is not frozen; and a bias of zeros, which the converter drops, that is not one later."""
    model, config, windows, _, path = case
    head = model.get_layer("logits").bias
    head.assign(np.zeros_like(head))
    rewritten = Rewritten(model, converted(saved(model, config, path), windows), windows)
    norm = next(layer for layer in model.layers if layer.name.endswith("_bn")).gamma
    for variable in (norm, head):
        before = np.asarray(variable)
        assert rewritten.of(model) is not None
        variable.assign(before + 0.5)
        assert rewritten.of(model) is None
        variable.assign(before)
