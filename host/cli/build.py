"""`nightjar build`: the firmware of a project, a bundle or a .tflite."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.cli.application_options import application_options
from host.cli.common import (
    bench_option,
    force_option,
    json_option,
    say,
    stream_option,
    subcommand,
    write_json,
)
from host.cli.parameters import Choice

if TYPE_CHECKING:
    from host.listen.rule import Options

_SECONDS = 600


@subcommand(name="build")
@click.argument("model", metavar="MODEL_OR_PROJECT", type=click.Path(path_type=Path))
@click.option("--board", default=None, help="Board to build for.  [default: virtual]")
@bench_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder of the project to write.  [default: build/firmware/BOARD]",
)
@click.option(
    "--rounding",
    type=Choice(["tflite", "tflm"]),
    default="tflite",
    show_default=True,
    help="Whose rounding rules to follow: the pinned TFLite's reference, or tflite-micro's.",
)
@click.option("--backend", type=Choice(["cm55"]), default="cm55", show_default=True)
@stream_option
@click.option(
    "--application",
    is_flag=True,
    help="Firmware that also listens, by itself or when it is told to, and reports detections.",
)
@application_options()
@force_option
@json_option
def command(
    model: Path,
    board: str | None,
    bench: Path | None,
    out: Path | None,
    rounding: str,
    backend: str,
    stream: bool,
    application: bool,
    detecting: "Callable[[], Options | None]",
    force: bool,
    json_path: str | None,
) -> None:
    """Build the firmware of MODEL_OR_PROJECT: a generated project, a bundle folder or a .tflite.

    A bundle or a .tflite is generated first; what is already built and unchanged is not built again.
    """
    from dataclasses import asdict

    from host.boards.n6_memory import is_n6, regions
    from host.boards.which import kind_for
    from host.build import build, footprint
    from host.deadline import Deadline
    from host.errors import BadInput
    from host.files import sha256_file
    from host.owned import alone_in, around
    from host.project import DESCRIPTION, check_streams, load_project

    options = detecting()
    if options is not None and not application:
        raise BadInput(
            "only the application mode makes detections",
            evidence="Received: options of detections without --application",
            next_step="add --application, or leave them away",
        )
    if (model / DESCRIPTION).is_file():
        project = load_project(model)
        _check_same(model, project.description.board, board, out)
        check_streams(project, stream)
        if application:
            raise BadInput(
                "whether firmware has an application mode was settled when its project was made",
                evidence=f"Received: --application for the project {model}",
                next_step="give the bundle",
            )
        with alone_in(around(model), Deadline.after(_SECONDS)):
            build(project, Deadline.after(_SECONDS))
    else:
        from host.bundle import load_subject
        from host.compare.prepare import application_rule
        from host.listen.rule import Options
        from model_gen.codegen.project.generate import generate

        name = kind_for(board or "virtual", bench=bench)
        folder, subject = out or Path("build/firmware") / name, load_subject(model)
        with alone_in(around(folder), Deadline.after(_SECONDS)):
            project = generate(
                subject,
                name,
                folder,
                rounding=rounding,
                stream=stream,
                application=application_rule(subject, options or Options())
                if application
                else None,
                force=force,
            )
            build(project, Deadline.after(_SECONDS))
    sizes = footprint(project)
    digest = sha256_file(project.elf)
    memory = regions(project.elf.read_bytes()) if is_n6(project) else {}
    write_json(
        json_path,
        {
            "schema": "nightjar/build/1",
            "board": project.description.board,
            "backend": backend,
            "elf": str(project.elf),
            "elf_sha256": digest,
            "model_sha256": project.description.model_sha256,
            "stream": project.description.stream,
            "application": project.description.application is not None,
            "footprint": asdict(sizes),
            "regions": {name: asdict(region) for name, region in memory.items()},
        },
    )
    say(f"{project.elf}", json_path)
    say(
        f"  flash {sizes.flash:,} bytes (engine {sizes.engine_flash:,}), ram {sizes.ram:,} "
        f"(arena {sizes.arena:,}, stack {sizes.stack:,})",
        json_path,
    )
    for name, region in memory.items():
        say(f"  {name:9} {region.used:>9,} of {region.bytes:>10,} bytes", json_path)
    say(f"  SHA-256 {digest}", json_path)


def _check_same(project: Path, built_for: str, board: str | None, out: Path | None) -> None:
    """A project is built where it is, for the board that it was generated for."""
    from host.errors import BadInput

    if out is not None or board not in (None, built_for):
        raise BadInput(
            f"{project} is a project for the board {built_for}, and is built in its own folder",
            evidence=f"Received: --board {board}, --out {out}",
            next_step="leave --board and --out away, or give the bundle or .tflite",
        )
