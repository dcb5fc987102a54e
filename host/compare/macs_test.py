"""Multiply-accumulates against published and hand-counted ones."""

from pathlib import Path

import numpy as np
import pytest

from host.compare.layers import read_structure
from host.compare.macs import count_macs
from host.reference.model import ReferenceModel
from model_gen.codegen.testing.families import FAMILIES
from model_gen.codegen.testing.keras_models import convert

KWS = Path(__file__).parents[2] / "../shared/data/models/mlperf_tiny_kws_int8.tflite"


def total(model: bytes) -> int:
    reference = ReferenceModel(model)
    values = reference.run([np.zeros(t.shape, t.dtype) for t in reference.inputs])
    sizes = [values[layer.tensor].nbytes for layer in read_structure(model).layers]
    return sum(count_macs(model, sizes))


@pytest.mark.skipif(not KWS.is_file(), reason="needs ../shared")
def test_a_published_model() -> None:
    assert total(KWS.read_bytes()) == 2_656_768


@pytest.mark.parametrize("name", ["temporal", "temporal_open"])
def test_dilated_layers_count_what_they_compute(name: str) -> None:
    """With an open batch, the file has one image where the convolution of a dilated layer computes several."""
    blocks = 4 * (3 * 12 * 12 + 12 * 12)
    assert total(convert(FAMILIES[name])) == 48 * (10 * 12 + blocks) + 12 * 4
