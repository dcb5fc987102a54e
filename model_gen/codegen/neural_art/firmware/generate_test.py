"""Projects around generated networks: what they describe, what is refused, and that they are what they say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host.bundle import load_subject
from host.errors import BadInput
from host.listen.rule import Options, make_rule
from host.npu.comparison.testing_network import write
from host.npu.compiler.model import compile_model
from host.npu.network import Network
from host.project import load_project
from model_gen.codegen.neural_art.firmware.generate import generate, given_of
from model_gen.codegen.neural_art.firmware.taps import seen_of
from model_gen.codegen.neural_art.firmware.testing_networks import given, network
from model_gen.codegen.neural_art.generate import take
from model_gen.codegen.neural_art.network_source import parse_network
from model_gen.codegen.testing.bundle import write_small_bundle

BOARD = "stm32n6570-dk"


@pytest.mark.parametrize(("dialect", "blobs"), [("2.2", False), ("4.0", True)])
def test_taps_are_the_executors_tensors_in_its_order(
    tmp_path: Path, dialect: str, blobs: bool
) -> None:
    written = network(tmp_path / "net", dialect=dialect, blobs=blobs)
    project = generate(given(tmp_path / "net"), BOARD, tmp_path / "out")
    described = load_project(project.path).description
    with Network.open(tmp_path / "net") as executable:
        inputs = {
            one.name: np.frombuffer(written.inputs[one.name], one.dtype)
            for one in executable.inputs
        }
        run = executable.run(inputs)
    made = [one for one in run.tensors if one.role != "input"]
    assert [(tap.tensor, tap.name, tap.index) for tap in described.taps] == [
        (number, one.name, one.epoch) for number, one in enumerate(made)
    ]
    assert [(tap.shape, tap.dtype, tap.bytes) for tap in described.taps] == [
        (one.array.shape, one.dtype, one.array.nbytes) for one in made
    ]
    assert [port.tensor for port in described.outputs] == [
        number for number, one in enumerate(made) if one.role == "output"
    ]
    assert [port.name for port in described.inputs] == list(written.inputs)
    assert (described.backend, described.rules) == ("neural_art", "neural_art")
    assert {tap.op for tap in described.taps} <= {"EPOCH", "SOFTWARE"}
    blocks = parse_network((tmp_path / "net/network.c").read_text()).epochs
    assert described.steps == len(blocks)
    assert any(block.is_blob for block in blocks) == blobs


def test_a_project_keeps_the_network_that_the_executor_opens(tmp_path: Path) -> None:
    network(tmp_path / "net")
    out = generate(given(tmp_path / "net"), BOARD, tmp_path / "out").path
    for name in ("network.c", "network_atonbuf.xSPI2.raw"):
        assert (out / "generated" / name).read_bytes() == (tmp_path / "net" / name).read_bytes()
    with Network.open(out / "generated") as executable:
        assert executable.inputs
    before = (out / "CMakeLists.txt").stat().st_mtime_ns
    generate(given(tmp_path / "net"), BOARD, out)
    assert (out / "CMakeLists.txt").stat().st_mtime_ns == before
    assert "set(NJ_WEIGHTS_AT 0x71000000)" in (out / "CMakeLists.txt").read_text()


def test_a_network_listens_by_the_rule_of_its_bundle(tmp_path: Path) -> None:
    subject = load_subject(write_small_bundle(tmp_path / "bundle"))
    write(tmp_path / "st", compile_model(subject.model, "2.2"), subject.model)
    written = take(subject, tmp_path / "st", tmp_path / "npu")
    assert subject.contract is not None
    rule = make_rule(subject.contract, Options(threshold=0.6))
    out = generate(given_of(written), BOARD, tmp_path / "out", application=rule).path
    described = load_project(out).description
    assert described.application == rule
    assert described.stream
    assert "nj_listening_stage" in (out / "model" / "nj_frontend_stage.c").read_text()
    assert "nj_label_rule labels[6]" in (out / "model" / "nj_frontend_listening.c").read_text()


def test_what_the_memory_of_another_has_is_refused(tmp_path: Path) -> None:
    network(tmp_path / "net")
    text = (tmp_path / "net" / "network.c").read_text()
    (tmp_path / "net" / "network.c").write_text(text.replace("0x34270000", "0x34100000"))
    with pytest.raises(BadInput, match="the NPU's own") as caught:
        generate(given(tmp_path / "net"), BOARD, tmp_path / "out")
    assert "0x341" in caught.value.evidence
    assert not (tmp_path / "out").exists()
    with pytest.raises(BadInput, match="backend neural_art is for"):
        generate(given(tmp_path / "net"), "virtual", tmp_path / "out")


def test_what_a_program_overwrites_again_is_not_observed(tmp_path: Path) -> None:
    network(tmp_path, ("add", "copy"), blobs=True)
    source = parse_network((tmp_path / "network.c").read_text())
    with Network.open(tmp_path) as executable:
        outputs = executable.outputs
    assert not any(one.hidden for one in seen_of(source, (), outputs))
    first, last = outputs[0], outputs[-1]
    assert first.epoch < last.epoch
    seen = seen_of(source, (replace(first, address=last.address),), (last,))
    assert [one.hidden for one in seen] == [
        f"overwritten by epoch {last.epoch} in the same program of the epoch controller",
        "",
    ]
