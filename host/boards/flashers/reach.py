"""The board of the bench that `flash` is given: which one it is, and held against all other users."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from host.boards import KINDS, board_status, qemu, scan
from host.boards.bench_file import BenchBoard, find_bench
from host.boards.bench_lock import bench_lock
from host.boards.kinds import DK, NUCLEO, SILICON, VIRTUAL_N6
from host.boards.probes import ST, choose_probe, find_probes
from host.errors import BadInput

_UNNAMED = {DK.name: "dk", NUCLEO.name: "nucleo"}


def bench_board(name: str, bench: Path | None) -> BenchBoard | None:
    """The board that `--board` means: by its name, or the only one of that kind; None: a tier that `open_board` starts.

    Where the bench has none of a kind, it is what is plugged in.

    Raises:
        BadInput: there is none of that name, or several of that kind.
    """
    if name in KINDS:
        return None
    found = find_bench(bench)
    if name not in SILICON:
        return found.board(name)
    fitting = [board for board in found.boards if board.kind == name]
    if len(fitting) > 1:
        raise BadInput(
            f"{len(fitting)} boards of the kind {name} stand on the bench",
            evidence=f"Received: --board {name}; {', '.join(board.name for board in fitting)}",
            next_step=f"name one of them, for example --board {fitting[0].name}",
        )
    return fitting[0] if fitting else BenchBoard(_UNNAMED[name], name)


def kept_board(name: str) -> BenchBoard:
    """The kept virtual STM32N6 as a board of a bench: its gdb server and its serial port.

    Raises:
        BadInput: another board is meant, or none is kept.
    """
    record = board_status(name).record if name == VIRTUAL_N6 else None
    if record is None:
        raise BadInput(
            "a dry run is for a board of the bench, or a virtual STM32N6 that is kept",
            evidence=f"Received: --board {name}",
            next_step=f"`nightjar board up {VIRTUAL_N6}`, or name a board of `nightjar board list`",
        )
    port = None if record.port is None else str(record.port)
    return BenchBoard("kept", name, gdb=str(record.folder / qemu.GDB_SOCKET), port=port)


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
def held(board: BenchBoard, wait: float) -> Iterator[None]:
    """Hold a board of the bench against every user of this computer.

    Raises:
        BoardLocked: somebody else holds it.
        HostFailure: the lock cannot be used.
    """
    with bench_lock(board.kind, board.probe or str(board.gdb), name=board.name, wait=wait):
        yield
