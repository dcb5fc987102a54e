"""Coverage of firmware with a frontend: chunks run it, raw inputs do not. Needs no --bundle."""

from pathlib import Path

import pytest

from hil_tests.family.members import write_member
from host.compare.prepare import prepare
from host.compare.vectors import make_vectors
from host.coverage.coverage import Coverage
from host.coverage.measure import measure
from host.coverage.testing_projects import needs_board


def lacking(coverage: Coverage, symbol: str) -> int:
    """Bytes of a symbol that were not reached."""
    return sum(u.bytes for u in coverage.unreached if u.symbol == symbol)


@needs_board
@pytest.mark.parametrize("stream", [False, True])
def test_chunks_go_through_the_frontend(stream: bool, tmp_path: Path) -> None:
    bundle = write_member("default", tmp_path)
    subject, project = prepare(bundle, "virtual", stream=stream, out=tmp_path / "project")
    inputs = project.description.inputs
    chunks = make_vectors(subject, inputs, 0, 0)[:2]
    through = measure(project, subject, chunks)
    raw = measure(project, subject, make_vectors(subject, inputs, 1, 0)[:1])
    assert lacking(raw, "nj_frontend_twiddle") > 500 > 100 > lacking(through, "nj_frontend_twiddle")
    assert through.code.reached > raw.code.reached + 1000
    assert through.layers == raw.layers  # the frontend is no layer
    assert measure(project, subject, chunks) == through
