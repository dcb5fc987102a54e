"""How a board of the bench is reached that is flashed: its probe, its port, and held against all other users."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from host.boards import board_status, scan
from host.boards.bench_file import BenchBoard
from host.boards.bench_lock import bench_lock
from host.boards.kinds import SILICON, VIRTUAL_N6
from host.boards.probes import ST, choose_probe, find_probes
from host.boards.which import Which
from host.errors import BadInput


def kept_board(at: Which) -> BenchBoard:
    """A kept virtual STM32N6 as a board with a gdb server and a serial port.

    Raises:
        BadInput: another board is meant, or none is kept.
    """
    record = board_status(at).record if at.tier == VIRTUAL_N6 else None
    if record is None:
        raise BadInput(
            "a dry run is for a board of the bench, or a virtual STM32N6 that is kept",
            evidence=f"Received: --board {at.name}",
            next_step="`nightjar board up` keeps one; `nightjar board list` shows those of the bench",
        )
    entry = at.entry or BenchBoard("kept", at.tier)
    port = None if record.port is None else str(record.port)
    return replace(entry, gdb=None if record.gdb is None else str(record.gdb), port=port)


def named(board: BenchBoard) -> BenchBoard:
    """The board with its probe and its serial port, as far as what is plugged in tells them.

    Raises:
        BadInput: several probes are plugged in, and nothing says which.
        BoardFailure: none is plugged in, and nothing else leads to the board.
    """
    probe, port = board.probe, board.port
    if probe is None and board.gdb is None and board.kind in SILICON:
        probe = choose_probe(None, find_probes(), board.name).serial
    if port is None and probe is not None:
        devices = [
            one.device for one in scan.serial_ports() if (one.vendor, one.serial) == (ST, probe)
        ]
        port = scan.lasting_name(devices[0]) if devices else None
    return replace(board, probe=probe, port=port)


@contextmanager
def held(board: BenchBoard, wait: float) -> Iterator[int]:
    """Hold a board of the bench against every user of this computer. Gives the handle that holds it.

    Args:
        board: with what is plugged in, as `named` gives it.
        wait: seconds to wait for who holds it.

    Raises:
        BoardLocked: somebody else holds it.
        HostFailure: the lock cannot be used.
    """
    with bench_lock(board.kind, mark_of(board), name=board.name, wait=wait) as handle:
        yield handle


def mark_of(board: BenchBoard) -> str:
    """What tells a board from others of its kind on this computer: its probe, or else what leads to it."""
    return board.probe or board.gdb or board.port or board.name
