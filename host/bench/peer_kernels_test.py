"""The cases, their models and the recorded peers are of one list."""

import dataclasses
from pathlib import Path

import pytest

from host.bench.engine import PEERS
from host.bench.kernel_cases import CASES, models
from host.bench.peer_kernels import (
    FOLDERS,
    KernelRow,
    kernel_lines,
    kernels_json,
    record,
    recorded,
)
from host.errors import BadInput, HostFailure
from model_gen.codegen.cm55.compile import plan_model


def test_every_case_has_a_peer_and_a_step_of_its_op() -> None:
    assert {case.name for case in CASES} == set(recorded()[0])
    steps = [step.view.op.name for model in models() for step in plan_model(model)[0].steps]
    assert steps == [case.op for case in CASES]


def test_the_table_says_what_is_recorded() -> None:
    row = KernelRow("div_1024", "DIV", 100, "tflite-micro's reference", 400, 0.25)
    lines = kernel_lines([row])
    assert "0.25  tflite-micro's reference" in lines[1]
    assert "recorded, CMSIS-NN" in lines[-1]
    assert kernels_json([row])["kernels"] == [dataclasses.asdict(row)]


def test_missing_sources_are_named(tmp_path: Path) -> None:
    (tmp_path / "gemmlowp").mkdir()
    with pytest.raises(BadInput) as caught:
        record(tmp_path)
    assert "without CMSIS-NN, tflite-micro" in (caught.value.evidence or "")


def test_a_missing_cxx_library_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "arm-none-eabi-g++"
    compiler.write_text("#!/bin/sh\necho libstdc++.a\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    before = PEERS.read_bytes()
    with pytest.raises(HostFailure) as caught:
        record(tmp_path)
    assert caught.value.next_step == "apt-get install libstdc++-arm-none-eabi-newlib"
    assert PEERS.read_bytes() == before
