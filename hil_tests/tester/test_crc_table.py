"""A bit of the firmware's CRC table flipped: its frames and image look damaged, not the link."""

from pathlib import Path
from typing import Any

from host.compare.bench import Bench
from host.compare.flip import copy_project, find_symbol, flip_bit
from host.compare.session import Session
from host.deadline import Deadline
from host.elf_record import write_record
from host.errors import FirmwareFailure, IdentityFailure, NightjarError
from host.link.frames import VERSION, FrameType

ENTRIES = 256


def ends(project: Any, subject: Any, tier: str, boards: Path) -> NightjarError | None:
    limit = Deadline.after(2)
    with Bench(
        Session(project, subject, tier, vectors=1, seed=0, root=boards, limit=limit)
    ) as bench:
        try:
            bench.identity()
        except NightjarError as error:
            return error
    return None


def always_used(table: bytes) -> list[int]:
    """The entries that the first two bytes of each request use: its version and type."""
    crc, entries = 0xFFFFFFFF, []
    for byte in (VERSION, FrameType.REQUEST):
        entries.append((crc ^ byte) & 0xFF)
        crc = crc >> 8 ^ int.from_bytes(table[4 * entries[-1] :][:4], "little")
    return entries


def test_flip_in_the_crc_table_is_the_firmwares_or_identity(
    made: Any, model_path: Path, boards: Path, tmp_path: Path
) -> None:
    """Its image or its answers tell; or it understands no request, and so answers on no connection."""
    subject, given = made(model_path, "native")
    table = find_symbol(given.elf, "table")
    assert table.size == 4 * ENTRIES
    deaf = always_used(given.elf.read_bytes()[table.offset :][: table.size])
    for entry in [*range(3, ENTRIES, 5), *deaf]:
        project = copy_project(given, tmp_path / str(entry))
        flip_bit(project.elf, table, 4 * entry + entry // 8 % 4, entry // 2 % 8)
        write_record(project.elf)
        error = ends(project, subject, "native", boards)
        if entry in deaf:
            assert type(error) is FirmwareFailure, (entry, error)
            assert "no answer from the firmware to HELLO on any port" in error.what
        elif isinstance(error, IdentityFailure):
            assert "image CRC" in error.what
        else:
            assert type(error) is FirmwareFailure, (entry, error)
            assert "but for their CRC" in error.what or "on any port" in error.what
