"""A bit of the firmware's CRC table flipped: its frames and image look damaged, not the link."""

from pathlib import Path
from typing import Any

import pytest

from host.compare.flip import copy_project, find_symbol, flip_bit
from host.compare.session import Bench, Session
from host.deadline import Deadline
from host.elf_record import write_record
from host.errors import FirmwareFailure, IdentityFailure, NightjarError

ENTRIES = 256


def ends(project: Any, subject: Any, tier: str, boards: Path) -> NightjarError | None:
    limit = Deadline.after(20)
    with Bench(
        Session(project, subject, tier, vectors=1, seed=0, root=boards, limit=limit)
    ) as bench:
        try:
            bench.identity()
        except NightjarError as error:
            return error
    return None


@pytest.mark.parametrize("tier", ["native"])
@pytest.mark.parametrize("part", range(4))
def test_flip_in_the_crc_table_is_the_firmwares_or_identity(
    made: Any, model_path: Path, tier: str, boards: Path, tmp_path: Path, part: int
) -> None:
    subject, given = made(model_path, tier)
    table = find_symbol(given.elf, "table")
    assert table.size == 4 * ENTRIES
    for entry in range(part, ENTRIES, 16):
        project = copy_project(given, tmp_path / str(entry))
        flip_bit(project.elf, table, 4 * entry + entry // 8 % 4, entry // 2 % 8)
        write_record(project.elf)
        error = ends(project, subject, tier, boards)
        assert type(error) in (FirmwareFailure, IdentityFailure), (entry, error)
        if type(error) is FirmwareFailure:
            assert "well formed but for their CRC" in error.what
        else:
            assert "image CRC" in str(error)
