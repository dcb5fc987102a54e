"""nightjar flash: write firmware to a board and print its HELLO."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.cli.board_options import board_options
from host.cli.common import force_option, json_option, say, subcommand, write_json
from host.cli.parameters import Choice

if TYPE_CHECKING:
    from host.boards.base import Board, FlashReport
    from host.boards.which import Which
    from host.link.messages import Hello
    from host.project import Project

SCHEMA = "nightjar/flash/1"
_BUILD = 300.0  # seconds
_FLASH = 60.0
_HELLO = 5.0
_ASK = 2.0  # for HELLO of what a kept board runs already
STARTED = " (started for this command, and ended)"


@subcommand()
@click.argument("source", metavar="PROJECT_OR_BUNDLE_OR_TFLITE", type=click.Path(path_type=Path))
@board_options(writes=True)
@click.option(
    "--flasher",
    type=Choice(("gdb", "probe-rs", "cubeprogrammer")),
    help="How a board of the bench is written.  [default: its bench entry's, else gdb]",
)
@click.option(
    "--server",
    type=Choice(("qemu", "openocd", "st-link", "pyocd")),
    help="Which gdb server is there, where neither its program nor its port tells.",
)
@click.option(
    "--boot",
    type=Choice(("development", "flash")),
    help="Into RAM, for a development boot, or into the NOR, for the boot from flash."
    "  [default: development; a virtual board as its switches stand]",
)
@click.option("--always", is_flag=True, help="Flash even what the board holds already.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the exact commands for a built project; no probe and no board is touched.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the firmware project of a bundle or .tflite.  "
    "[default: build/firmware/BOARD-HASH]",
)
@force_option
@json_option
def command(
    source: Path,
    board: str,
    at: "Which",
    wait: float,
    flasher: str | None,
    server: str | None,
    boot: str | None,
    always: bool,
    dry_run: bool,
    out: Path | None,
    force: bool,
    json_path: str | None,
) -> None:
    """Write firmware to a board and print its HELLO.

    A bundle or a .tflite is turned into firmware first. Uses the board that `nightjar board up` keeps; where none is
    kept, starts one and ends it. A board of the bench is found by its probe's serial number. A board whose HELLO says
    the very build already, by build-id and image CRC, is not written again, unless with --always.
    """
    from host.cli.flash_bench import chosen, flash, print_commands

    _check_flashes(at)
    entry = chosen(at, flasher, server, boot, dry_run)
    if entry is None:
        _flash_tier(source, at, wait, out, force, always, json_path)
    elif dry_run:
        print_commands(entry, source, server, boot, json_path)
    else:
        project = _project(source, board, out, force, json_path)
        flash(entry, project, server, boot, wait, always, json_path)


def _flash_tier(
    source: Path,
    at: "Which",
    wait: float,
    out: Path | None,
    force: bool,
    always: bool,
    json_path: str | None,
) -> None:
    """Flash a board that is kept, or that ends with this command."""
    from host.boards import open_board
    from host.boards.chip import as_run_by
    from host.boards.silence import explain_silence
    from host.boards.tiers import tier_of
    from host.deadline import Deadline
    from host.elf_record import check_recorded
    from host.link.attempts import Mute, Silence
    from host.link.client import Client
    from host.link.identity import check_identity

    project = _project(source, at.tier, out, force, json_path)
    check_recorded(project.elf)
    with open_board(at, wait=wait) as opened:
        held = None if always or not opened.kept else _held(opened, at, project)
        report = None if held else opened.flash(project.elf, Deadline.after(_FLASH))
        transport = opened.connect(Deadline.after(_HELLO))
        try:
            hello = held or Client(transport).hello(Deadline.after(_HELLO))
        except (Mute, Silence) as error:
            raise explain_silence(error, opened, project.elf, transport.close) from error
        finally:
            transport.close()
        at.check_uid(hello)
        check_identity(hello, project)
        hello = as_run_by(tier_of(at.tier), hello)
        show(hello, report, "" if opened.kept else STARTED, json_path)
        write_json(
            json_path,
            {
                "schema": SCHEMA,
                "board": at.tier,
                "kept": opened.kept,
                "elf": str(project.elf),
                "hello": hello.as_dict(),
                "flash": of_report(report),
            },
        )


def _held(opened: "Board", at: "Which", project: "Project") -> "Hello | None":
    """The HELLO of a kept board that holds the project's build already; None where it does not, or is silent.

    What a NOR holds beside the application HELLO does not say: there, each block is compared as it is written.
    """
    from host.deadline import Deadline
    from host.errors import NightjarError
    from host.link.client import Client
    from host.link.identity import check_identity

    if at.entry is not None and at.entry.switches == "flash":
        return None
    try:
        transport = opened.connect(Deadline.after(_ASK))
        try:
            hello = Client(transport).hello(Deadline.after(_ASK))
        finally:
            transport.close()
        check_identity(hello, project)
    except NightjarError:
        return None
    return hello


def _check_flashes(at: "Which") -> None:
    from host.errors import BadInput

    if not at.flashes:
        raise BadInput(
            "flash writes firmware",
            evidence="Received: --no-flash",
            next_step="leave it out, or judge what runs with `nightjar verify --no-flash`",
        )


def _project(
    source: Path, board: str, out: Path | None, force: bool, json_path: str | None
) -> "Project":
    """The built project: `source` itself, or made from it."""
    from host.boards.tiers import require_runs, tier_of
    from host.deadline import Deadline
    from host.owned import alone_in, around
    from host.project import DESCRIPTION, load_project

    if (source / DESCRIPTION).is_file():
        project = load_project(source)
        require_runs(board, project.description.board)
        with alone_in(around(source), Deadline.after(_BUILD)):
            return _built(project, json_path)
    from host.bundle import load_subject

    subject = load_subject(source)
    folder = out or Path("build/firmware") / f"{board}-{subject.model_sha256[:12]}"
    say(f"generating {folder}", json_path)
    from model_gen.codegen.project.generate import generate

    with alone_in(around(folder), Deadline.after(_BUILD)):
        return _built(generate(subject, tier_of(board).runs[0], folder, force=force), json_path)


def _built(project: "Project", json_path: str | None) -> "Project":
    """`project` with its ELF up to date; one without sources has what it has."""
    from host.build import build
    from host.deadline import Deadline

    if (project.path / "CMakeLists.txt").is_file():
        say(f"building {project.elf}", json_path)
        build(project, Deadline.after(_BUILD))
    return project


def of_report(report: "FlashReport | None") -> dict[str, object] | None:
    """What flashing took, for JSON; None where the board held that build already."""
    if report is None:
        return None
    return {
        "bytes": report.bytes,
        "seconds": report.seconds,
        "total_seconds": report.total_seconds,
        "bytes_per_second": report.bytes_per_second,
    }


def show_report(report: "FlashReport | None", json_path: str | None) -> None:
    """Say what flashing took."""
    took = "not written: the board holds this build already (--always writes it)"
    if report is not None:
        took = (
            f"{report.bytes:,} bytes in {report.seconds:.3f} s ({report.bytes_per_second / 1e6:.1f} MB/s), "
            f"verified; {report.total_seconds:.2f} s in all"
        )
    say(f"{'flashed':10} {took}", json_path)


def show(hello: "Hello", report: "FlashReport | None", remark: str, json_path: str | None) -> None:
    """Say what flashing took and who answers; `remark` is said beside the kind of board."""
    show_report(report, json_path)
    rows = [
        ("board", hello.board + remark),
        ("build-id", hello.build_id.hex()),
        ("image CRC", f"{hello.image:08x}"),
        ("model", hello.model.hex()),
        ("contract", hello.contract.hex()),
        ("protocol", str(hello.protocol)),
        ("compiler", hello.compiler),
        ("backend", hello.backend),
        ("rounding", hello.rounding or "none needed"),
        ("cost unit", hello.cost_unit),
        *of_the_chip(hello),
    ]
    for name, value in rows:
        say(f"{name:10} {value}", json_path)


def of_the_chip(hello: "Hello") -> list[tuple[str, str]]:
    """What HELLO says of a chip, as rows; nothing where there is none."""
    if not hello.uid:
        return []
    known = enumerate(("instructions", "data"))
    caches = [name for bit, name in known if hello.caches >> bit & 1]
    return [
        ("unique id", hello.uid.hex()),
        ("clocks", ", ".join(f"{hz / 1e6:g}" for hz in hello.clocks) + " MHz"),
        ("caches", " and ".join(caches) or "off"),
        ("overruns", str(hello.overruns)),
    ]
