"""The second comparison of an exact verdict on the NPU: of the very model and constants, within budgets."""

from dataclasses import replace
from pathlib import Path

import pytest

from host.bundle import Subject
from host.compare.beside_tflite import beside_tflite
from host.compare.session import Session
from host.errors import IdentityFailure
from host.npu.comparison.testing_network import exchanged, write
from host.npu.compiler.model import compile_model
from host.project import Project
from host.report.testing_verdicts import EXACT
from host.report.tflite import TfliteVerdict
from model_gen.codegen.neural_art.firmware.generate import generate, given_in
from model_gen.codegen.testing.net import make_net

NET = make_net(3).tflite()
SUBJECT = Subject(Path("bird.tflite"), NET)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return project_of(tmp_path)


def project_of(folder: Path, wrong: int | None = None) -> Project:
    """Firmware around NET's network, whose ELF is nothing but constants; the kernels of op `wrong` are exchanged."""
    compiled = compile_model(NET, "2.2")
    write(folder / "net", compiled, NET, lambda i, one: exchanged(one) if i == wrong else one)
    made = generate(given_in(folder / "net", SUBJECT), "stm32n6570-dk", folder / "firmware")
    (image,) = (made.path / "generated").glob("*.raw")
    made.elf.parent.mkdir()
    made.elf.write_bytes(b"\x7fELF" + image.read_bytes())
    return made


def compared(project: Project, subject: Subject = SUBJECT) -> TfliteVerdict | None:
    session = Session(project, subject, "n6-virtual", vectors=1, seed=0)
    return beside_tflite(session, replace(EXACT, backend="neural_art")).tflite


def test_layers_are_held_to_their_budgets(project: Project, tmp_path: Path) -> None:
    found = compared(project)
    assert found is not None
    assert found.layers
    assert max(layer.steps for layer in found.layers) <= 1
    wrong = compared(project_of(tmp_path / "wrong", wrong=1))
    assert wrong is not None
    (layer,) = (one for one in wrong.layers if one.op == 1)
    assert layer.beyond
    assert wrong.failure is not None


def test_a_network_of_another_model_is_refused_though_nothing_can_be_compared(
    project: Project,
) -> None:
    for model in (make_net(4).tflite(), b"that nobody can read"):
        with pytest.raises(IdentityFailure, match="compiled from another model"):
            compared(project, replace(SUBJECT, model=model))


def test_constants_that_no_vector_shows_are_no_part_of_a_verdict(project: Project) -> None:
    spoiled = bytearray(project.elf.read_bytes())
    spoiled[-1] ^= 1
    project.elf.write_bytes(spoiled)
    with pytest.raises(IdentityFailure, match="no vector shows it"):
        compared(project)
