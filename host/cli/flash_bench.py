"""nightjar flash, for a board of the bench: which one, by which way, and what came of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from host.cli.common import say, write_json
from host.cli.flash import SCHEMA, of_report, show, show_report

if TYPE_CHECKING:
    from host.boards.bench_file import BenchBoard
    from host.boards.flashers import Flasher
    from host.boards.flashers.parts import Image
    from host.boards.which import Which
    from host.project import Project


def chosen(
    at: "Which", flasher: str | None, server: str | None, boot: str | None, dry_run: bool
) -> "BenchBoard | None":
    """The board of the bench that is meant, with the way that was asked for; None: one that `open_board` opens.

    Raises:
        BadInput: what was asked for does not go with it.
    """
    from dataclasses import replace

    from host.boards.flashers.reach import kept_board
    from host.boards.kinds import SILICON, VIRTUAL_N6
    from host.errors import BadInput

    entry = at.entry
    if entry is None or not (entry.kind in SILICON or (entry.kind == VIRTUAL_N6 and entry.gdb)):
        asked = [
            f"--{name} {value}"
            for name, value in (("flasher", flasher), ("server", server))
            if value
        ]
        if boot is not None and boot != (entry.switches if entry else "development"):
            asked.append(f"--boot {boot}")
        if asked:
            raise BadInput(
                f"a board of the bench behind a debugger takes {asked[0]}, and {at.name} is none",
                evidence=f"Received: --board {at.name}"
                + (f', switches = "{entry.switches}"' if entry else ""),
                next_step="`nightjar board list` shows the boards of the bench",
            )
        return kept_board(at) if dry_run else None
    try:
        return replace(entry, port=at.url, flasher=flasher or entry.flasher)
    except ValueError as error:
        raise BadInput(
            f"{entry.name} is not flashed so",
            evidence=f"Received: --flasher {flasher}: {error}",
            next_step="leave --flasher out, for the one that its bench names",
        ) from error


def print_commands(
    entry: "BenchBoard", source: Path, server: str | None, boot: str | None, json_path: str | None
) -> None:
    """Print what would be run for a built project."""
    from host.boards import flashers
    from host.boards.flashers.reach import named
    from host.boards.tiers import require_runs
    from host.elf_record import check_recorded
    from host.project import load_project

    project = load_project(source)
    require_runs(entry.kind, project.description.board)
    check_recorded(project.elf)
    board = named(entry)
    text = flashers.dry_run(_way(board, server), _image(board, project, boot), board)
    say(text.rstrip("\n"), json_path)
    write_json(
        json_path, {"schema": SCHEMA, "board": board.name, "dry_run": True, "commands": text}
    )


def flash(
    entry: "BenchBoard",
    project: "Project",
    server: str | None,
    boot: str | None,
    wait: float,
    always: bool,
    json_path: str | None,
) -> None:
    """Write a built project to a board of the bench, and say who answers then."""
    from host.boards import flashers
    from host.boards.flashers.job import flash_board
    from host.boards.flashers.reach import held, named
    from host.boards.kinds import NOT_SEEN
    from host.boards.recovery.mark import require_well
    from host.elf_record import check_recorded
    from host.link.port_holder import held_port

    check_recorded(project.elf)
    board = named(entry)
    way, image = _way(board, server), _image(board, project, boot)
    seen = way.seen(board)
    say(
        f"{board.name} ({board.kind}), by {board.flasher}{'' if seen else f': {NOT_SEEN}'}",
        json_path,
    )
    for line in flashers.switches(image, board):
        say(line, json_path)
    with held(board, wait), held_port(board.port or "", wait):
        require_well(board)
        done = flash_board(
            board, project, image, way, lambda line: say(line, json_path), always=always
        )
    if done.hello is None:
        show_report(done.report, json_path)
    else:
        show(done.hello, done.report, "", json_path)
    write_json(
        json_path,
        {
            "schema": SCHEMA,
            "board": board.name,
            "kind": board.kind,
            "kept": True,
            "elf": str(project.elf),
            "hello": None if done.hello is None else done.hello.as_dict(),
            "flash": of_report(done.report),
            "flasher": board.flasher,
            "boot": image.boot,
            "probe": board.probe,
            "port": board.port,
            "remark": None if seen else NOT_SEEN,
        },
    )


def _way(board: "BenchBoard", server: str | None) -> "Flasher":
    from host.boards.flashers import flasher_of
    from host.boards.gdb_script import server_named

    return flasher_of(board, None if server is None else server_named(server))


def _image(board: "BenchBoard", project: "Project", boot: str | None) -> "Image":
    from host.boards.flashers.boot_image import boot_image
    from host.boards.flashers.parts import Image

    if boot == "flash":
        return boot_image(project.elf, headed=board.flasher == "gdb")
    return Image(project.elf)
