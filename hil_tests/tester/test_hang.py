"""Firmware that hangs or faults in a layer: reported before the deadline, with the line, and never a PASS."""

from pathlib import Path
from typing import Any

import pytest

from host.compare.flip import copy_project, find_symbol, overwrite
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.errors import FirmwareFailure
from host.link.registers import FirmwareFault

# A jump to itself, and an undefined instruction.
HANG = {"native": b"\xeb\xfe", "virtual": b"\xfe\xe7"}
UNDEFINED = {"native": b"\x0f\x0b", "virtual": b"\x00\xde"}


def test_hang(made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path) -> None:
    subject, project = made(model_path, tier)
    spoiled = copy_project(project, tmp_path / "spoiled")
    overwrite(spoiled.elf, find_symbol(spoiled.elf, "nj_step2", "STT_FUNC"), HANG[tier])
    limit = Deadline.after(30)
    with pytest.raises(FirmwareFailure, match="no answer"):
        prove(Session(spoiled, subject, tier, 1, 0, root=boards, limit=limit.at_most(5)))
    assert not limit.expired


def test_fault(made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path) -> None:
    subject, project = made(model_path, tier)
    spoiled = copy_project(project, tmp_path / "spoiled")
    overwrite(spoiled.elf, find_symbol(spoiled.elf, "nj_step2", "STT_FUNC"), UNDEFINED[tier])
    with pytest.raises(FirmwareFault) as caught:
        prove(Session(spoiled, subject, tier, 1, 0, root=boards, limit=Deadline.after(30)))
    assert "nj_model.c:" in caught.value.evidence
    assert "CFSR" in caught.value.evidence
    assert caught.value.exit_code == 1
