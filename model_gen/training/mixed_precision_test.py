import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_gen.data.testing import write_tiny_dataset
from model_gen.models.checkpoint import load_checkpoint
from model_gen.quantization import convert
from model_gen.quantization.testing import run_here
from model_gen.training.options import TrainOptions
from model_gen.training.resume import state_path
from model_gen.training.run import train
from model_gen.training.testing_tiny import TINIEST, in_its_place


@pytest.mark.slow
def test_mixed_precision_keeps_float32_checkpoints(tmp_path: Path) -> None:
    """Weights and head are float32, a run that was cut has its loss scale again, and the file converts."""
    mixed = TrainOptions(
        data_path_train=write_tiny_dataset(tmp_path / "data", per_class=5),
        checkpoint_path=tmp_path / "whole" / "best_model.keras",
        cache_dir=tmp_path / "cache",
        mixed_precision=True,
        **{**TINIEST, "epochs": 2},
    )
    with in_its_place():
        whole = train(mixed)
    with zipfile.ZipFile(mixed.checkpoint_path) as archive:
        assert b"float16" not in archive.read("config.json")
    model, config = load_checkpoint(mixed.checkpoint_path)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    shape = (4, config.frontend.rows, config.frontend.frames)
    calibration = np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)
    job = convert.job_of(mixed.checkpoint_path, convert.INT8)
    assert run_here(convert.__name__, job, calibration)[4:8] == b"TFL3"
    cut = replace(mixed, checkpoint_path=tmp_path / "cut" / "best_model.keras")
    with in_its_place():
        train(cut, stop_after=1)
        assert train(replace(cut, resume=True)).weights_sha256 == whole.weights_sha256
    paths = [state_path(options.checkpoint_path) for options in (mixed, cut)]
    assert paths[0].read_bytes() == paths[1].read_bytes()
