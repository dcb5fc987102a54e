"""nightjar board scan, list, unlock, log, gdb: the boards of a bench."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from host.cli.board_options import bench_option, wait_option
from host.cli.common import json_option, say, subcommand, write_json
from host.cli.parameters import FiniteRange, WholeRange

if TYPE_CHECKING:
    from host.boards.bench_file import BenchBoard
    from host.boards.record import Record
    from host.boards.which import Which

SCHEMA = "nightjar/bench/1"
LOG_SCHEMA = "nightjar/board-log/1"
_KEPT = 10_000  # entries of a log in its JSON: the last ones
_SILENT = 0.3  # seconds without a byte, after which text is shown though its line has not ended
_NAME = click.argument("name", metavar="NAME")


@subcommand("scan")
@bench_option
@click.option(
    "--kind", "kinds", multiple=True, metavar="[PROBE=]KIND", help="What a probe is on; repeatable."
)
@click.option("--force", is_flag=True, help="Replace a bench file that is there.")
@json_option
def scan(bench: Path | None, kinds: tuple[str, ...], force: bool, json_path: str | None) -> None:
    """Write a bench file from what is plugged in."""
    from host.boards import scan as scanning
    from host.boards.bench_file import bench_path
    from host.boards.bench_write import bench_text
    from host.boards.probes import choose_probe, find_probes
    from host.errors import BadInput, HostFailure
    from host.files import write_atomically

    path = bench_path(bench)
    if path is None:
        raise HostFailure(
            "there is no place for the bench file: this user has no home",
            evidence="Received: neither --bench nor NIGHTJAR_BENCH",
            next_step="name one with --bench FILE",
        )
    if os.path.lexists(path) and not force:
        raise BadInput(
            "a bench file is there already",
            evidence=f"Received: {path}",
            next_step="edit it, name another with --bench FILE, or replace it with --force",
        )
    probes = find_probes()
    if not probes:
        choose_probe(None, probes, "a board")  # says what to look at
    known = scanning.ask_programmer() | scanning.given_kinds(kinds, probes)
    boards, notes = scanning.scan(probes, scanning.serial_ports(), known)
    write_atomically(path, bench_text(boards, notes).encode(), mode=None)
    say(f"wrote {path}", json_path)
    for board in boards:
        say(f"{board.name}: {board.kind}, probe {board.probe}, port {board.port}", json_path)
        for note in notes[board.name]:
            say(f"  {note}", json_path)
    write_json(
        json_path,
        {
            "schema": SCHEMA,
            "path": str(path),
            "boards": [{**_described(board), "unknown": notes[board.name]} for board in boards],
        },
    )


@subcommand("list")
@bench_option
@json_option
def list_boards(bench: Path | None, json_path: str | None) -> None:
    """Show the boards of the bench, and who uses each."""
    from host.boards.bench_file import find_bench
    from host.boards.flashers.reach import plugged
    from host.boards.recovery.mark import wedged

    found = find_bench(bench)
    where = "no bench.toml" if found.path is None else str(found.path)
    say(f"{where}: {len(found.boards)} boards", json_path)
    rows = []
    for board in found.boards:
        holder, process, up = _holder(board), _port_process(board), _is_up(board)
        mark = wedged(plugged(board)) if _is_shared(board) else None
        uses = {"holder": holder, "port_pid": process, "up": up, "mark": mark}
        rows.append({**_described(board), **uses})
        text = f"{board.name:16} {board.kind:18} {board.probe or '-':26} {board.port or '-'}"
        say(text + (" up" if up else ""), json_path)
        for line in _uses(holder, process):
            say(f"  {line}", json_path)
        if mark is not None:
            say(f"  marked since {mark.get('since')}: {mark.get('cause')}", json_path)
    path = None if found.path is None else str(found.path)
    write_json(json_path, {"schema": SCHEMA, "path": path, "boards": rows})


@subcommand("unlock")
@_NAME
@bench_option
@json_option
def unlock(name: str, bench: Path | None, json_path: str | None) -> None:
    """Say who holds a board, and remove what dead holders left. Ends nothing: a lock ends with its holder."""
    from host.boards.bench_file import find_bench
    from host.boards.flashers.reach import forget_dead, plugged
    from host.errors import BadInput, BoardLocked

    board = plugged(find_bench(bench).board(name))
    if not _is_shared(board):
        raise BadInput(
            "only boards behind a probe or at a port are locked for all users",
            evidence=f"Received: {name}, of kind {board.kind}",
            next_step="`nightjar board status` says who uses it",
        )
    holder, process = _holder(board), _port_process(board)
    if holder is not None:
        raise BoardLocked(
            f"the board {name} is held",
            evidence="; ".join(_uses(holder, process)),
            next_step="end that command; the lock is then free by itself",
        )
    removed = forget_dead(board)
    say(f"{name}: nobody holds it; {removed} records of dead holders removed", json_path)
    for line in _uses(None, process):
        say(f"  {line}", json_path)
    write_json(
        json_path,
        {"schema": SCHEMA, "board": name, "holder": None, "removed": removed, "port_pid": process},
    )


@subcommand("gdb")
@_NAME
@click.argument("elf", required=False, type=click.Path(exists=True, path_type=Path))
@bench_option
@wait_option
@click.option("--dry-run", is_flag=True, help="Print the command, and run nothing.")
@json_option
def gdb(
    name: str,
    elf: Path | None,
    bench: Path | None,
    wait: float,
    dry_run: bool,
    json_path: str | None,
) -> int:
    """Open gdb on a board, with the board locked, and leased if it needs that, until gdb ends."""
    from contextlib import AbstractContextManager

    from host.boards.flashers.reach import held, named
    from host.boards.folder import private_folder
    from host.boards.gdb_shell import command_for, command_to, shell_of
    from host.boards.lease import needs_lease
    from host.boards.lock import board_lock
    from host.boards.pool import meant
    from host.boards.which import which
    from host.errors import BadInput
    from host.tools import find_tool

    at = which(name, bench=bench, flashes=False)
    record = _kept(at)
    lock: AbstractContextManager[int | tuple[int, ...]]
    if record is not None and record.gdb is not None:
        command = command_to(str(record.gdb), elf)
        lock = board_lock(private_folder(None, make=True), at.name, wait)
    elif at.entry is None or not _is_shared(at.entry):
        raise BadInput(
            f"nothing says how gdb reaches {name}",
            evidence="Received: a board without gdb, and none that is kept",
            next_step=f"`nightjar board up {name}` keeps a virtual one, which has a gdb server",
        )
    else:
        entry = named(at.entry)
        command, lock = command_for(entry, elf), held(entry, wait)
    write_json(json_path, {"schema": SCHEMA, "board": name, "command": command})
    say(shlex.join(command), json_path)
    if dry_run:
        return 0
    program = find_tool(command[0], command[0])
    if needs_lease(at):  # which has to be given back behind it
        with meant(name, bench=bench, flashes=False, wait=wait):
            return shell_of(command)
    with lock as held_by:
        for handle in held_by if isinstance(held_by, tuple) else (held_by,):
            os.set_inheritable(handle, True)  # gdb becomes this process, and holds the board
        os.execv(program, command)
    return 0


@subcommand("log")
@_NAME
@bench_option
@click.option("--port", metavar="URL", help="Read this port in place of the bench's.")
@click.option("--baud", type=WholeRange(1200, 20_000_000), help="Speed of the port.")
@click.option(
    "--for",
    "seconds",
    type=FiniteRange(min=0),
    metavar="SECONDS",
    help="End after this time.  [default: at Ctrl-C]",
)
@json_option
def log(
    name: str,
    bench: Path | None,
    port: str | None,
    baud: int | None,
    seconds: float | None,
    json_path: str | None,
) -> None:
    """Show what a board says, live: LOG frames, and bytes outside frames."""
    from collections import deque
    from contextlib import ExitStack, closing

    from host.boards.folder import private_folder
    from host.boards.lock import board_lock
    from host.boards.pool import meant
    from host.deadline import Deadline
    from host.errors import BadInput
    from host.link.log_reader import LogReader, Said
    from host.link.serial_url import SerialUrl

    end = None if seconds is None else Deadline.after(seconds)
    reader, kept = LogReader(), deque[Said](maxlen=_KEPT)
    with ExitStack() as stack:
        at = stack.enter_context(meant(name, bench=bench, port=port, flashes=False))
        record, url, speed = _kept(at), at.url, baud or at.baud
        if record is not None and record.port is not None:
            url = str(record.port)
            # The board takes one connection at a time: who uses it would keep us waiting in silence.
            stack.enter_context(board_lock(private_folder(None, make=True), at.name, 0))
        if url is None:
            raise BadInput(
                f"no serial port of {name} is known",
                evidence="Received: a board without port, and none that is kept",
                next_step='write port = "..." into bench.toml, or give --port URL',
            )
        opened = stack.enter_context(closing(SerialUrl(url, speed)))
        while end is None or not end.expired:
            step = Deadline.after(_SILENT)
            data = opened.read(step if end is None else end.at_most(_SILENT))
            for said in reader.feed(data) if data else reader.idle():
                kept.append(said)
                say(f"{'LOG ' if said.frame else ''}{said.text.rstrip()}", json_path)
    entries = [{"frame": said.frame, "text": said.text} for said in kept]
    write_json(json_path, {"schema": LOG_SCHEMA, "board": name, "port": url, "entries": entries})


def _kept(at: "Which") -> "Record | None":
    """The virtual board that `board up` keeps; None: none, or another kind of board is meant."""
    from host.boards import KINDS, board_status

    return board_status(at).record if at.tier in KINDS and at.url is None else None


def _is_up(board: "BenchBoard") -> bool:
    from host.boards.which import Which

    return _kept(Which(board.kind, board)) is not None


def _described(board: "BenchBoard") -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(board), "tags": list(board.tags), "tier": board.kind}


def _is_shared(board: "BenchBoard") -> bool:
    """Whether all users of this computer may use it, and not only the one who keeps it."""
    from host.boards.kinds import SILICON

    ways = (board.port, board.gdb, board.lease)
    return board.kind in SILICON or any(way is not None for way in ways)


def _holder(board: "BenchBoard") -> dict[str, Any] | None:
    from host.boards import lock
    from host.boards.flashers import reach
    from host.boards.folder import private_folder

    if _is_shared(board):
        return reach.holder_of(reach.plugged(board))
    found = lock.holder_of(private_folder(None, make=False), board.name)
    return None if found is None else {**found, "uid": os.geteuid()}


def _port_process(board: "BenchBoard") -> int | None:
    from host.link.port_holder import port_holders

    holders = port_holders(board.port) if board.port else []
    return holders[0][0] if holders else None


def _uses(holder: dict[str, Any] | None, process: int | None) -> list[str]:
    lines = []
    if holder is not None:
        lines.append(
            f"held by pid {holder.get('pid')} of user {holder.get('uid')},"
            f" `{holder.get('command')}`, since {holder.get('since')}"
        )
    if process is not None:
        lines.append(f"its port is open in pid {process}")
    return lines


COMMANDS = (scan, list_boards, unlock, log, gdb)
