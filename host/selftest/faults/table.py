"""The fault table: its rows in their order."""

import shutil

from host.boards.virtual_n6.build import find
from host.errors import BadInput
from host.nearest import did_you_mean
from host.selftest.faults import board_rows, host_rows, link_rows
from host.selftest.faults.row import Row

ROWS: tuple[Row, ...] = (*link_rows.ROWS, *board_rows.ROWS, *host_rows.ROWS)


def chosen(names: tuple[str, ...]) -> tuple[Row, ...]:
    """The rows of these names; of none, all.

    Raises:
        BadInput: there is no such row.
    """
    known = [row.name for row in ROWS]
    for name in names:
        if name not in known:
            raise BadInput(
                f"the rows are {', '.join(known)}.{did_you_mean(name, known)}",
                evidence=f"Received: --rows {name}",
            )
    return tuple(row for row in ROWS if not names or row.name in names)


def lacking(tier: str) -> str:
    """What this computer lacks for a tier; "" where it has all."""
    if tier == "n6-virtual" and find() is None:
        return "no virtual STM32N6: make n6-virtual"
    tools = {"native": ("gcc",)}.get(
        tier, ("arm-none-eabi-gcc", "qemu-system-arm", "gdb-multiarch")
    )
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""
