"""Every member of the family of frontends, in firmware, on every tier without hardware: 0 differing bytes; and the
stage is named where a damaged table first shows. Needs no --bundle."""

import platform
from pathlib import Path

import pytest

from hil_tests.family.members import CASES, write_member
from host.compare.flip import find_symbol, flip_bit, overwrite
from host.compare.frontend_cause import BEYOND, CODE
from host.compare.prepare import prepare
from host.compare.prove import prove
from host.compare.session import Session
from host.elf_record import write_record
from host.reference.frontend_diagnose import diagnose
from host.reference.frontend_members import MEMBERS, PATHS
from host.reference.frontend_stages import recorded_signal

pytestmark = pytest.mark.slow

# A byte of the table, and the stage where it shows first. The top mantissa bit of an entry is flipped.
FAULTS = {
    "window": "window",
    "twiddle": "fft",
    "split": "spectrum",
    "weight": "bands",
    "cosine": "dct",
}


RETURN = {  # the machine's instruction: x86 or AArch64, Thumb
    "native": b"\xc0\x03\x5f\xd6" if platform.machine() == "aarch64" else b"\xc3",
    "virtual": b"\x70\x47",
}


# The host hears all of them without firmware, with the same flags: host/reference/frontend_bits_test.py.
PROVED = (*(("native", name) for name in PATHS), *(("virtual", name) for name in MEMBERS))


@pytest.mark.parametrize(("tier", "member"), PROVED, indirect=["tier"])
def test_member(tier: str, member: str, tmp_path: Path) -> None:
    """Features and model input of every chunk, every byte."""
    bundle = write_member(member, tmp_path)
    subject, project = prepare(bundle, tier, out=tmp_path / "project")
    verdict = prove(Session(project, subject, tier, 0, 0))
    assert verdict.exact, verdict.headline
    assert verdict.vectors == 1 + len(CASES)


@pytest.mark.parametrize("table", FAULTS)
def test_a_damaged_table_is_named_with_its_stage(tier: str, table: str, tmp_path: Path) -> None:
    """The verdict itself says it, and no more than what the tables explain."""
    bundle = write_member("mfcc", tmp_path)
    subject, project = prepare(bundle, tier, out=tmp_path / "project")
    assert diagnose(project.elf, MEMBERS["mfcc"], recorded_signal()) is None
    symbol = find_symbol(project.elf, f"nj_frontend_{table}")
    flip_bit(project.elf, symbol, 4 * 21 + 2, 6)
    write_record(project.elf)
    first = prove(Session(project, subject, tier, 0, 0)).first_difference
    assert first is not None
    assert first.op == "FRONTEND"
    start = f"first differs in stage {FAULTS[table]}: nj_frontend_{table}[21] is "
    assert first.cause.startswith(start)
    assert BEYOND not in first.cause


def test_damaged_code_is_told_from_a_damaged_table(tier: str, tmp_path: Path) -> None:
    """The normalization returns at once: the spectrogram is wrong, though every table is right."""
    bundle = write_member("default", tmp_path)
    subject, project = prepare(bundle, tier, out=tmp_path / "project")
    overwrite(project.elf, find_symbol(project.elf, "nj_normalize", "STT_FUNC"), RETURN[tier])
    write_record(project.elf)
    first = prove(Session(project, subject, tier, 0, 0)).first_difference
    assert first is not None
    assert first.op == "FRONTEND"
    assert "a scale or a normalization" in first.cause
    assert first.cause.endswith(CODE)
