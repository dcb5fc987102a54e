"""`generate`, `build` and `inspect` on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from host.cli import main
from host.files import sha256_file
from host.project import DESCRIPTION, load_project
from model_gen.codegen.cm55.ops import RULES
from model_gen.codegen.testing import keras_models
from model_gen.codegen.testing.models import builder
from model_gen.codegen.testing.single_ops import q


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "res.tflite"
    path.write_bytes(keras_models.quantized("res"))
    return path


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


def test_generate_then_build(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "firmware"
    assert run("generate", model, "--board", "native", "--out", out, "--json", "-") == 0
    generated = json.loads(capsys.readouterr().out)
    assert generated["schema"] == "nightjar/generate/1"
    assert generated["model_sha256"] == sha256_file(model)
    assert run("build", out, "--json", tmp_path / "build.json") == 0
    built = json.loads((tmp_path / "build.json").read_text())
    assert built["elf_sha256"] == sha256_file(Path(built["elf"]))
    assert built["footprint"]["arena"] == generated["arena_bytes"]
    assert "flash" in capsys.readouterr().out
    # The same model again: nothing is generated or built anew.
    before = Path(built["elf"]).stat().st_mtime_ns
    assert run("build", model, "--board", "native", "--out", out) == 0
    assert Path(built["elf"]).stat().st_mtime_ns == before
    # It is for speed, and nobody is told that it is for something else.
    capsys.readouterr()
    assert run("verify", model, "--board", "native", "--project", out, "--optimize", "flash") == 2
    assert "--optimize flash, a project for speed" in capsys.readouterr().err
    assert run("build", out, "--optimize", "flash") == 2
    assert "--optimize flash for the project" in capsys.readouterr().err


def test_a_project_says_that_it_is_for_flash(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("speed", "flash"):
        out = tmp_path / name
        assert run("generate", model, "--board", "native", "--out", out, "--optimize", name) == 0
        assert load_project(out).description.optimize == name
        assert ("optimize" in json.loads((out / DESCRIPTION).read_text())) is (name == "flash")
    capsys.readouterr()
    npu = ("--backend", "neural_art", "--optimize", "flash")
    assert run("generate", model, "--out", tmp_path / "npu", *npu) == 2
    assert "--optimize is for backend cm55" in capsys.readouterr().err


def test_a_project_is_built_where_it_is(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("generate", model, "--board", "native", "--out", tmp_path / "p") == 0
    assert run("build", tmp_path / "p", "--board", "virtual") == 2
    assert "built in its own folder" in capsys.readouterr().err


def test_inspect_shows_ops_and_arena(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", model) == 0
    text = capsys.readouterr().out
    assert "nj_conv_2d_packed_s8" in text
    assert "folded" in text
    assert "arena: one column a step" in text
    assert run("inspect", model, "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "nightjar/inspect/1"
    assert found["contract"] is None
    first = found["ops"][0]
    assert (first["name"], first["macs"]) == ("CONV_2D", 12 * 12 * 8 * 3 * 3 * 3)
    assert found["arena_bytes"] >= found["peak_bytes"] > 0


@pytest.mark.parametrize("command", ["generate", "build", "inspect"])
def test_bad_input_is_refused_with_nothing_written(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3" + b"\xff" * 100)
    out = [] if command == "inspect" else ["--out", tmp_path / "p"]
    assert run(command, tmp_path / "x.tflite", *out, "--json", tmp_path / "r.json") == 2
    error = json.loads(capsys.readouterr().err)
    assert error["class"] == "INPUT"
    assert error["evidence"].startswith("Received")
    assert [path.name for path in tmp_path.iterdir()] == ["x.tflite"]


@pytest.mark.parametrize("command", ["generate", "build"])
def test_a_bare_model_does_not_stream(
    command: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command, model, "--stream", "--out", tmp_path / "p") == 2
    error = capsys.readouterr().err
    assert "nothing to stream" in error
    assert "a bare .tflite" in error
    assert list(tmp_path.iterdir()) == []


def test_a_project_that_does_not_stream_is_not_taken_for_one(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("generate", model, "--board", "native", "--out", tmp_path / "p") == 0
    assert run("build", tmp_path / "p", "--stream") == 2
    assert "does not stream" in capsys.readouterr().err


def test_inspect_shows_a_model_that_is_not_taken_and_all_that_is_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = [q((1, 4)), q((1, 4)), q((1, 4)), q((1, 4), 1e-9), q((1, 4), 1 / 256, -128)]
    ops: list[Any] = [
        ("RELU", [0], [1], None, 1),
        ("CEIL", [1], [2], None, 1),
        ("RELU", [2], [3], None, 1),
        ("SOFTMAX", [3], [4], {"SoftmaxOptions": {"beta": 1.0}}, 1),
    ]
    model = tmp_path / "m.tflite"
    model.write_bytes(builder().model(ops, tensors))
    assert run("inspect", model, "--json", tmp_path / "r.json") == 0
    told = capsys.readouterr().out
    assert told.count("REFUSED") == 2
    assert "nj_lookup_s8" in told
    assert told.count("next step: ") == 2
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["taken"] is False
    assert [one["ops"] for one in found["findings"]] == [[1], [3]]
    assert run("generate", model, "--out", tmp_path / "p") == 2
    assert capsys.readouterr().err.count("next step: ") == 2


def test_ops_are_listed_by_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect", "--ops", "--json", "-") == 0
    listed = json.loads(capsys.readouterr().out)["ops"]
    how = {one["name"]: one["how"] for one in listed}
    assert set(RULES) <= set(how)
    assert how["CONV_2D"] == "computed"
    assert how["RANGE"] == "of constants"
    assert run("inspect") == 2
    assert run("inspect", "x.tflite", "--ops") == 2
