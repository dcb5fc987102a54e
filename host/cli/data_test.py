import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from host.cli import run
from model_gen.data.testing import RATE, write_tiny_dataset

LIKE = ["--sample-rate", str(RATE), "--chunk-duration", "0.5"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    return write_tiny_dataset(tmp_path / "data")


def test_good_data_are_told_and_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "data.json"
    assert run(["data", str(data), *LIKE, "--json", str(out)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].split()[:2] == ["down", "4/1/1"]
    assert said[3].split()[:3] == ["(no", "class)", "4/1/1"]
    payload: dict[str, Any] = json.loads(out.read_text())
    assert payload["schema"] == "nightjar/data/1"
    assert payload["findings"] == []


def test_refused_data_end_with_2_and_are_told_all_the_same(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(data / "up/a0_0.wav", data / "down/copy.wav")
    (data / "owl").mkdir()
    (data / "owl/a.m4a").write_bytes(b"x")
    assert run(["data", str(data), *LIKE, "--json", "-"]) == 2
    captured = capsys.readouterr()
    payload = json.loads(captured.out)
    rules = [finding["rule"] for finding in payload["findings"]]
    assert rules == ["ignored-class", "copies-of-classes"]
    assert "refuse copies-of-classes" in captured.err
    assert "down/copy.wav, up/a0_0.wav (2)" in captured.err
    assert "ffmpeg -i a.m4a a.flac" in captured.err
    assert run(["data", str(data), *LIKE, "--multi-label", "--json", "-"]) == 2
    rules = [finding["rule"] for finding in json.loads(capsys.readouterr().out)["findings"]]
    assert rules == ["ignored-class"]


def test_a_few_of_many_findings_are_shown_and_all_with_verbose(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rate = ["--sample-rate", str(2 * RATE)]
    assert run(["data", str(data), *rate]) == 0
    few = capsys.readouterr().out
    assert "warn low-rate, 18 times" in few
    assert "and 15 more" in few
    assert run(["data", str(data), *rate, "--verbose"]) == 0
    assert capsys.readouterr().out.count(f"({RATE}; limit {2 * RATE})") == 18


def test_groups_and_names_with_underscores(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by = ["--group_by", "/([ab])", "--test_split", "0", "--val_group", "b"]
    assert run(["data", str(data), *LIKE, *by, "--json", "-"]) == 0
    rows = json.loads(capsys.readouterr().out)["classes"]
    assert [row["recordings"] for row in rows] == [{"train": 3, "val": 3, "test": 0}] * 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--labels", "absent.csv"], "absent.csv"),
        (["--val-group", "b"], "--group-by"),
        (["--test-split", "nan"], "--test-split"),
        (["--test-split", "0.9"], "share"),
        (["--chunk-duration", "0"], "0"),
        (["--test-data", "absent"], "absent"),
    ],
)
def test_what_cannot_be_is_bad_input(
    given: list[str], said: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", str(data), *LIKE, *given, "--json", "-"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in json.loads(captured.err.splitlines()[-1])["evidence"] + captured.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--sample-rate", "1"], "a chunk must not be shorter"),
        (["--chunk-duration", "0.01"], "a chunk must not be shorter"),
        (["--chunk-duration", "1e-9"], "the nearest is 0.001"),
        (
            ["--chunk-duration", "1e9"],
            "--chunk-duration must be a number, at least 0.001, at most 60",
        ),
        (["--chunk-duration", "1e308"], "--chunk-duration"),
        (["--max-duration", "1e308"], "--max-duration"),
        (["--sample-rate", "384000"], "every mel band"),
        (["--spec-width", "4096", "--chunk-duration", "0.1"], "number of frames"),
        (["--num-mels", "300"], "mel bands"),
    ],
)
def test_a_geometry_that_training_refuses_is_refused_before_anything_is_read(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = str(tmp_path / "absent")
    told = []
    for command in (["data", absent], ["train", "--data-path-train", absent]):
        assert run([*command, *given]) == 2
        told.append(capsys.readouterr().err)
    assert said in told[0]
    assert "next step" in told[0]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["--test-data", "o", "--test-split", "0.3"], ("--test-data o", "--test-split 0.3")),
        (["--test-group", "a", "--test-split", "0"], ("--test-group a", "--test-split 0")),
        (["--test-group", "a", "--test-group", "b", "--test-data", "o"], ("a,b", "--test-data")),
        (["--val-group", "b", "--val-split", "0.1"], ("--val-group", "--val-split")),
    ],
)
def test_options_that_contradict_each_other_are_refused_by_name(
    given: list[str], names: tuple[str, str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["data", str(data)], ["train", "--data-path-train", str(data)]):
        assert run([*command, *LIKE, "--group-by", "/([ab])", *given]) == 2
        said = capsys.readouterr().err
        assert "exclude each other" in said
        assert all(name in said.partition("evidence")[2] for name in names)


def test_no_share_is_what_an_outside_test_set_implies(data: Path, tmp_path: Path) -> None:
    write_tiny_dataset(tmp_path / "o", seconds=0.7)
    given = ["--test-data", str(tmp_path / "o"), "--test-split", "0"]
    assert run(["data", str(data), *LIKE, *given]) == 0


def test_a_short_chunk_is_looked_at_with_the_fft_that_training_would_take(data: Path) -> None:
    short = ["--sample-rate", str(RATE), "--chunk-duration", "0.05"]
    assert run(["data", str(data), *short]) == 2
    geometry = ["--fft-length", "256", "--spec-width", "64", "--num-mels", "16"]
    assert run(["data", str(data), *short, *geometry]) == 0


def test_names_are_the_same_where_no_locale_says_utf8(data: Path, tmp_path: Path) -> None:
    (data / "up").rename(data / "Möwe")
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", "from host.cli import main; main()", "data", str(data), *LIKE]
    done = subprocess.run(
        [*command, "--json", str(tmp_path / "x.json")],
        env={**os.environ, **bare},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    payload = json.loads((tmp_path / "x.json").read_text())
    assert [row["name"] for row in payload["classes"]] == ["Möwe", "down"]
    assert payload["findings"] == []


def test_a_share_is_decoded_into_a_folder_of_its_own(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = ["--shard", "1/2", "--cache-dir", str(tmp_path / "windows")]
    assert run(["data", str(data), *LIKE, *shared]) == 0
    assert "of 9 recordings, share 1/2; 0 skipped" in capsys.readouterr().out
    assert len(list((tmp_path / "windows").rglob("*.pcm"))) == 9
    assert run(["data", str(data), *LIKE, *shared[:2]]) == 2
    assert "--shard and --cache-dir go together" in capsys.readouterr().err
