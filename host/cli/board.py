"""nightjar board: keep a board alive between commands."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.boards.kinds import VIRTUAL_N6
from host.cli.board_bench import COMMANDS
from host.cli.board_options import bench_option, wait_option
from host.cli.board_power import power
from host.cli.board_recover import recover
from host.cli.common import Group, json_option, say, write_json
from host.cli.parameters import Choice, FiniteRange

if TYPE_CHECKING:
    from host.boards.record import Record
    from host.boards.which import Which

SCHEMA = "nightjar/board/1"
LIST_SCHEMA = "nightjar/boards/1"
BUILD_SCHEMA = "nightjar/board-build/1"
_NAME = click.argument("name", default="virtual", metavar="[NAME=virtual]")


@click.group(cls=Group)
def command() -> None:
    """Keep a board alive between commands: up, down, status. Build a virtual one: build."""


@command.command()
@_NAME
@bench_option
@wait_option
@json_option
def up(name: str, bench: Path | None, wait: float, json_path: str | None) -> None:
    """Start a board that outlives this command. Does nothing when one is kept."""
    from host.boards import end_board, keep_board
    from host.boards.which import which

    meant = which(name, bench=bench)
    record, new = keep_board(meant, wait=wait)
    try:
        say(f"{name}: {'started' if new else 'already up'}, {_describe(record)}", json_path)
        for line in _reached(meant, record):
            say(f"  {line}", json_path)
        write_json(json_path, {**_payload(name, record, meant), "changed": new})
    except BaseException:
        if new:  # what fails or is interrupted leaves nothing behind
            end_board(meant)
        raise


@command.command()
@_NAME
@click.option("--all", "every", is_flag=True, help="End every kept board of this user.")
@bench_option
@wait_option
@json_option
def down(name: str, every: bool, bench: Path | None, wait: float, json_path: str | None) -> None:
    """End a kept board. Does nothing when none is kept."""
    from host.boards import KINDS, end_board
    from host.boards.bench_file import find_bench
    from host.boards.which import which
    from host.errors import NightjarError

    ended: dict[str, bool] = {}
    first: NightjarError | None = None
    named = [board.name for board in find_bench(bench).boards if board.kind in KINDS]
    for kind in (*KINDS, *named) if every else (name,):
        try:
            ended[kind] = end_board(which(kind, bench=bench), wait=wait)
        except NightjarError as error:
            first = first or error  # the others end nevertheless
            continue
        say(f"{kind}: {'ended' if ended[kind] else 'was not up'}", json_path)
    if first is not None:
        raise first
    payloads = [{**_payload(kind, None), "changed": changed} for kind, changed in ended.items()]
    write_json(json_path, {"schema": LIST_SCHEMA, "boards": payloads} if every else payloads[0])


@command.command()
@_NAME
@bench_option
@json_option
def status(name: str, bench: Path | None, json_path: str | None) -> None:
    """Say whether a board is kept, what was flashed, and who uses it. Changes nothing."""
    from host.boards import board_status
    from host.boards.which import which

    meant = which(name, bench=bench)
    found = board_status(meant)
    if found.record is not None:
        say(f"{name}: up, {_describe(found.record)}", json_path)
        for line in _reached(meant, found.record):
            say(f"  {line}", json_path)
    elif found.ended is not None:
        from host.boards.qemu import why_died

        say(f"{name}: none is kept; {_process(found.ended)}", json_path)
        say(f"  {why_died(found.ended.folder).evidence}", json_path)
    elif found.unseen:
        say(f"{name}: kept by a process that cannot be seen from here", json_path)
    elif not found.lost:
        say(f"{name}: none is kept; commands start and end one of their own", json_path)
    for process in found.lost:
        say(
            f"{name}: lost, pid {process.pid}: it runs, and no record in its folder names it;"
            f" `nightjar board down {name}` ends it",
            json_path,
        )
    holder = found.holder
    if holder is not None:
        say(
            f"  used by pid {holder.get('pid')}, `{holder.get('command')}`,"
            f" since {holder.get('since')}",
            json_path,
        )
    lost = [process.pid for process in found.lost]
    dead = found.ended or found.record
    ended = dead.process.pid if dead and dead.process and not dead.process.alive else None
    more = {"holder": holder, "lost": lost, "unseen": found.unseen, "ended": ended}
    write_json(json_path, {**_payload(name, found.record, meant), **more})


@command.command("build")
@click.argument("name", type=Choice(["n6-virtual"]))
@click.option(
    "--deadline",
    default=3600.0,
    show_default=True,
    type=FiniteRange(min=0),
    metavar="SECONDS",
    help="For everything.",
)
@json_option
def build_board(name: str, deadline: float, json_path: str | None) -> None:
    """Build the virtual STM32N6, QEMU with our machine, from Debian's source. Does nothing when it is built."""
    from host.boards.virtual_n6.build import build, require_program
    from host.deadline import Deadline

    changed = build(lambda text: say(text, json_path), Deadline.after(deadline))
    say(f"{name}: {'built' if changed else 'is built'}, {require_program()}", json_path)
    write_json(
        json_path,
        {"schema": BUILD_SCHEMA, "board": name, "program": require_program(), "changed": changed},
    )


def _describe(record: "Record") -> str:
    firmware = "nothing flashed" if record.elf_sha256 is None else f"ELF {record.elf_sha256[:12]}"
    return f"{_process(record)}, since {record.since}, {firmware}"


def _process(record: "Record") -> str:
    if record.process is None:
        return "no process yet"
    return f"pid {record.process.pid}" + ("" if record.process.alive else ", which has ended")


def _reached(meant: "Which", record: "Record") -> list[str]:
    """How a kept board is reached by other tools, and its chip."""
    ways = {"serial port": record.port, "gdb server": record.gdb, "unique id": _uid(meant)}
    return [f"{name}: {value}" for name, value in ways.items() if value is not None]


def _uid(meant: "Which") -> str | None:
    from host.boards.n6_virtual import unique_id

    if meant.tier != VIRTUAL_N6:
        return None
    return unique_id(None if meant.entry is None else meant.entry.machine.uid)


def _payload(name: str, record: "Record | None", meant: "Which | None" = None) -> dict[str, object]:
    process = None if record is None else record.process
    return {
        "schema": SCHEMA,
        "board": name,
        "up": record is not None,
        "pid": None if process is None else process.pid,
        "since": None if record is None else record.since,
        "elf_sha256": None if record is None else record.elf_sha256,
        "port": None if record is None or record.port is None else str(record.port),
        "gdb": None if record is None or record.gdb is None else str(record.gdb),
        "uid": None if record is None or meant is None else _uid(meant),
    }


for _of_bench in (*COMMANDS, power, recover):
    command.add_command(_of_bench)
