import json
import os
import re
from pathlib import Path

import pytest

from host.cli import main
from host.cli.table_options import FIRST, UNBUILT
from host.cli.train import command
from model_gen.data.testing import write_tiny_dataset
from model_gen.training.option import PARTS, flag
from model_gen.training.presets import table
from model_gen.training.testing_tiny import TINIEST, in_its_place


def _fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    return capsys.readouterr().err


def _tree(root: Path) -> list[str]:
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*"))


@pytest.mark.parametrize(
    "case", ["empty", "one class", "short chunk", "all damaged", "absent", "copies"]
)
def test_bad_input_is_explained_and_leaves_nothing(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    more: list[str] = []
    if case == "empty":
        data.mkdir()
    elif case == "one class":
        (data / "bird").mkdir(parents=True)
        (data / "bird" / "x.wav").write_bytes(b"")
    elif case == "short chunk":
        write_tiny_dataset(data, per_class=3)
        more = ["--chunk-duration", "0.01"]
    elif case == "all damaged":
        for path in write_tiny_dataset(data, per_class=3).rglob("*.wav"):
            path.write_bytes(b"")
    elif case == "copies":
        path = write_tiny_dataset(data, per_class=3) / "up/a0_0.wav"
        (data / "down/copy.wav").write_bytes(path.read_bytes())
    before = _tree(tmp_path)
    checkpoint = tmp_path / "model" / "best.keras"
    paths = ["--checkpoint_path", str(checkpoint), "--cache-dir", str(tmp_path / "cache")]
    asked = ["--data_path_train", str(data), *paths, "--json", str(tmp_path / "x.json")]
    error = _fails(["train", *asked, *more], capsys)
    report = json.loads(error.splitlines()[-1])
    assert report["class"] == "INPUT"
    assert report["evidence"].startswith("Received: ")
    assert report["next_step"]
    assert _tree(tmp_path) == before


@pytest.mark.parametrize(
    ("option", "value", "known"),
    [
        ("--audio-frontend", "pcen", "must be one of hybrid"),
        ("--audio-frontend", "precomputd", "Did you mean precomputed?"),
        ("--audio-frontend", "precomputed", "precomputed is called librosa now"),
        ("--input_compression", "pcen", "pcen is of mel bands"),
        ("--use-se", "", "--use-se is called --se now"),
        ("--use_inverted_residual", "", "is called --inverted-residual now"),
        ("--depthwise-kernel", "4", "must be 3 or 5"),
        ("--se-reduction", "4", "--no-se leaves --se-reduction nothing to decide"),
        ("--qat-bits", "4", "--no-qat leaves --qat-bits nothing to decide"),
        ("--qat-mode", "shadow", "give --qat, or leave --qat-mode out"),
        ("--stage-widths", "8,x", "for example --stage-widths 32,64,128,256"),
        ("--preset", "may", "april"),
    ],
)
def test_options_that_do_not_exist_yet_are_refused(
    option: str, value: str, known: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "--data-path-train", "x", option]
    assert known in _fails(arguments + ([value] if value else []), capsys)


@pytest.mark.parametrize("denied", ["--no-se", "--no_use_se", "--no-inverted-residual", "--no-qat"])
def test_a_switch_of_what_is_not_there_can_be_off(
    denied: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run goes on, to data that are not there."""
    missing = tmp_path / "missing"
    arguments = ["train", "--data-path-train", str(missing), denied]
    error = _fails([*arguments, "--checkpoint-path", str(tmp_path / "m.keras")], capsys)
    assert str(missing) in error
    assert ("is called --no-se now" in error) == (denied == "--no_use_se")


def test_every_option_of_the_table_is_there_once_and_every_switch_both_ways(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [name for one in command.params for name in (*one.opts, *one.secondary_opts)]
    assert len(names) == len(set(names))
    for name, one in table().items():
        assert names.count(one.flag) == 1, name
        assert (flag(f"no_{name}") in names) == (one.kind is bool), name
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "Seconds that one inference hears. Default: 2.5 or, in april, 3." in told
    assert "in the loss. Default: 0 (documented: 0.0001) or, in april, 0.0001." in told
    sections = [
        told.find(f" {title}: --") for title in (FIRST, *PARTS.values(), UNBUILT, "Options")
    ]
    assert sections == sorted(set(sections))
    assert told.index("--epochs INTEGER") < sections[1]
    assert told.index("--min-activity NUMBER") > sections[-2]


@pytest.mark.parametrize("columns", [80, 100, 400])
@pytest.mark.parametrize("name", ["data", "train", "quantize", "evaluate"])
def test_help_fits_the_page(
    name: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit):
        main([name, "--help"])
    lines = capsys.readouterr().out.splitlines()
    assert min(columns, 100) - 25 < max(map(len, lines)) <= min(columns, 100)


@pytest.mark.parametrize("name", ["data", "train", "quantize", "evaluate"])
def test_help_needs_no_heavy_import(name: str) -> None:
    import subprocess
    import sys

    code = (
        f"import sys, host.cli.{name}; sys.exit(any(m in sys.modules for m in ('keras', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("select", ["ap", "last"])
def test_a_run_that_a_callback_ended_is_said_to_be_unfinished(
    select: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ends_training.py").write_text(
        "import keras\n"
        "class Stop(keras.callbacks.Callback):\n"
        "    def on_epoch_end(self, epoch, logs=None):\n"
        "        self.model.stop_training = True\n"
    )
    given = {**TINIEST, "data_path_train": write_tiny_dataset(tmp_path / "data", per_class=3)}
    given |= {"checkpoint_path": "run/x.keras", "cache_dir": "cache", "epochs": 3}
    given |= {"select": select}
    words = [f"{flag(name)}={value}" for name, value in given.items()]
    with in_its_place(), pytest.raises(SystemExit) as caught:
        main(["train", *words, "--callback", "ends_training:Stop", "--json", "x.json"])
    told = capsys.readouterr()
    assert caught.value.code in (0, None), told.err
    assert "epoch 1 of 1 (unfinished: 3 in all)" in told.out
    assert "ended training: the run is unfinished, with 1 of 3 epochs" in told.err
    made = json.loads(Path("x.json").read_text())
    assert (made["epochs"], made["finished"]) == (1, False)
    assert ("not validated" in told.out) == (made["val_loss"] is None) == (select == "last")


def test_quiet_says_warnings_and_results_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the whole way from recordings to a judged bundle; one recording cannot be read."""
    data = write_tiny_dataset(tmp_path / "data", per_class=5)
    (data / "up" / "broken.flac").write_bytes(b"RIFF, or not")
    checkpoint, bundle = str(tmp_path / "m" / "x.keras"), str(tmp_path / "bundle")
    common = ["-q", "--cache-dir", str(tmp_path / "cache"), "--json", "-"]
    words = [f"{flag(name)}={value}" for name, value in {**TINIEST, "epochs": 1}.items()]
    lines = {
        "train": ["--data-path-train", str(data), "--checkpoint-path", checkpoint, *words],
        "quantize": [checkpoint, "--data", str(data), "--out", bundle, "--max-drop", "1"],
        "evaluate": [bundle, "--data", str(data)],
    }
    for name, given in lines.items():
        with in_its_place(), pytest.raises(SystemExit) as caught:
            main([name, *given, *common])
        told = capsys.readouterr()
        assert caught.value.code in (0, None), told.err
        assert json.loads(told.out)["schema"] == f"nightjar/{name}/1"
        for line in told.err.splitlines():
            assert re.match(r"warn |skipped up/broken|  ", line), line
        assert name != "train" or "broken.flac" in told.err


@pytest.mark.parametrize("name", ["train", "quantize", "evaluate"])
@pytest.mark.parametrize("kind", ["file", "fifo"])
def test_a_cache_folder_that_is_none_is_refused_by_its_option(
    name: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the model or the data are looked for, which are not there."""
    place, gone = tmp_path / kind, str(tmp_path / "gone")
    place.touch() if kind == "file" else os.mkfifo(place)
    given = {
        "train": ["--data-path-train", gone, "--checkpoint-path", f"{gone}.keras"],
        "quantize": [f"{gone}.keras", "--data", gone, "--out", str(tmp_path / "bundle")],
        "evaluate": [f"{gone}.keras", "--data", gone],
    }[name]
    told = _fails([name, *given, "--cache-dir", str(place)], capsys)
    assert "INPUT: --cache-dir must be a folder" in told
    assert str(place) in told


def test_missing_checkpoints_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = str(tmp_path / "gone.keras")
    out = ["--out", str(tmp_path / "bundle")]
    data = ["--data", str(tmp_path / "data")]
    assert "gone.keras" in _fails(["quantize", gone, *data, *out], capsys)
    for model in (gone, str(tmp_path / "gone")):
        assert "gone" in _fails(["evaluate", model, *data], capsys)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("command", "option", "wrong", "said"),
    [
        ("quantize", "--max-drop", "1e999", "a number, at least 0, at most 1; the nearest is 1"),
        ("quantize", "--max-drop", "nan", "a number, at least 0, at most 1"),
        ("quantize", "--vectors", "-1", "a whole number, at least 1, at most 64; the nearest is 1"),
        ("quantize", "--calibration-samples", "2.5", "a whole number, at least 1"),
        ("evaluate", "--overlap", "1", "a number, at least 0, at most 0.99; the nearest is 0.99"),
        ("evaluate", "--max-duration", "inf", "a number, at least 0"),
        ("evaluate", "--num-workers", "two", "a whole number, at least 0"),
    ],
)
def test_a_number_that_cannot_be_is_refused_with_the_nearest(
    command: str, option: str, wrong: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = _fails([command, "m", "--data", "d", option, wrong, "--json", "-"], capsys)
    report = json.loads(error)
    limits, near, nearest = said.partition("; ")
    assert report["what"] == f"{option} must be {limits}"
    assert report["evidence"] == f"Received: {wrong}{near}{nearest}"
    assert report["next_step"]
