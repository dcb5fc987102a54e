"""`nightjar build`: the firmware of a project, a bundle or a .tflite."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.backends import NEURAL_ART
from host.cli.application_options import application_options
from host.cli.board_options import bench_option
from host.cli.common import force_option, json_option, say, stream_option, subcommand, write_json
from host.cli.generating_options import generating_options
from host.errors import BadInput
from host.project import Project

if TYPE_CHECKING:
    from host.listen.rule import Options

_SECONDS = 600
_STEDGEAI = 1800  # seconds that stedgeai may take: a large model takes minutes


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
@generating_options
@click.option(
    "--npu-runtime",
    metavar="nightjar|st|DIR",
    help="With backend neural_art: who runs the network, our calls, ST's of the installed stedgeai, or of a folder.  "
    "[default: st where it is installed and fits]",
)
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
    taken: Path | None,
    release: bool,
    optimize: str | None,
    npu_runtime: str | None,
    stream: bool,
    application: bool,
    detecting: "Callable[[], Options | None]",
    force: bool,
    json_path: str | None,
) -> None:
    """Build the firmware of MODEL_OR_PROJECT: a generated project, a bundle folder or a .tflite.

    A bundle or a .tflite is generated first; what is already built and unchanged is not built again. With backend
    neural_art stedgeai compiles it for the NPU first, into a folder beside the project; such a folder, which
    `nightjar generate --backend neural_art` writes too, may be given itself.
    """
    from dataclasses import asdict

    from host.boards.n6_memory import is_n6, regions
    from host.build import build, footprint
    from host.deadline import Deadline
    from host.files import sha256_file
    from host.listen.rule import Options
    from host.owned import alone_in, around
    from host.project import DESCRIPTION, check_streams, load_project
    from model_gen.codegen.neural_art.manifest import is_written

    options = detecting()
    if options is not None and not application:
        raise BadInput(
            "only the application mode makes detections",
            evidence="Received: options of detections without --application",
            next_step="add --application, or leave them away",
        )
    of_npu = backend == NEURAL_ART or is_written(model)
    given = {
        "--from": taken is not None,
        "--release": release,
        "--npu-runtime": npu_runtime is not None,
    }
    cores = {"--rounding": rounding != "tflite", "--optimize": optimize is not None}
    _check_options(of_npu=of_npu, given=given, cores=cores)
    heard = (options or Options()) if application else None
    if (model / DESCRIPTION).is_file():
        project = load_project(model)
        _check_same(model, project.description.board, board, out)
        check_streams(project, stream)
        if optimize not in (None, project.description.optimize):
            raise BadInput(
                "what firmware is optimized for was settled when its project was made",
                evidence=f"Received: --optimize {optimize} for the project {model}",
                next_step="give the bundle or .tflite",
            )
        if application:
            raise BadInput(
                "whether firmware has an application mode was settled when its project was made",
                evidence=f"Received: --application for the project {model}",
                next_step="give the bundle",
            )
        with alone_in(around(model), Deadline.after(_SECONDS)):
            build(project, Deadline.after(_SECONDS))
    else:
        name = _kind(board, bench, of_npu=of_npu)
        folder = out or Path("build/firmware") / name
        with alone_in(around(folder), Deadline.after(_SECONDS)):
            if of_npu:
                project = _for_npu(
                    *(model, name, folder, taken, npu_runtime),
                    release=release,
                    stream=stream,
                    application=heard,
                    force=force,
                )
            else:
                project = _for_core(
                    *(model, name, folder),
                    rounding=rounding,
                    optimize=optimize or "speed",
                    stream=stream,
                    application=heard,
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
            "backend": project.description.backend,
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
    if project.elsewhere:
        say(f"  {project.elsewhere}", json_path)


def _kind(board: str | None, bench: Path | None, *, of_npu: bool) -> str:
    from host.boards.which import kind_for

    return kind_for(board or ("stm32n6570-dk" if of_npu else "virtual"), bench=bench)


def _for_core(
    model: Path,
    board: str,
    folder: Path,
    *,
    rounding: str,
    optimize: str,
    stream: bool,
    application: "Options | None",
    force: bool,
) -> Project:
    from host.bundle import load_subject
    from host.compare.prepare import application_rule
    from model_gen.codegen.project.generate import generate

    subject = load_subject(model)
    return generate(
        subject,
        board,
        folder,
        rounding=rounding,
        optimize=optimize,
        stream=stream,
        application=None if application is None else application_rule(subject, application),
        force=force,
    )


def _for_npu(
    model: Path,
    board: str,
    folder: Path,
    taken: Path | None,
    runtime: str | None,
    *,
    release: bool,
    stream: bool,
    application: "Options | None",
    force: bool,
) -> Project:
    """The project around what stedgeai makes of a model, has made, or made elsewhere."""
    from host.bundle import load_subject
    from host.compare.prepare import application_rule
    from host.deadline import Deadline
    from model_gen.codegen.neural_art.firmware.generate import generate, given_of
    from model_gen.codegen.neural_art.firmware.st_runtime import chosen
    from model_gen.codegen.neural_art.generate import generate as compile_network
    from model_gen.codegen.neural_art.generate import take
    from model_gen.codegen.neural_art.manifest import is_written, read_written
    from model_gen.codegen.neural_art.profile import HIL, RELEASE

    network = folder.with_name(f"{folder.name}-network")
    if is_written(model):
        if taken is not None or release:
            raise BadInput(
                "--from and --release are for a model: the network of that folder is compiled already",
                evidence=f"Received: {model}",
                next_step="leave them out, or give the bundle or .tflite",
            )
        written = read_written(model)
    elif taken is not None:
        written = take(load_subject(model), taken, network, force=force)
    else:
        which, deadline = RELEASE if release else HIL, Deadline.after(_STEDGEAI)
        subject = load_subject(model)
        written = compile_network(
            subject, board, network, build=which, deadline=deadline, force=force
        )
    given = given_of(written)
    st = chosen(runtime, given.folder)
    rule = None if application is None else application_rule(given.subject, application)
    return generate(given, board, folder, st=st, stream=stream, application=rule, force=force)


def _check_options(*, of_npu: bool, given: dict[str, bool], cores: dict[str, bool]) -> None:
    """Refuse options of the other backend: they would be passed over in silence."""
    wrong = [option for option, is_given in (cores if of_npu else given).items() if is_given]
    if wrong:
        raise BadInput(
            f"{', '.join(wrong)} is for backend {'cm55' if of_npu else NEURAL_ART}",
            evidence=f"Received: {', '.join(wrong)}",
            next_step="leave it out, or choose the other with --backend",
        )


def _check_same(project: Path, built_for: str, board: str | None, out: Path | None) -> None:
    """A project is built where it is, for the board that it was generated for."""
    if out is not None or board not in (None, built_for):
        raise BadInput(
            f"{project} is a project for the board {built_for}, and is built in its own folder",
            evidence=f"Received: --board {board}, --out {out}",
            next_step="leave --board and --out away, or give the bundle or .tflite",
        )
