"""`nightjar lint`, on the command line: exit codes, JSON, bundles, folders, bad inputs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from host.cli import main
from host.exit_codes import Exit
from host.npu.comparison.testing_network import write
from host.npu.compiler.model import compile_model
from host.npu.compiler.testing_filterbank import Filterbank, filters
from host.npu.linting import open_target
from host.npu.network import Network
from model_gen.codegen.neural_art.lint import judge
from model_gen.codegen.neural_art.lint.testing import (
    convolution,
    in_record,
    network,
    set_multipliers,
)
from model_gen.codegen.testing.bundle import write_small_bundle

WAVE = np.tile([[90, -90]], (1, 32)).astype(np.int8)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


def lint(tmp_path: Path, *arguments: object) -> tuple[int, dict[str, Any]]:
    made = tmp_path / "lint.json"
    code = run("lint", *arguments, "--json", made)
    return code, json.loads(made.read_text())


@pytest.fixture
def saturating(tmp_path: Path) -> tuple[Path, Path]:
    """A model of a kernel of mean zero, and the input that fits it."""
    path, inputs = tmp_path / "m.tflite", tmp_path / "loud.npy"
    path.write_bytes(convolution(WAVE, [1.0], output_scale=4000.0))
    np.save(inputs, WAVE.reshape(1, 1, 1, 1, 64))
    return path, inputs


def test_an_error_ends_with_20(saturating: tuple[Path, Path], tmp_path: Path) -> None:
    model, inputs = saturating
    code, found = lint(tmp_path, model, "--inputs", inputs)
    assert (code, found["exit_code"]) == (Exit.LINT, 20)
    assert found["schema"] == "nightjar/lint/1"
    assert (found["kind"], found["dialect"]) == ("model", "4.0")
    assert found["inputs"] == {"count": 1, "source": "1 of loud.npy", "kind": "given inputs"}
    (finding,) = found["findings"]
    assert set(finding) == {
        *("rule", "name", "severity", "where", "says", "sure", "source", "steps", "remedies")
    }
    assert (finding["rule"], finding["where"]) == ("R4", "op 0, CONV_2D")
    assert all(one["predicted"] for one in finding["remedies"])
    assert {one["name"] for one in found["not_judged"]} == {
        *("activation-before-convolution", "stride-two-mode", "reads-past-pool")
    }


@pytest.mark.parametrize(
    ("fail_on", "inputs", "code"),
    [
        ("error", True, 20),
        ("warning", True, 20),
        ("never", True, 0),
        ("error", False, 0),  # made up inputs only warn
        ("warning", False, 20),
        ("never", False, 0),
    ],
)
def test_what_counts_as_a_failure(
    saturating: tuple[Path, Path], tmp_path: Path, fail_on: str, inputs: bool, code: int
) -> None:
    model, loud = saturating
    given = ("--inputs", loud) if inputs else ()
    assert lint(tmp_path, model, *given, "--fail-on", fail_on)[0] == code


def test_a_sound_model_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(convolution(np.abs(WAVE), [1.0], output_scale=8000.0))
    for dialect in ("2.1", "2.2", "3.0", "4.0"):
        code, found = lint(tmp_path, path, "--fail-on", "warning", "--dialect", dialect)
        assert (code, found["findings"], found["dialect"]) == (0, [], dialect)
        assert next(one["name"] for one in found["not_judged"]) == "saturation"
    text = capsys.readouterr().out
    assert "0 errors, 0 warnings, 0 notes" in text
    assert "not judged, R4 saturation: nobody gave inputs" in text


def test_the_published_filterbank_is_named_with_its_cures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = Filterbank(filters("cos"))
    (tmp_path / "bank.tflite").write_bytes(bank.tflite)
    np.save(tmp_path / "voice.npy", bank.source[None])
    code = run("lint", tmp_path / "bank.tflite", "--inputs", tmp_path / "voice.npy")
    text = capsys.readouterr().out
    assert code == 20
    assert "error R4 saturation: op 0, CONV_2D: 2,441 of 17,024 sums cut off" in text
    assert "change: add a kernel whose weights sum to 1,536" in text
    assert "change: divide it into 4 groups of channels" in text


def test_a_network_of_generated_code(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    path = network(folder, "4.0")
    code, found = lint(tmp_path, folder, "--fail-on", "warning")
    assert (code, found["kind"], found["dialect"]) == (0, "network.c", "4.0")
    set_multipliers(path, [32000, 1, 1, 1])
    for target in (folder, path):
        code, found = lint(tmp_path, target, "--fail-on", "warning")
        assert (code, [one["rule"] for one in found["findings"]]) == (20, ["R1"])


def test_a_network_is_executed_on_inputs(tmp_path: Path) -> None:
    """Without a model, the inputs are as the network's own."""
    folder = tmp_path / "net"
    path = network(folder)
    with Network.open(folder) as opened:
        inputs: dict[str, Any] = {b.name: np.zeros((2, *b.shape), b.dtype) for b in opened.inputs}
    np.savez(tmp_path / "flat.npz", **inputs)
    for zero_point, code in ((0, 0), (-20000, 20)):  # the second makes sums beyond 16 bits
        in_record(path, "pointwise_1", "fsub", zero_point)
        ended, found = lint(tmp_path, folder, "--inputs", tmp_path / "flat.npz")
        assert (ended, found["executor"], found["inputs"]["count"]) == (code, None, 2)
        assert "saturation" not in {one["name"] for one in found["not_judged"]}
        assert bool(found["findings"]) == bool(code)
        for one in found["findings"]:
            assert one["name"] == "saturation"
            assert one["source"] == "executor, 2 given inputs"
            assert "sums cut off, the largest is" in one["says"]


def test_bad_targets_and_options(
    saturating: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, inputs = saturating
    folder = tmp_path / "net"
    network(folder)
    empty, text, wrong = tmp_path / "empty", tmp_path / "x.tflite", tmp_path / "wrong.npy"
    empty.mkdir()
    text.write_text("no model")
    np.save(wrong, np.zeros((1, 2, 3), np.int8))
    cases: list[tuple[tuple[object, ...], str]] = [
        ((tmp_path / "absent",), "absent"),
        ((empty,), "must hold one generated network"),
        ((text,), "TensorFlow Lite model"),
        ((model, "--inputs", wrong), ""),
        ((model, "--inputs", tmp_path / "absent.npy"), ""),
        ((model, "--model", model), "--model is for a folder of generated code"),
        ((folder, "--dialect", "4.0"), "--dialect is for a model"),
        ((model, "--dialect", "5"), "must be one of 2.1, 2.2, 3.0, 4.0"),
        ((model, "--fail-on", "warn"), "must be one of error, warning, never"),
        ((model, "--vectors", "0"), "at least 1"),
        ((folder, "--inputs", inputs), ""),
        ((folder, "--model", model), ""),
    ]
    for arguments, says in cases:
        code = run("lint", *arguments)
        told = capsys.readouterr()
        assert code in (Exit.INPUT, Exit.IDENTITY), (arguments, told.err)
        assert says in told.err, arguments
        assert "Received: " in told.err, arguments


def test_a_budget_of_another_dialect_is_told(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    weights = random.integers(-127, 128, (8, 64)).astype(np.int8)
    path, inputs = tmp_path / "m.tflite", tmp_path / "x.npy"
    scales = random.uniform(0.001, 0.01, 8).tolist()
    path.write_bytes(convolution(weights, scales, output_scale=3.0))
    np.save(inputs, random.integers(-128, 128, (200, 1, 1, 1, 64)).astype(np.int8))
    opened = open_target(path, inputs=inputs)
    assert judge(opened.subject) == ()
    pinned = replace(opened.subject, pins={"the bundle's npu_budget": "2.2"})
    (finding,) = judge(pinned)
    assert finding.rule.name == "version-drift"


@pytest.mark.parametrize("dialect", ["2.1", "2.2", "3.0", "4.0"])
def test_the_executor_sees_just_the_sums_that_the_model_says(
    saturating: tuple[Path, Path], tmp_path: Path, dialect: str
) -> None:
    model, inputs = saturating
    content = model.read_bytes()
    folder = write(tmp_path / "out", compile_model(content, dialect), content)
    opened = open_target(folder, model=model, inputs=inputs)
    assert (opened.executor, "sign the very .tflite" in opened.identity) == ("", True)
    (product,) = opened.subject.products
    sums = [one for one in opened.subject.seen if one.unit.startswith("CONVACC")]
    assert product.saturation.cut_off == 1
    assert sum(one.saturated for one in sums) == 1
    assert max(one.peak for one in sums) == product.saturation.largest.max()
    code, found = lint(tmp_path, folder, "--model", model, "--inputs", inputs)
    assert (code, found["kind"], found["dialect"]) == (20, "network.c", dialect)
    (finding,) = found["findings"]
    assert finding["source"] == f"compiler model, dialect {dialect}, 1 given inputs"
    model.rename(folder / "m.tflite")  # beside the network, it is found
    assert lint(tmp_path, folder, "--inputs", inputs)[1]["findings"] == [finding]


def test_a_network_of_another_model_is_refused(
    saturating: tuple[Path, Path], tmp_path: Path
) -> None:
    model, _ = saturating
    content = convolution(WAVE, [2.0], output_scale=4000.0)
    folder = write(tmp_path / "out", compile_model(content, "4.0"), content)
    assert run("lint", folder, "--model", model) == Exit.IDENTITY
    (folder / "beside.tflite").write_bytes(model.read_bytes())
    assert run("lint", folder) == Exit.IDENTITY


def test_a_bundle_is_judged_on_its_own_windows(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path / "bundle")
    code, found = lint(tmp_path, bundle, "--fail-on", "warning")
    assert (code, found["inputs"]["kind"]) == (0, "given inputs")
    assert found["inputs"]["source"].endswith("of the bundle's own windows")
    assert lint(tmp_path, bundle, "--vectors", 1)[1]["inputs"]["count"] == 1
