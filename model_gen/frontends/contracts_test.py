"""What each frontend asks of the boards, and what it leaves to the network."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.frontends import FRONTENDS, frontend
from model_gen.models.build import build_model
from model_gen.runtime import tensorflow
from model_gen.training.configure import configure
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of


def _options(**given: Any) -> TrainOptions:
    return options_of("release", {"data_path_train": Path("data"), **given})


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("hybrid", {}, {"name": "hybrid", "bins": 256, "rows": 256, "compression": "sqrt"}),
        ("hybrid", {"frontend_form": "april"}, {"bins": 257, "rows": 257}),
        ("librosa", {}, {"name": "precomputed", "rows": 64, "compression": "sqrt", "spectrum": "magnitude"}),
        ("librosa", {"input_compression": "pcen"}, {"rows": 64, "compression": "pcen"}),
        ("mfcc", {}, {"name": "precomputed", "spectrum": "power", "mel_bands": 64, "rows": 20, "compression": "log"}),
        ("mfcc", {"n_mfcc": 13}, {"rows": 13, "mfcc": 13}),
        ("log_mel", {}, {"name": "precomputed", "spectrum": "magnitude", "rows": 64, "compression": "log1p"}),
        ("raw", {}, {"name": "raw", "spectrum": "none", "normalization": "peak", "rows": 1, "frames": 60000}),
    ],
)  # fmt: skip
def test_the_contract_of_each_frontend(
    name: str, given: dict[str, Any], wanted: dict[str, Any]
) -> None:
    contract = _options(audio_frontend=name, **given).contract
    assert {key: getattr(contract, key) for key in wanted} == wanted
    assert contract.mel_scale == contract.mel_norm == "slaney"


def test_the_defaults_of_both_presets_suit_every_frontend() -> None:
    for name in FRONTENDS:
        given = {"data_path_train": Path("data"), "audio_frontend": name}
        assert options_of("release", given).contract
        shorter = {"chunk_duration": 2.5} if name == "raw" else {}
        assert options_of("april", {**given, **shorter}).contract


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"audio_frontend": "raw", "chunk_duration": 3.0}, "shorter than 65,536 samples"),
        ({"audio_frontend": "raw", "spec_width": 3800}, "at least 16 samples from frame to frame"),
        ({"audio_frontend": "raw", "normalization": "minmax"}, "--normalization peak"),
        ({"audio_frontend": "raw", "warp_max": 0.1}, "--warp-max 0"),
        ({"audio_frontend": "mfcc", "mag_scale": "pwl"}, "--mag-scale none"),
        ({"audio_frontend": "log_mel", "mag_scale": "db"}, "--mag-scale none"),
        ({"audio_frontend": "mfcc", "n_mfcc": 80}, "--n-mfcc 64 or less"),
        ({"audio_frontend": "mfcc", "warp_max": 0.1}, "--warp-max 0"),
        ({"audio_frontend": "mfcc", "frontend_trainable": True}, "--frontend-trainable"),
        ({"audio_frontend": "librosa", "n_mfcc": 13}, "leaves --n-mfcc nothing to decide"),
        ({"input_compression": "pcen"}, "--audio-frontend librosa"),
        ({"audio_frontend": "librosa", "input_compression": "pcen", "mag_scale": "pcen"}, "--mag-scale none"),
        ({"audio_frontend": "librosa", "input_compression": "log", "mag_scale": "db"}, "--mag-scale none"),
        ({"mag_scale": "db", "mixed_precision": True}, "beyond float16"),
        ({"audio_frontend": "librosas"}, "Did you mean librosa"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        _options(**given)
    assert words in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize("name", FRONTENDS)
def test_a_network_takes_the_contract_s_features_of_every_frontend(name: str) -> None:
    tensorflow()
    options = _options(
        audio_frontend=name,
        sample_rate=8000,
        chunk_duration=0.5,
        fft_length=128,
        spec_width=32,
        num_mels=16,
        n_mfcc=8 if name == "mfcc" else None,
        alpha=0.25,
        depth_multiplier=0.25,
        embeddings_size=16,
    )
    config = configure(options, ("a", "b"))
    model = build_model(config)
    rows, frames = (1, 4000) if name == "raw" else (config.frontend.rows, 32)
    assert model.input_shape == (None, rows, frames, 1)
    features = np.random.default_rng(2).random((3, rows, frames)).astype(np.float32)
    frontend(name).settle(model, config, features)
    assert np.isfinite(np.asarray(model(features[..., None]))).all()
    inside = [layer for layer in model.layers if layer.name.startswith(("frontend", "pwl"))]
    assert bool(inside) == (name in ("hybrid", "raw", "librosa"))
    without = build_model(replace(config, mag_scale="none"))
    scaled = {layer.name for layer in model.layers} - {layer.name for layer in without.layers}
    assert bool(scaled) == (name in ("hybrid", "raw", "librosa"))
