"""`nightjar profile` of what is no int8 model yet: options of a run, a checkpoint, and what goes with neither."""

import json
from pathlib import Path
from typing import Any

import pytest

from host.cli import main
from host.files import write_atomically
from model_gen.codegen.neural_art.testing.model import small_model
from model_gen.codegen.neural_art.testing.output import stand_in
from model_gen.codegen.neural_art.testing.written import Small
from model_gen.profile import made_up

# A model of seconds.
SMALL = (
    *("--sample-rate", 8000, "--chunk-duration", 1, "--fft-length", 256, "--spec-width", 32),
    *("--num-mels", 16, "--alpha", 0.25, "--depth-multiplier", 0.25, "--embeddings-size", 32),
)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


def profiled(path: Path, *arguments: object) -> dict[str, Any]:
    assert run("profile", *arguments, "--json", path) == 0
    found: dict[str, Any] = json.loads(path.read_text())
    assert found["schema"] == "nightjar/model-profile/1"
    return found


def test_the_options_of_a_run_are_profiled_and_analyzed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEDGEAI_CORE_DIR", str(tmp_path / "core"))
    monkeypatch.setattr(made_up, "int8_model", lambda model: small_model())
    stand_in(tmp_path / "core", Small("4.0", small_model()))
    path = tmp_path / "profile.json"
    found = profiled(path, *SMALL, "--labels-count", 7, "--stedgeai")
    assert (found["trained"], found["labels"], found["preset"]) == (False, 7, "release")
    assert found["layers"][-1]["output"] == [7]
    assert found["macs"] == sum(layer["macs"] for layer in found["layers"])
    assert found["parameters"] == sum(layer["parameters"] for layer in found["layers"])
    assert found["steps_of_unknown_cost"] == 0
    assert found["instructions"] > 10_000
    assert found["stedgeai"]["epochs"]["hardware"] == 1
    shown = capsys.readouterr().out
    assert "stem_conv" in shown
    assert "note moved: frontend_bins_last" in shown
    assert "stedgeai 4.0" in shown
    wider = profiled(path, *SMALL, "--alpha", 0.5)
    assert wider["macs"] > found["macs"]
    assert wider["labels"] == 10
    monkeypatch.setenv("STEDGEAI_CORE_DIR", str(tmp_path))
    assert run("profile", *SMALL, "--stedgeai", "--json", path) == 10


def test_a_checkpoint_is_profiled_with_its_weights(tmp_path: Path) -> None:
    from model_gen.models.build import build_model
    from model_gen.models.checkpoint import config_files, save_checkpoint
    from model_gen.runtime import tensorflow
    from model_gen.training.configure import configure
    from model_gen.training.presets import options_of

    tensorflow()
    given = dict(zip(SMALL[::2], SMALL[1::2], strict=True))
    told = {str(flag)[2:].replace("-", "_"): value for flag, value in given.items()}
    config = configure(options_of("release", {**told, "data_path_train": Path()}), ["a", "b"])
    path = tmp_path / "x.keras"
    save_checkpoint(build_model(config), path)
    for name, content in config_files(config, path).items():
        write_atomically(name, content)
    found = profiled(tmp_path / "profile.json", path)
    assert found["trained"]
    assert found["checkpoint"] == str(path)
    assert found["layers"][-1]["output"] == [2]
    path.write_bytes(path.read_bytes()[:-100])
    assert run("profile", path) == 2


def test_what_runs_on_no_board_is_held_against_no_rule_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ("--backbone", "teacher", "--alpha", 0.1, "--depth-multiplier", 0.1)
    found = profiled(tmp_path / "profile.json", *small)
    assert found["findings"] == []
    assert "runs on no board" in capsys.readouterr().out
    assert run("profile", *small, "--stedgeai") == 2
    assert "no board runs it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["x.tflite", "--alpha", "2"], "--alpha counts for nothing here"),
        (["x.keras", "--preset", "april"], "--preset counts for nothing here"),
        (["x.keras", "--coverage"], "--coverage counts for nothing here"),
        (["--loops", "3"], "--loops counts for nothing here"),
        (["--alpha", "0"], "--alpha"),
        (["--audio-frontend", "hybird"], "Did you mean hybrid"),
        (["x.keras"], "expected a checkpoint"),
    ],
)
def test_what_does_not_go_together_is_refused(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("profile", *words) == 2
    assert told in capsys.readouterr().err


def test_the_cost_table_is_of_the_engine_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "frontend", "--cost-table", "x.json") == 2
    assert "bench engine" in capsys.readouterr().err
