"""The gdb that opens on a board: through the server that the bench names, else through OpenOCD on the board's probe."""

import signal
import subprocess
from pathlib import Path

from host.boards.bench_file import BenchBoard
from host.boards.gdb import PROGRAM
from host.boards.gdb_script import heard
from host.boards.kinds import SILICON
from host.boards.openocd import piped
from host.errors import BadInput
from host.tools import leashed

_ARCHITECTURE = "set architecture armv8.1-m.main"


def command_for(board: BenchBoard, elf: Path | None) -> list[str]:
    """The command of a shell on exactly this board.

    Args:
        board: of a bench.
        elf: whose symbols it reads; None: none.

    Raises:
        BadInput: nothing says how to reach the board.
    """
    return command_to(board.gdb or _openocd(board), elf)


def command_to(target: str, elf: Path | None) -> list[str]:
    """The command of a shell on the gdb server at `target`."""
    command = [PROGRAM, "-ex", _ARCHITECTURE, "-ex", f"target extended-remote {heard(target)}"]
    return [*command, *([] if elf is None else [str(elf)])]


def shell_of(command: list[str]) -> int:
    """Run a shell to its end, which comes with ours at the latest: its exit status. Ctrl-C is its own."""
    with subprocess.Popen(leashed(command)) as child:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return child.wait()
        finally:
            signal.signal(signal.SIGINT, before)
            child.kill()


def _openocd(board: BenchBoard) -> str:
    """OpenOCD as gdb's own child, on one probe by its serial number. Not seen on a board."""
    if board.kind not in SILICON or board.probe is None:
        raise BadInput(
            f"nothing says how gdb reaches {board.name}",
            evidence="Received: a board without gdb"
            + (" and without probe" if board.kind in SILICON else ""),
            next_step='write gdb = "host:port", the path of a socket, or "| command" into bench.toml',
        )
    return piped(board.probe, quiet=True)
