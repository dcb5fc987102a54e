"""Firmware that hangs or faults in a layer: reported before the deadline, with the line, and never a PASS."""

import time
from pathlib import Path
from typing import Any

import pytest

from host.compare.flip import copy_project, find_symbol, overwrite
from host.compare.prove import prove
from host.compare.session import Session
from host.deadline import Deadline
from host.elf_record import write_record
from host.errors import FirmwareFailure, LinkFailure
from host.link.registers import FirmwareFault
from host.link.transport import Transport

# A jump to itself, and an undefined instruction.
HANG = {"native": b"\xeb\xfe", "virtual": b"\xfe\xe7"}
UNDEFINED = {"native": b"\x0f\x0b", "virtual": b"\x00\xde"}


def test_hang(made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path) -> None:
    subject, project = made(model_path, tier)
    spoiled = copy_project(project, tmp_path / "spoiled")
    overwrite(spoiled.elf, find_symbol(spoiled.elf, "nj_step2", "STT_FUNC"), HANG[tier])
    write_record(spoiled.elf)
    limit = Deadline.after(30)
    with pytest.raises(
        FirmwareFailure, match=r"no answer to RUN: .*nj_model\.c:\d+ \(nj_step2\)"
    ) as caught:
        prove(Session(spoiled, subject, tier, 1, 0, root=boards, limit=limit.at_most(5)))
    assert caught.value.exit_code == 19
    assert not limit.expired


@pytest.mark.parametrize("after", [0, 5])
def test_line_that_dies(made: Any, model_path: Path, tier: str, boards: Path, after: int) -> None:
    """The same silence, but the board says that its firmware waits, or answers elsewhere."""
    subject, project = made(model_path, tier)
    with pytest.raises(LinkFailure, match=r"the firmware (waits|answers)") as caught:
        prove(
            Session(
                project,
                subject,
                tier,
                1,
                0,
                root=boards,
                limit=Deadline.after(3),
                wrap=lambda transport: Dying(transport, after),
            )
        )
    assert caught.value.exit_code == 14


class Dying:
    """A transport that carries `after` frames to the board, and then nothing either way."""

    def __init__(self, transport: Transport, after: int) -> None:
        self._transport = transport
        self._left = after

    def write(self, data: bytes, deadline: Deadline) -> None:
        self._left -= 1
        if self._left >= 0:
            self._transport.write(data, deadline)

    def read(self, deadline: Deadline) -> bytes:
        if self._left > 0:
            return self._transport.read(deadline)
        time.sleep(deadline.remaining)
        return b""

    def close(self) -> None:
        self._transport.close()


def test_fault(made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path) -> None:
    subject, project = made(model_path, tier)
    spoiled = copy_project(project, tmp_path / "spoiled")
    overwrite(spoiled.elf, find_symbol(spoiled.elf, "nj_step2", "STT_FUNC"), UNDEFINED[tier])
    write_record(spoiled.elf)
    with pytest.raises(FirmwareFault) as caught:
        prove(Session(spoiled, subject, tier, 1, 0, root=boards, limit=Deadline.after(30)))
    assert "nj_model.c:" in caught.value.evidence
    assert "CFSR" in caught.value.evidence
    assert caught.value.exit_code == 1
