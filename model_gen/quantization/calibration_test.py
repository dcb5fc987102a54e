"""A manifest says all that is needed to have the calibrating windows again."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from host.bundle import load_subject
from host.reference.frontend import features
from model_gen.data.dataset import index_dataset
from model_gen.data.features import Chunks, extract
from model_gen.data.selection import Selection
from model_gen.data.testing import CONTRACT, RATE, TINY, write_clips, write_tiny_dataset
from model_gen.quantization import run
from model_gen.quantization.calibration import calibration, manifest_csv
from model_gen.quantization.ranges.own import Owned, owned_checkpoint
from model_gen.quantization.run import QuantizeOptions, quantize
from model_gen.training.options import TrainOptions
from model_gen.training.run import train

CHUNK = CONTRACT.chunk_samples


def read(data: Path, manifest: str) -> npt.NDArray[np.int16]:
    """The windows of a manifest, from the recordings themselves: int16 [rows, chunk]."""
    windows = []
    for row in csv.DictReader(io.StringIO(manifest)):
        sound, _ = soundfile.read(data / row["path"], dtype="int16")
        at = range(int(row["start_sample"]), int(row["start_sample"]) + CHUNK)
        windows.append([sound[i] if 0 <= i < len(sound) else 0 for i in at])
    return np.array(windows, np.int16)


def of(root: Path, lengths: tuple[int, ...], folders: tuple[str, ...]) -> Chunks:
    recordings = index_dataset(write_clips(root / "data", lengths, folders)).recordings
    return extract(recordings, CONTRACT, Selection(salient=2), cache_dir=root / "cache")


@pytest.mark.parametrize("folders", [("a", "b"), ("a", "b", "noise"), tuple("abcdef")])
def test_short_clips_calibrate_at_start_middle_and_end_in_turn(
    tmp_path: Path, folders: tuple[str, ...]
) -> None:
    chunks = of(tmp_path, (*range(800, 1700, 100), CHUNK, 7 * CHUNK), folders)
    chosen = calibration(chunks, 999, seed=1)
    assert sorted(chosen.owner) == sorted(chunks.owner)
    text = manifest_csv(chosen)
    np.testing.assert_array_equal(chosen.pcm(range(len(chosen))), read(tmp_path / "data", text))
    seen, turn = {folder: [0, 0, 0] for folder in folders}, 0
    for row in csv.DictReader(io.StringIO(text)):
        gap = CHUNK - soundfile.info(tmp_path / "data" / row["path"]).frames
        if gap > 0:
            assert int(row["start_sample"]) == (0, -(gap // 2), -gap)[turn % 3]
            seen[row["class"]][turn % 3] += 1
            turn += 1
    assert turn == 9 * len(folders)
    assert min(min(counts) for counts in seen.values()) >= 1, "each class at each place"


def test_the_manifest_of_a_bundle_gives_what_the_converter_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_tiny_dataset(tmp_path / "data", per_class=8, seconds=0.3)
    tiny: dict[str, Any] = {**TINY, "epochs": 6}
    cache = tmp_path / "cache"
    checkpoint = tmp_path / "model" / "m.keras"
    train(TrainOptions(data, checkpoint_path=checkpoint, cache_dir=cache, **tiny))
    given: list[npt.NDArray[np.float32]] = []

    def watched(checkpoint: Path, calibrating: npt.NDArray[np.float32], recorded: None) -> Owned:
        given.append(calibrating)
        return owned_checkpoint(checkpoint, calibrating, recorded=recorded)

    monkeypatch.setattr(run, "owned_checkpoint", watched)
    out = tmp_path / "bundle"
    quantize(QuantizeOptions(checkpoint, data, out, max_drop=1.0, cache_dir=cache))
    text = (out / "calibration.csv").read_text()
    starts = [int(row["start_sample"]) for row in csv.DictReader(io.StringIO(text))]
    gap = CHUNK - round(0.3 * RATE)
    assert starts == [(0, -(gap // 2), -gap)[turn % 3] for turn in range(len(starts))]
    contract = load_subject(out).contract
    assert contract is not None
    np.testing.assert_array_equal(given[0], features(read(data, text), contract.frontend))
