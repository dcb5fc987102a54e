"""nightjar board: keep a board alive between commands."""

from typing import TYPE_CHECKING

import click

from host.cli.common import Group, json_option, say, write_json

if TYPE_CHECKING:
    from host.boards.record import Record

SCHEMA = "nightjar/board/1"
_NAME = click.argument("name", default="virtual", metavar="[NAME=virtual]")


@click.group(cls=Group)
def command() -> None:
    """Keep a board alive between commands: up, down, status."""


@command.command()
@_NAME
@json_option
def up(name: str, json_path: str | None) -> None:
    """Start a board that outlives this command. Does nothing when one is kept."""
    from host.boards import keep_board

    record, new = keep_board(name)
    say(f"{name}: {'started' if new else 'already up'}, {_describe(record)}", json_path)
    write_json(json_path, {**_payload(name, record), "changed": new})


@command.command()
@_NAME
@json_option
def down(name: str, json_path: str | None) -> None:
    """End a kept board. Does nothing when none is kept."""
    from host.boards import end_board

    record = end_board(name)
    say(f"{name}: {'was not up' if record is None else 'ended'}", json_path)
    write_json(json_path, {**_payload(name, None), "changed": record is not None})


@command.command()
@_NAME
@json_option
def status(name: str, json_path: str | None) -> None:
    """Say whether a board is kept, what was flashed, and who uses it."""
    from host.boards import board_status

    record, holder = board_status(name)
    if record is None:
        say(f"{name}: none is kept; commands start and end one of their own", json_path)
    else:
        say(f"{name}: up, {_describe(record)}", json_path)
    if holder is not None:
        say(
            f"  used by pid {holder.get('pid')}, `{holder.get('command')}`, since {holder.get('since')}",
            json_path,
        )
    write_json(json_path, {**_payload(name, record), "holder": holder})


def _describe(record: "Record") -> str:
    process = "no process yet" if record.process is None else f"pid {record.process.pid}"
    firmware = "nothing flashed" if record.elf_sha256 is None else f"ELF {record.elf_sha256[:12]}"
    return f"{process}, since {record.since}, {firmware}"


def _payload(name: str, record: "Record | None") -> dict[str, object]:
    process = None if record is None else record.process
    return {
        "schema": SCHEMA,
        "board": name,
        "up": record is not None,
        "pid": None if process is None else process.pid,
        "since": None if record is None else record.since,
        "elf_sha256": None if record is None else record.elf_sha256,
    }
