"""nightjar board: keep a board alive between commands."""

from typing import TYPE_CHECKING

import click

from host.cli.board_bench import COMMANDS
from host.cli.common import Choice, Group, json_option, say, wait_option, write_json

if TYPE_CHECKING:
    from host.boards.record import Record

SCHEMA = "nightjar/board/1"
LIST_SCHEMA = "nightjar/boards/1"
BUILD_SCHEMA = "nightjar/board-build/1"
_BUILD = 3600.0  # seconds for building a QEMU
_NAME = click.argument("name", default="virtual", metavar="[NAME=virtual]")


@click.group(cls=Group)
def command() -> None:
    """Keep a board alive between commands: up, down, status. Build a virtual one: build."""


@command.command()
@_NAME
@wait_option
@json_option
def up(name: str, wait: float, json_path: str | None) -> None:
    """Start a board that outlives this command. Does nothing when one is kept."""
    from host.boards import end_board, keep_board

    record, new = keep_board(name, wait=wait)
    try:
        say(f"{name}: {'started' if new else 'already up'}, {_describe(record)}", json_path)
        write_json(json_path, {**_payload(name, record), "changed": new})
    except BaseException:
        if new:  # what fails or is interrupted leaves nothing behind
            end_board(name)
        raise


@command.command()
@_NAME
@click.option("--all", "every", is_flag=True, help="End kept boards of every kind.")
@wait_option
@json_option
def down(name: str, every: bool, wait: float, json_path: str | None) -> None:
    """End a kept board. Does nothing when none is kept."""
    from host.boards import KINDS, end_board
    from host.errors import NightjarError

    ended: dict[str, bool] = {}
    first: NightjarError | None = None
    for kind in KINDS if every else (name,):
        try:
            ended[kind] = end_board(kind, wait=wait)
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
@json_option
def status(name: str, json_path: str | None) -> None:
    """Say whether a board is kept, what was flashed, and who uses it. Changes nothing."""
    from host.boards import board_status

    found = board_status(name)
    if found.record is not None:
        say(f"{name}: up, {_describe(found.record)}", json_path)
    elif found.unseen:
        say(f"{name}: kept by a process that cannot be seen from here", json_path)
    elif not found.lost:
        say(f"{name}: none is kept; commands start and end one of their own", json_path)
    for process in found.lost:
        say(
            f"{name}: lost, pid {process.pid}: it runs, and its folder was cleaned away;"
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
    more = {"holder": holder, "lost": lost, "unseen": found.unseen}
    write_json(json_path, {**_payload(name, found.record), **more})


@command.command("build")
@click.argument("name", type=Choice(["n6-virtual"]))
@json_option
def build_board(name: str, json_path: str | None) -> None:
    """Build the virtual STM32N6, QEMU with our machine, from Debian's source. Does nothing when it is built."""
    from host.boards.virtual_n6.build import build, require_program
    from host.deadline import Deadline

    changed = build(lambda text: say(text, json_path), Deadline.after(_BUILD))
    say(f"{name}: {'built' if changed else 'is built'}, {require_program()}", json_path)
    write_json(
        json_path,
        {"schema": BUILD_SCHEMA, "board": name, "program": require_program(), "changed": changed},
    )


def _describe(record: "Record") -> str:
    process = "no process yet" if record.process is None else f"pid {record.process.pid}"
    firmware = "nothing flashed" if record.elf_sha256 is None else f"ELF {record.elf_sha256[:12]}"
    port = "" if record.port is None else f", serial port {record.port}"
    return f"{process}, since {record.since}, {firmware}{port}"


def _payload(name: str, record: "Record | None") -> dict[str, object]:
    process = None if record is None else record.process
    return {
        "schema": SCHEMA,
        "board": name,
        "up": record is not None,
        "pid": None if process is None else process.pid,
        "since": None if record is None else record.since,
        "elf_sha256": None if record is None else record.elf_sha256,
        "port": None if record is None or record.port is None else str(record.port),
    }


for _of_bench in COMMANDS:
    command.add_command(_of_bench)
