from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.data.dataset import index_dataset, targets
from model_gen.data.reopen import recordings_of
from model_gen.data.split import from_csv, split_dataset, to_csv
from model_gen.data.testing import write_tiny_dataset
from model_gen.data.walk import Ignored


@pytest.mark.parametrize(
    ("kept", "said"),
    [("loose.wav", "no class folder"), ("Noise/a0_0.wav", "nothing but negatives")],
)
def test_all_of_a_folder_without_classes_is_refused(kept: str, said: str, tmp_path: Path) -> None:
    root = write_tiny_dataset(tmp_path / "data", per_class=1)
    dataset = index_dataset(root)
    (root / "up/a0_0.wav").rename(root / "loose.wav")
    for path in root.rglob("*.wav"):
        if path != root / kept:
            path.unlink()
    everything = split_dataset(dataset, seed=1, val_share=0.2, test_share=0.2)
    with pytest.raises(BadInput, match="expected class folders") as caught:
        recordings_of(root, dataset.labels, everything, "all")
    assert said in caught.value.evidence


def test_recordings_come_back_with_the_labels_of_their_table(tmp_path: Path) -> None:
    """Through the file that lies beside a checkpoint, without the table that training was given."""
    root = write_tiny_dataset(tmp_path / "data")
    table = tmp_path / "labels.csv"
    table.write_text(
        "path,labels\nup/a0_0.wav,up|owl\nup/b1_0.wav,\nNoise/a0_0.wav,owl\ndown/a2_1.wav,owl\n"
    )
    dataset = index_dataset(root, labels=table)
    assert dataset.labels == ("down", "owl", "up")
    assignment = split_dataset(dataset, seed=1, val_share=0.2, test_share=0.2)
    again = from_csv(to_csv(assignment), Path("split.csv"))
    found = [
        recording
        for split in ("train", "val", "test")
        for recording in recordings_of(root, dataset.labels, again, split)
    ]
    found.sort(key=lambda r: r.relative)
    assert [r.labels for r in found] == [r.labels for r in dataset.recordings]
    np.testing.assert_array_equal(
        targets(found, dataset.labels), targets(dataset.recordings, dataset.labels)
    )


def test_all_is_every_recording_of_known_classes(tmp_path: Path) -> None:
    root = write_tiny_dataset(tmp_path / "data", per_class=2)
    (root / "loose.wav").touch()
    dataset = replace(index_dataset(root), recordings=())
    everything = split_dataset(dataset, seed=1, val_share=0.2, test_share=0.2)
    (root / "up/x.m4a").touch()
    told: list[Ignored] = []
    found = recordings_of(root, ("down", "up"), everything, "all", on_ignored=told.extend)
    assert len(found) == 6
    assert [one.path for one in told] == ["loose.wav", "up/x.m4a"]
    with pytest.raises(BadInput, match="that the model knows"):
        recordings_of(root, ("up",), everything, "all")
    with pytest.raises(BadInput) as caught:
        recordings_of(root, ("down", "UP"), everything, "all")
    assert caught.value.evidence.endswith("with up. Did you mean UP?")
