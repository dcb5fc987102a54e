"""`generate --backend neural_art` and `inspect` of what it wrote, on the command line."""

import json
from pathlib import Path

import pytest

from host.cli import main
from model_gen.codegen.neural_art.testing.model import small_model
from model_gen.codegen.neural_art.testing.output import stand_in, write_output
from model_gen.codegen.neural_art.testing.reports import validation
from model_gen.codegen.neural_art.testing.shared import DATA, needs_data
from model_gen.codegen.neural_art.testing.written import Small, validation_c_info
from model_gen.codegen.neural_art.told import is_told


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "bird.tflite"
    path.write_bytes(small_model())
    return path


NPU = ("--backend", "neural_art")


def test_generate_drives_stedgeai_and_says_what_came_out(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in(tmp_path / "core", Small("4.0", small_model()))
    monkeypatch.setenv("STEDGEAI_CORE_DIR", str(tmp_path / "core"))
    out = tmp_path / "out"
    assert run("generate", model, *NPU, "--out", out, "--json", tmp_path / "r.json") == 0
    text = capsys.readouterr().out
    assert "1 in hardware, 0 hybrid, 1 in software" in text
    assert "1,700 cycles of the NPU" in text
    assert "sign the very .tflite" in text
    assert "board stm32n6570-dk  fits its memory map" in text
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["schema"] == "nightjar/neural-art/1"
    assert list(found["boards"]) == ["stm32n6570-dk"]
    board = ("--board", "nucleo-n657x0-q")
    assert run("generate", model, *NPU, "--out", out, *board, "--json", tmp_path / "r.json") == 0
    assert list(json.loads((tmp_path / "r.json").read_text())["boards"]) == [board[1]]
    stand_in(tmp_path / "release", Small("4.0", small_model(), controller=True))
    monkeypatch.setenv("STEDGEAI_CORE_DIR", str(tmp_path / "release"))
    assert run("generate", model, *NPU, "--out", out, "--release") == 0
    assert "release build" in capsys.readouterr().out


def test_generate_takes_a_folder_and_refuses_another_models(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_output(tmp_path / "st_ai_output", Small("2.2", small_model()))
    out = tmp_path / "out"
    assert run("generate", model, *NPU, "--from", folder, "--out", out) == 0
    assert "board nucleo-n657x0-q  fits" in capsys.readouterr().out
    assert run("verify", out, "--board", "native") == 2
    assert "not what stedgeai made of one for the NPU" in capsys.readouterr().err
    model.write_bytes(small_model(changed=True))
    assert run("generate", model, *NPU, "--from", folder, "--out", tmp_path / "other") == 15
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((*NPU, "--stream"), "--stream is for backend cm55"),
        ((*NPU, "--rounding", "tflm"), "--rounding is for backend cm55"),
        ((*NPU, "--cpu-mhz", "800"), "--cpu-mhz is for backend cm55"),
        ((*NPU, "--release", "--from", "x"), "--release is for a generation here"),
        ((*NPU, "--board", "virtual", "--from", "x"), "--board is for a generation here"),
        (("--release",), "--release is for backend neural_art"),
        (("--from", "x"), "--from is for backend neural_art"),
        ((*NPU, "--board", "virtual"), "backend neural_art is for stm32n6570-dk and nucleo"),
    ],
)
def test_options_of_another_backend_are_refused(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    said: str,
) -> None:
    assert run("generate", model, "--out", tmp_path / "out", *options) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_inspect_shows_tables_and_memory_over_time(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_output(tmp_path / "st_ai_output", Small("4.0", small_model()))
    assert run("generate", model, *NPU, "--from", folder, "--out", tmp_path / "out") == 0
    capsys.readouterr()
    for place in (folder, tmp_path / "out"):
        assert run("inspect", place) == 0
        text = capsys.readouterr().out
        assert "2 epochs: 1 hardware, 0 hybrid, 1 software; 1,700 cycles, 2 us" in text
        assert "Softmax  (a function of floats, which the core computes)" in text
        assert "npuRAM5: one column one epoch from 0, one row 64 bytes" in text
        assert "tells the same epochs and memory as network_c_info.json" in text
        assert "alive in epoch 3, the most: 512 bytes" in text
        assert "network.c: for ll_aton 1.1.3-275, dialect 4.0" in text
    (tmp_path / "out/generated/network.h").write_text("x")
    (tmp_path / "out/stedgeai.log").write_text("x")
    assert run("inspect", tmp_path / "out") == 0  # what is not listed is nobody's
    (tmp_path / "out/generated/network.c").write_text("x")
    assert run("inspect", tmp_path / "out") == 15
    capsys.readouterr()
    assert run("inspect", folder, "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "nightjar/inspect-neural-art/1"
    made = found["compilations"]["network_c_info.json"]
    assert (made["dialect"], made["cycles"]) == ("4.0", 1700)
    assert made["memory_over_time"]["alive"] == [16, 16, 272, 512, 256]
    for name in ("network_c_info.json", "network_generate_report.txt", "network.c"):
        assert run("inspect", folder / name) == 0


def test_inspect_shows_of_a_folder_that_was_written_what_was_written(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another network's c_info and network.c, put there later, are no part of it."""
    folder = write_output(tmp_path / "st_ai_output", Small("2.2", small_model()))
    out = tmp_path / "out"
    assert run("generate", model, *NPU, "--from", folder, "--out", out) == 0
    capsys.readouterr()
    assert run("inspect", out) == 0
    before = capsys.readouterr().out
    for name, other in (("network_c_info.json", "a_c_info.json"), ("network.c", "other.c")):
        (out / "generated" / other).write_bytes((folder / name).read_bytes())
    assert run("inspect", out) == 0
    assert capsys.readouterr().out == before


def test_inspect_reads_validations_and_refuses_damaged_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = Small("4.0", small_model())
    (tmp_path / "network_validate_report.txt").write_text(validation(small))
    raw = json.dumps(validation_c_info(small))
    (tmp_path / "network_c_info_valid.json").write_text(raw)
    assert run("inspect", tmp_path, "--json", tmp_path / "r.json") == 0
    text = capsys.readouterr().out
    assert "0.042 ms a sample in 2 epochs, 10 samples" in text
    assert "X-cross #1: acc n.a.  rmse 0.125  mae 0.0625  snr inf" in text
    told = json.loads((tmp_path / "r.json").read_text())["validations"]
    assert told["network_validate_report.txt"]["metrics"][0]["values"]["snr"] == "inf"
    (tmp_path / "network_c_info_valid.json").write_text(raw[:-40])
    assert run("inspect", tmp_path) == 2
    assert "network_c_info_valid.json must be JSON" in capsys.readouterr().err


@needs_data
def test_inspect_reads_every_folder_of_real_files(capsys: pytest.CaptureFixture[str]) -> None:
    folders = [folder for folder in (DATA, *DATA.rglob("*")) if folder.is_dir() and is_told(folder)]
    assert len(folders) == 18
    for folder in folders:
        assert run("inspect", folder, "--json", "-", "-q") == 0, folder
        assert json.loads(capsys.readouterr().out)["schema"] == "nightjar/inspect-neural-art/1"
