"""Ops with drawn shapes and attributes in real firmware, with Helium: packed weights and vector loops that a host does
not take. The scalar ways are drawn beside the generator, in more cases. Needs no --bundle."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from host.compare.prepare import prepare
from host.compare.prove import prove
from host.compare.session import Session
from host.testing_counterexample import runnable
from model_gen.codegen.project.limits import core_limits
from model_gen.codegen.testing.drawn import Case, model_of
from model_gen.codegen.testing.drawn_families import CASES, FAMILIES, Family, drawn, taken

pytestmark = pytest.mark.slow

DRAWS = 8  # cases an op that are taken
OTHER_DRAWS = 1000  # than beside the generator
VECTORS = 3


def models(cases: list[Case]) -> Iterator[list[Case]]:
    """As many cases side by side as a board takes inputs."""
    most = core_limits()["inputs"]
    part: list[Case] = []
    for case in cases:
        operands = [operand for one in (*part, case) for operand in one.operands]
        if sum(operand is not None and operand.data is None for operand in operands) > most:
            yield part
            part = []
        part.append(case)
    yield part


def check_on_board(cases: list[Case], tmp_path: Path) -> None:
    """All of them in one model: every tensor of the virtual board is the reference's."""
    tmp_path.mkdir(parents=True, exist_ok=True)
    model = tmp_path / "model.tflite"
    model.write_bytes(model_of(cases))
    subject, project = prepare(model, "virtual", out=tmp_path / "project")
    verdict = prove(Session(project, subject, "virtual", VECTORS, 0))
    assert verdict.exact, verdict.headline
    assert len(verdict.layers) == sum(len(case.outputs) for case in cases)


@pytest.mark.parametrize("tier", ["virtual"], indirect=True)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_drawn_ops_are_exact(tier: str, family: Family, tmp_path: Path) -> None:
    cases: list[Case] = []
    for op in FAMILIES[family]:
        number = OTHER_DRAWS + CASES.index((op, family))
        cases += [case for case in drawn(op, family, number) if taken(case)][:DRAWS]
    for number, part in enumerate(models(cases)):
        try:
            check_on_board(part, tmp_path / f"model{number}")
        except AssertionError:
            for place, case in enumerate(part):
                with runnable(check_on_board, cases=[case], tmp_path=tmp_path):
                    check_on_board([case], tmp_path / f"one{place}")
            raise  # it takes several ops to fail
