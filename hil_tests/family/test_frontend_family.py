"""Every member of the family of frontends, in firmware, on every tier without hardware: 0 differing bytes; and the
stage is named where a damaged table first shows. Needs no --bundle."""

from dataclasses import replace
from pathlib import Path

import pytest

from hil_tests.family.members import CASES, write_member
from host.compare.flip import find_symbol, flip_bit
from host.compare.prepare import prepare
from host.compare.session import prove
from host.reference.frontend_diagnose import diagnose
from host.reference.frontend_members import MEMBERS
from host.reference.frontend_stages import recorded_signal

# A byte of the table, and the stage where it shows first. The top mantissa bit of an entry is flipped.
FAULTS = {
    "window": "window",
    "twiddle": "fft",
    "split": "spectrum",
    "weight": "bands",
    "cosine": "dct",
}


@pytest.fixture(params=MEMBERS)
def member(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_member(tier: str, member: str, tmp_path: Path) -> None:
    """Features and model input of every chunk, every byte."""
    bundle = write_member(member, tmp_path)
    subject, project = prepare(bundle, tier, out=tmp_path / "project")
    verdict = prove(project, subject, tier, 0, 0, root=tmp_path / "boards")
    assert verdict.exact, verdict.headline
    assert verdict.vectors == 1 + len(CASES)


@pytest.mark.parametrize("table", FAULTS)
def test_a_damaged_table_is_named_with_its_stage(tier: str, table: str, tmp_path: Path) -> None:
    member = "mfcc"
    bundle = write_member(member, tmp_path)
    subject, project = prepare(bundle, tier, out=tmp_path / "project")
    chunk = recorded_signal()
    assert diagnose(project.elf, MEMBERS[member], chunk) is None
    symbol = find_symbol(project.elf, f"nj_frontend_{table}")
    flip_bit(project.elf, symbol, 4 * 21 + 2, 6)
    verdict = prove(project, subject, tier, 0, 0, root=tmp_path / "boards")
    assert not verdict.exact
    assert verdict.first_difference is not None
    assert verdict.first_difference.op == "FRONTEND"
    found = diagnose(project.elf, MEMBERS[member], chunk)
    assert found is not None
    assert (found.stage, found.table, found.entry) == (FAULTS[table], table, 21)
    assert replace(found).line.startswith(f"first differs in stage {FAULTS[table]}")
