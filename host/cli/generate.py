"""`nightjar generate`: a bundle or a .tflite becomes a firmware project, or what the NPU runs."""

from pathlib import Path
from typing import Any

import click

from host.backends import NEURAL_ART
from host.cli.board_options import bench_option
from host.cli.common import force_option, json_option, say, stream_option, subcommand, write_json
from host.cli.generating_options import generating_options
from host.cli.parameters import Choice
from host.errors import BadInput

_SECONDS = 600  # that another command may take to make firmware beside it
_STEDGEAI = 1800  # seconds that stedgeai may take: a large model takes minutes
_NPU_BOARD = "stm32n6570-dk"  # where none is named


@subcommand(name="generate")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--board",
    help=f"Board to generate for.  [default: virtual; with backend neural_art {_NPU_BOARD}]",
)
@bench_option
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder of the project to write."
)
@generating_options
@click.option(
    "--weights",
    type=Choice(["auto", "ram", "nor"]),
    default="auto",
    show_default=True,
    help="Where the weights lie on an STM32N6: in RAM (with backend neural_art the NPU's) where they fit, or in the"
    " external NOR.",
)
@click.option(
    "--cpu-mhz",
    type=int,
    help="The core's clock on an STM32N6: 600, as without it, or 800, where the board's supply allows.",
)
@stream_option
@force_option
@json_option
def command(
    model: Path,
    board: str | None,
    bench: Path | None,
    out: Path,
    rounding: str,
    backend: str,
    taken: Path | None,
    release: bool,
    optimize: str | None,
    weights: str,
    cpu_mhz: int | None,
    stream: bool,
    force: bool,
    json_path: str | None,
) -> None:
    """Turn MODEL, a bundle folder or a .tflite, into a self-contained firmware project.

    The project builds anywhere with CMake, Ninja or make, and the board's compiler. `nightjar inspect --ops` lists the
    int8 ops that backend cm55 takes; of others, all are told at once, each with its next step.

    Backend neural_art drives ST's stedgeai 2.0 to 4.1 instead ($STEDGEAI_CORE_DIR, ~/.config/nightjar/stedgeai.toml,
    PATH, the usual places), or takes its output with --from. It proves that the NPU was compiled for, and from this
    very model, and writes the files with a manifest, neural_art.json; `nightjar build` makes firmware of that folder.
    """
    if backend == NEURAL_ART:
        given = _others(rounding=rounding != "tflite", stream=stream)
        given |= _others(cpu_mhz=cpu_mhz is not None, optimize=optimize is not None)
        _refuse(given, "backend cm55")
        if taken is not None:
            given = _others(release=release, board=board is not None, weights=weights != "auto")
            _refuse(given, "a generation here, not --from")
        _neural_art(
            *(model, board, bench, out, taken),
            release=release,
            weights=weights,
            force=force,
            json_path=json_path,
        )
        return
    _refuse(_others(release=release) | ({"--from"} if taken else set()), "backend neural_art")
    _cm55(
        *(model, board or "virtual", bench, out),
        json_path,
        rounding=rounding,
        stream=stream,
        weights=weights,
        optimize=optimize or "speed",
        cpu_mhz=cpu_mhz,
        force=force,
    )


def _others(**given: bool) -> set[str]:
    return {f"--{name.replace('_', '-')}" for name, is_given in given.items() if is_given}


def _refuse(options: set[str], what: str) -> None:
    """Refuse options that are for something else: they would be passed over in silence."""
    if options:
        raise BadInput(
            f"{', '.join(sorted(options))} is for {what}",
            evidence=f"Received: {', '.join(sorted(options))}",
            next_step="leave it out",
        )


def _cm55(
    model: Path, board: str, bench: Path | None, out: Path, json_path: str | None, **options: Any
) -> None:
    from host.boards.which import kind_for
    from host.bundle import load_subject
    from host.deadline import Deadline
    from host.owned import alone_in, around
    from model_gen.codegen.project.generate import generate

    subject = load_subject(model)
    with alone_in(around(out), Deadline.after(_SECONDS)):
        project = generate(subject, kind_for(board, bench=bench), out, **options)
    described = project.description
    write_json(
        json_path,
        {
            "schema": "nightjar/generate/1",
            "project": str(out),
            "board": board,
            "backend": described.backend,
            "model_sha256": described.model_sha256,
            "contract_sha256": described.contract_sha256,
            "rounding": described.rounding,
            "arena_bytes": described.arena_bytes,
            "steps": described.steps,
            "stream": described.stream,
            "elsewhere": project.elsewhere,
        },
    )
    say(f"{out}: {described.steps} steps, arena {described.arena_bytes:,} bytes", json_path)
    if project.elsewhere:
        say(f"  {project.elsewhere}", json_path)


def _neural_art(
    model: Path,
    board: str | None,
    bench: Path | None,
    out: Path,
    folder: Path | None,
    *,
    release: bool,
    weights: str,
    force: bool,
    json_path: str | None,
) -> None:
    from host.boards.which import kind_for
    from host.bundle import load_subject
    from host.deadline import Deadline
    from host.owned import alone_in, around
    from model_gen.codegen.neural_art.generate import generate, take
    from model_gen.codegen.neural_art.profile import HIL, RELEASE

    subject = load_subject(model)
    with alone_in(around(out), Deadline.after(_SECONDS)):
        if folder is not None:
            written = take(subject, folder, out, force=force)
        else:
            kind = kind_for(board or _NPU_BOARD, bench=bench)
            build = RELEASE if release else HIL
            deadline = Deadline.after(_STEDGEAI)
            written = generate(
                subject, kind, out, build=build, deadline=deadline, weights=weights, force=force
            )
    manifest = written.manifest
    write_json(json_path, {**manifest, "folder": str(out)})
    for line in _summary(out, manifest):
        say(line, json_path)


def _summary(out: Path, manifest: dict[str, Any]) -> list[str]:
    """What was written, and what was not, in lines for people."""
    epochs, tool = manifest["epochs"], manifest["tool"]
    lines = [
        f"{out}: stedgeai {tool['version'] or 'of unknown version'}, compiler {manifest['compiler']}, "
        f"forms of {manifest['dialect'] or 'an unknown version'}, {manifest['build']} build",
        f"epochs  {epochs['hardware']} in hardware, {epochs['hybrid']} hybrid, {epochs['software']} in software"
        + (f"; {epochs['blobs']} programs of the epoch controller" if epochs["blobs"] else ""),
    ]
    if epochs["cycles"] is not None:
        lines.append(
            f"estimate  {epochs['cycles']:,} cycles of the NPU, {epochs['cycles'] / 1000:,.0f} us at 1 GHz, "
            "the core's part not counted"
        )
    alike: dict[str, list[int]] = {}
    for one in epochs["in_software"]:
        alike.setdefault(f"{', '.join(one['ops'])}: {one['kind']}, {one['why']}", []).append(
            one["epoch"]
        )
    lines += [f"  epoch {', '.join(map(str, numbers))}  {told}" for told, numbers in alike.items()]
    if manifest["build"] == "hil" and not manifest["internal_buffers"]:
        lines.append(
            "  generated without --all-buffers-info: only inputs and outputs can be looked at"
        )
    ends = [one for which in manifest["ends"].values() for one in which]
    lines += [
        f"  {one['name']} is {_type(one)}, not int8: the core converts at the network's ends"
        for one in ends
        if one["bits"] != 8 or not one["signed"]
    ]
    lines += [
        f"model  {manifest['identity']['statement']}",
        f"files  {manifest['c_info']['statement']}",
    ]
    for board, found in manifest["boards"].items():
        told = (
            "fits its memory map"
            if found["fits"]
            else "does not fit: " + ", ".join(found["outside"])
        )
        lines.append(f"board {board}  {told}")
    return lines


def _type(end: dict[str, Any]) -> str:
    return "uint8" if end["bits"] == 8 else f"of {end['bits']} bits"
