import json
from pathlib import Path

import pytest

from host.cli import main
from model_gen.data.testing import write_tiny_dataset


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
        ("--audio-frontend", "pcen", "hybrid"),
        ("--mag-scale", "db", "pwl"),
        ("--input-compression", "log", "sqrt"),
        ("--qat", "", "No such option"),
    ],
)
def test_options_that_do_not_exist_yet_are_refused(
    option: str, value: str, known: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "--data-path-train", "x", option]
    assert known in _fails(arguments + ([value] if value else []), capsys)


@pytest.mark.parametrize("name", ["train", "quantize", "evaluate"])
def test_help_needs_no_heavy_import(name: str) -> None:
    import subprocess
    import sys

    code = (
        f"import sys, host.cli.{name}; sys.exit(any(m in sys.modules for m in ('keras', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_missing_checkpoints_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = str(tmp_path / "gone.keras")
    out = ["--out", str(tmp_path / "bundle")]
    assert "gone.keras" in _fails(["quantize", gone, "--data", str(tmp_path), *out], capsys)
    assert "gone" in _fails(["evaluate", gone, "--data", str(tmp_path)], capsys)
    assert not (tmp_path / "bundle").exists()
