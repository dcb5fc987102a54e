"""Every refusal of a new run comes before a recording is opened, and leaves nothing."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.errors import BadInput
from host.installed import setup_command
from model_gen.data.testing import TINY, write_tiny_dataset
from model_gen.training.options import TrainOptions
from model_gen.training.resume import files_of
from model_gen.training.testing import refused


@pytest.fixture
def options(tmp_path: Path) -> TrainOptions:
    given: dict[str, Any] = dict(TINY)
    return TrainOptions(
        data_path_train=write_tiny_dataset(tmp_path / "data", per_class=3),
        checkpoint_path=tmp_path / "run" / "best_model.keras",
        cache_dir=tmp_path / "cache",
        **given,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"callback": "no_such_module:factory"}, ["--callback", "No module named"]),
        ({"class_activation": "softmax"}, ["softmax head needs", "Noise/", "with 0 labels"]),
        ({"group_by": "("}, ["--group-by", "regular expression"]),
        ({"group_by": "/(a)"}, ["--group-by must match the path of every recording"]),
        ({"group_by": "/(.)", "test_group": ("z",)}, ["--test-group"]),
        ({"val_split": 0.6, "test_split": 0.5}, ["share for validation"]),
        ({"labels": Path("gone.csv")}, ["gone.csv"]),
        ({"test_data": Path("gone")}, ["gone"]),
        ({"data_path_train": Path("gone")}, ["gone"]),
        ({"max_classes": 1, "data_path_train": Path("gone")}, ["gone"]),
        ({"resume": True}, ["train_state.npz", "does not exist"]),
    ],
)
def test_options(options: TrainOptions, change: dict[str, Any], words: list[str]) -> None:
    refused(replace(options, **change), *words)


@pytest.mark.parametrize("name", ["loss", "optimizer", "select", "stopping", "audio_frontend"])
def test_unknown_words(options: TrainOptions, name: str) -> None:
    change: dict[str, Any] = {name: "nonsense"}
    with pytest.raises(BadInput, match=f"--{name.replace('_', '-')} must be one of"):
        replace(options, **change)


@pytest.mark.parametrize("change", [{"num_mels": 500}, {"chunk_duration": 0.001}])
def test_geometry(options: TrainOptions, change: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="Received: "):
        replace(options, **change)


def test_copies_cannot_have_several_labels_under_a_softmax(options: TrainOptions) -> None:
    with pytest.raises(BadInput, match="--multi-label needs --class-activation sigmoid"):
        replace(options, multi_label=True, class_activation="softmax")


def _renamed(name: str) -> Callable[[Path], object]:
    return lambda data: (data / "up").rename(data / name)


def _table(text: str) -> Callable[[Path], object]:
    return lambda data: (data / "split.csv").write_text(text)


def _nested(data: Path) -> None:
    (data / "up" / "down").mkdir()
    (data / "up" / "a0_0.wav").rename(data / "up" / "down" / "a0_0.wav")


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (_renamed("train"), "split-name"),
        (_renamed("Down"), "alike"),
        (_nested, "nested"),
        (_table("path,split\nup/a0_0.wav,train\n"), "every recording a split"),
        (_table("path,split\nup/a0_0.wav,sideways\n"), "sideways"),
        (_table("path,labels\nelsewhere.wav,up\n"), "table"),
    ],
)
def test_names_and_tables(
    options: TrainOptions, spoil: Callable[[Path], object], word: str
) -> None:
    spoil(options.data_path_train)
    refused(options, word)


def test_a_recordist_on_two_sides(options: TrainOptions) -> None:
    files = sorted(options.data_path_train.rglob("*.wav"))
    parts = ("train", "val", "test")
    rows = [
        f"{path.relative_to(options.data_path_train)},{parts[number % 3]},me"
        for number, path in enumerate(files)
    ]
    table = options.data_path_train / "split.csv"
    table.write_text("\n".join(["path,split,recordist", *rows]))
    refused(options, "recordist")


def test_a_class_of_an_outside_test_set_that_training_does_not_know(
    options: TrainOptions, tmp_path: Path
) -> None:
    outside = write_tiny_dataset(tmp_path / "data" / ".outside", per_class=1)
    (outside / "up").rename(outside / "sideways")
    refused(replace(options, test_data=outside), "outside-classes", "sideways")


def test_a_softmax_with_a_table_of_two_labels(options: TrainOptions) -> None:
    data = options.data_path_train
    rows = [f"{p.relative_to(data)},up|down" for p in sorted(data.glob("up/*.wav"))]
    (data / "split.csv").write_text("\n".join(["path,labels", *rows]))
    (data / "Noise").rename(data / "left")
    refused(replace(options, class_activation="softmax"), "with 2 labels")


def test_tensorboard_that_is_not_installed(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    logs = options.checkpoint_path.parent.parent / "logs"
    refused(replace(options, tensorboard=logs), setup_command("tensorboard"))


@pytest.mark.parametrize("number", range(len(files_of(Path("x.keras")))))
@pytest.mark.parametrize("resume", [False, True])
def test_files_of_a_run_that_are_folders(options: TrainOptions, number: int, resume: bool) -> None:
    path = files_of(options.checkpoint_path)[number]
    path.mkdir(parents=True)
    change = replace(options, resume=resume, overwrite=not resume)
    refused(change, "--checkpoint-path must be a file", str(path), "it is a folder")


@pytest.mark.parametrize("resume", [False, True])
def test_places_that_cannot_be_written(options: TrainOptions, tmp_path: Path, resume: bool) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    options = replace(options, resume=resume, overwrite=not resume)
    for path in (tmp_path / "file" / "deep" / "x.keras", tmp_path / "run" / f"{'x' * 250}.keras"):
        refused(replace(options, checkpoint_path=path), "--checkpoint-path must be a file")
    for name in ("cache_dir", "tensorboard"):
        for place in ("file", "fifo", "file/below"):
            change: dict[str, Any] = {name: tmp_path / place}
            told = refused(replace(options, **change), str(tmp_path / place))
            assert f"--{name.replace('_', '-')} must be a folder" in told


@pytest.mark.parametrize("number", range(len(files_of(Path("x.keras")))))
def test_any_file_of_a_run_that_is_there(options: TrainOptions, number: int) -> None:
    path = files_of(options.checkpoint_path)[number]
    path.parent.mkdir()
    path.write_bytes(b"of a run")
    refused(options, "not overwritten", "--overwrite", str(path))
    assert path.read_bytes() == b"of a run"


def test_a_link_of_a_run_that_leads_nowhere(options: TrainOptions) -> None:
    path = options.checkpoint_path
    path.parent.mkdir()
    path.symlink_to(path.with_name("unmounted.keras"))
    refused(options, "not overwritten", str(path))
