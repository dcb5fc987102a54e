from pathlib import Path

import numpy as np
import pytest

from host.errors import BadInput
from model_gen.data.dataset import Recording, index_dataset, targets
from model_gen.data.testing import write_tiny_dataset


def test_labels_are_sorted_and_negative_folders_are_kept_with_all_zero_labels(
    tmp_path: Path,
) -> None:
    dataset = index_dataset(write_tiny_dataset(tmp_path / "data", per_class=2))
    assert dataset.labels == ("down", "up")
    assert dataset.counts() == {"Noise": 2, "down": 2, "up": 2}
    rows = dict(
        zip(
            (r.relative for r in dataset.recordings),
            targets(dataset.recordings, dataset.labels),
            strict=True,
        )
    )
    for relative, row in rows.items():
        want = {"Noise": [0, 0], "down": [1, 0], "up": [0, 1]}[relative.split("/")[0]]
        np.testing.assert_array_equal(row, want)


@pytest.mark.parametrize("name", ["noise", "SILENCE", "Background", "other"])
def test_each_negative_folder_is_known_in_any_case(tmp_path: Path, name: str) -> None:
    for folder in ("bird", name):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.WAV").write_bytes(b"")
    assert index_dataset(tmp_path).labels == ("bird",)


@pytest.mark.parametrize("folders", [[], ["bird"], ["noise"], ["noise", "silence"]])
def test_too_few_classes_are_refused_with_what_was_found(
    tmp_path: Path, folders: list[str]
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.flac").write_bytes(b"")
    with pytest.raises(BadInput) as caught:
        index_dataset(tmp_path)
    assert caught.value.evidence.startswith("Received: ")
    assert caught.value.next_step


def test_a_recording_is_of_its_labels_or_of_its_negative_folder() -> None:
    path = Path("x.wav")
    assert Recording(path, "wren/x.wav", "wren").kind == "wren"
    assert Recording(path, "Noise/x.wav", "Noise").kind == "Noise"
    told = Recording(path, "wren/x.wav", "wren", given=("owl", "wren"))
    assert (told.kind, told.labels, told.is_negative) == ("owl|wren", ("owl", "wren"), False)
    nothing = Recording(path, "wren/x.wav", "wren", given=())
    assert (nothing.kind, nothing.labels, nothing.is_negative) == ("", (), True)
    assert Recording(path, "x.wav", "", given=("noise",)).is_negative


@pytest.mark.parametrize(
    ("most", "want"),
    [
        (None, {"a|b": ("a", "b"), "b": ("b",), "c": ("c",), "noise": ()}),
        (1, {"a|b": ("b",), "b": ("b",), "noise": ()}),
    ],
)
def test_a_table_decides_what_the_caps_keep(
    tmp_path: Path, most: int | None, want: dict[str, tuple[str, ...]]
) -> None:
    for name in ("a|b", "b", "c", "noise"):
        (tmp_path / f"{name.replace('|', '')}.wav").write_bytes(b"")
    rows = ["ab.wav,a|b", "b.wav,b", "c.wav,c", "noise.wav,"]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["path,labels", *rows]))
    dataset = index_dataset(tmp_path, labels=table, max_classes=most)
    found = {r.relative: r.labels for r in dataset.recordings}
    assert found == {f"{name.replace('|', '')}.wav": labels for name, labels in want.items()}
    assert dataset.labels == tuple(sorted({one for labels in want.values() for one in labels}))


def test_caps_keep_the_largest_classes_and_the_noise(tmp_path: Path) -> None:
    for folder, count in (("a", 2), ("b", 5), ("c", 3), ("noise", 4)):
        (tmp_path / folder).mkdir()
        for i in range(count):
            (tmp_path / folder / f"{i}.mp3").write_bytes(b"")
    capped = index_dataset(tmp_path, max_classes=2, max_samples=3, seed=1)
    assert capped.counts() == {"b": 3, "c": 3, "noise": 3}
    assert capped == index_dataset(tmp_path, max_classes=2, max_samples=3, seed=1)
