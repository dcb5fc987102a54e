"""Networks that are right on boards have no finding; they lie beside the project, or not."""

from pathlib import Path

import numpy as np
import pytest

from model_gen.codegen.neural_art.lint import judge
from model_gen.codegen.neural_art.lint.subject import MADE_UP
from model_gen.codegen.neural_art.lint.testing import names, subject
from model_gen.codegen.neural_art.testing.shared import DATA, found, needs_data

SILICON = found("magnus_silicon/*/model.tflite")
KWS = DATA.parent / "models/mlperf_tiny_kws_int8.tflite"


@needs_data
@pytest.mark.parametrize("model", SILICON, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("dialect", ["2.2", "4.0"])
def test_nets_of_known_silicon_bytes(model: Path, dialect: str) -> None:
    path = model.parent / "2.2.0/board_inputs.npy"
    random = np.random.default_rng(4)
    drawn = random.integers(-128, 128, (3, 1, 64, 64, 3)).astype(np.int8)
    inputs = np.load(path).reshape(-1, 1, 64, 64, 3)[:3] if path.exists() else drawn
    assert names(judge(subject(model.read_bytes(), list(inputs), dialect))) == []


@pytest.mark.skipif(not KWS.exists(), reason="needs ../shared/data/models")
def test_a_keyword_net_without_inputs() -> None:
    random = np.random.default_rng(4)
    inputs = list(random.integers(-128, 128, (2, 1, 49, 10, 1)).astype(np.int8))
    assert names(judge(subject(KWS.read_bytes(), inputs, data=MADE_UP))) == []
