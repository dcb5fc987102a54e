"""The NPU beside TFLite: the layers of `nightjar npu` on the session's vectors, held against a bundle's budgets."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from host.bundle import Subject, load_subject
from host.compare.beside_tflite import beside_tflite
from host.compare.session import Session
from host.compare.testing_networks import SUBJECT, describe, write_project
from host.compare.vectors import random_inputs
from host.contract import NpuBudget, NpuLayerBudget
from host.errors import IdentityFailure
from host.exit_codes import Exit
from host.npu.comparison.compare import compare
from host.npu.comparison.executed import Executed
from host.npu.comparison.testing_network import Change, exchanged, write
from host.npu.compiler.model import compile_model
from host.npu.executed_model import GeneratedNetwork
from host.project import GENERATED, Project
from host.report.testing_verdicts import DIFFERENT, EXACT
from host.report.tflite import TfliteVerdict
from host.report.verdict import Verdict
from model_gen.codegen.neural_art.output_folder import read_output
from model_gen.codegen.testing.bundle import write_small_bundle
from model_gen.codegen.testing.net import make_net

NET, SEED, VECTORS = make_net(3).tflite(), 4, 2
BARE = Subject(Path("net"), NET)
ON_NPU = replace(EXACT, backend="neural_art")


def project(folder: Path, change: Change = lambda _, layer: layer) -> Project:
    write(folder / GENERATED, compile_model(NET, "2.2"), NET, change)
    return linked(Project(folder, describe(GeneratedNetwork.read(folder / GENERATED))))


def linked(made: Project) -> Project:
    """With an ELF that is nothing but its constants."""
    (image,) = GeneratedNetwork.read(made.path / GENERATED).images
    made.elf.parent.mkdir()
    made.elf.write_bytes(b"\x7fELF" + image.content)
    return made


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project(tmp_path_factory.mktemp("npu") / "firmware")


@pytest.fixture(scope="module")
def with_budget(tmp_path_factory: pytest.TempPathFactory) -> Callable[[NpuBudget | None], Subject]:
    """The model with a contract that has a budget."""
    contract = load_subject(write_small_bundle(tmp_path_factory.mktemp("b") / "bundle")).contract
    assert contract is not None

    def made(budget: NpuBudget | None) -> Subject:
        return Subject(Path("net"), NET, replace(contract, npu_budget=budget).to_json())

    return made


def beside(one: Project, subject: Subject = BARE) -> Verdict:
    return beside_tflite(Session(one, subject, "n6-virtual", VECTORS, SEED), ON_NPU)


def compared(one: Project, subject: Subject = BARE) -> TfliteVerdict:
    found = beside(one, subject).tflite
    assert found is not None
    return found


def test_the_layers_are_those_of_the_comparison_on_the_same_vectors(right: Project) -> None:
    found = compared(right)
    folder = right.path / GENERATED
    with closing(
        Executed(folder / "network.c", read_output(folder), compile_model(NET, "2.2"), "")
    ) as side:
        ports = GeneratedNetwork.read(folder).model.inputs
        rows = compare(side, NET, random_inputs(ports, VECTORS, SEED)).observed
    assert [(one.op, one.tensor, one.epoch, one.steps) for one in found.layers] == [
        (row.op, row.place.name, row.place.epoch, row.forced.largest) for row in rows
    ]
    assert any(one.steps for one in found.layers)
    assert "BUILTIN_REF" in found.reference
    assert "c_info sign" in found.statement


def test_without_a_budget_a_step_is_beyond_it(right: Project) -> None:
    found = compared(right)
    assert [one.op for one in found.beyond] == [one.op for one in found.layers if one.steps]
    failure = found.failure
    assert failure is not None
    assert failure.exit_code == Exit.REGRESSION
    first = found.beyond[0]
    assert f"op {first.op}, {first.name} (epoch {first.epoch}, {first.tensor})" in failure.what
    assert "every tensor of the board is the executor's" in failure.evidence


def test_within_the_budget_nothing_fails(
    right: Project, with_budget: Callable[[NpuBudget | None], Subject]
) -> None:
    steps = {str(one.op): NpuLayerBudget(one.steps, "rounding") for one in compared(right).layers}
    budget = NpuBudget("2.2", "stedgeai", {op: one for op, one in steps.items() if one.steps})
    found = compared(right, with_budget(budget))
    assert (found.failure, found.remark) == (None, "")
    assert any("within the budget" in line for line in found.lines())
    (least, *_) = budget.layers
    del budget.layers[least]
    assert [str(one.op) for one in compared(right, with_budget(budget)).beyond] == [least]


def test_the_budgets_of_another_compiler_count_for_nothing(
    right: Project, with_budget: Callable[[NpuBudget | None], Subject]
) -> None:
    layers = {str(op): NpuLayerBudget(255, "rounding") for op in range(5)}
    found = compared(right, with_budget(NpuBudget("4.0", "stedgeai", layers)))
    assert found.failure is not None
    assert "dialect 4.0" in found.remark
    assert found.remark in found.failure.evidence


def test_a_layer_that_computes_something_else_is_named_with_its_cause(tmp_path: Path) -> None:
    """The executor and the board agree on it: only this comparison can see what the compiler did."""
    found = compared(project(tmp_path, lambda op, layer: exchanged(layer) if op == 1 else layer))
    assert found.beyond[0].op == 1
    assert found.beyond[0].steps > 5
    assert "not those that the compiler model predicts" in found.beyond[0].cause


@pytest.mark.parametrize("model", [make_net(4).tflite(), b"that nobody can read"])
def test_a_network_of_another_model_is_another_identity(right: Project, model: bytes) -> None:
    """Also where the model that is given cannot be compared with anything."""
    with pytest.raises(IdentityFailure, match="compiled from another model"):
        beside(right, Subject(Path("net"), model))


def test_constants_that_no_vector_shows_are_another_identity(right: Project) -> None:
    content = right.elf.read_bytes()
    right.elf.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        with pytest.raises(IdentityFailure, match="no vector shows it"):
            beside(right)
    finally:
        right.elf.write_bytes(content)


def test_what_cannot_be_compared_says_why(tmp_path: Path) -> None:
    made = linked(write_project(tmp_path / "firmware"))
    verdict = beside_tflite(Session(made, SUBJECT, "n6-virtual", 1, 0), ON_NPU)
    assert verdict.tflite is None
    assert verdict.tflite_reason


def test_only_an_exact_verdict_on_the_npu_is_compared(right: Project) -> None:
    session = Session(right, Subject(Path("net"), NET), "n6-virtual", 1, 0)
    assert beside_tflite(session, DIFFERENT) is DIFFERENT
    other = replace(right, description=replace(right.description, backend="cm55"))
    assert beside_tflite(replace(session, project=other), EXACT) is EXACT
