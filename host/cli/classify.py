"""`nightjar classify`: label recordings on the host and on a board, side by side."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.cli.application_options import NAMES, application_options, refuse
from host.cli.board_options import board_options
from host.cli.common import json_option, project_option, say, stream_option, subcommand, write_json
from host.cli.parameters import Choice, FiniteRange, WholeRange

if TYPE_CHECKING:
    from host.boards.which import Which
    from host.listen.rule import Options


@subcommand(
    "classify",
    help="Cut each FILE into overlapping chunks, let the host and a board classify every chunk (the board through its"
    " own frontend), pool the scores and show the best labels of both. Firmware that streams is sent each sample once."
    " With --detections also what firmware with the application mode would report, as the host computes it."
    " Exit 19 when a score differs.",
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@board_options(
    'virtual, native, ..., the name of a board on the bench, or "none": host only.', none=True
)
@click.option(
    "--overlap",
    default=0.5,
    show_default=True,
    type=FiniteRange(0, 1, max_open=True),
    help="Share of a chunk that the next one repeats.",
)
@click.option("--pool", default="lme", show_default=True, type=Choice(["max", "average", "lme"]))
@click.option("--top-k", default=3, show_default=True, type=WholeRange(min=1))
@project_option
@stream_option
@click.option(
    "--detections",
    is_flag=True,
    help="Show what the application mode detects; --pool and --overlap are its, too.",
)
@application_options(feed=False)
@json_option
def command(
    bundle: Path,
    files: tuple[Path, ...],
    board: str,
    at: "Which | None",
    wait: float,
    overlap: float,
    pool: str,
    top_k: int,
    project: Path | None,
    stream: bool,
    detections: bool,
    detecting: "Callable[[], Options | None]",
    json_path: str | None,
) -> int:
    from host.bundle import load_subject
    from host.compare.bench import Bench
    from host.compare.prepare import prepare
    from host.compare.session import Session
    from host.errors import BadInput
    from host.exit_codes import Exit
    from host.listen.application import host_detections
    from host.listen.classify import Listener, as_json, show
    from host.listen.listening import line, rows
    from host.listen.rule import Options, make_rule
    from model_gen.codegen.project.frontend import check_stream

    subject = load_subject(bundle)
    if subject.contract is None:
        raise BadInput(
            "classify needs a bundle: a bare .tflite says neither how sound becomes its input nor its labels",
            evidence=f"Received: {bundle}",
            next_step="make a bundle with `nightjar quantize`",
        )
    options = detecting()
    if not detections:
        refuse(NAMES, "--detections")
    if stream:
        check_stream(subject.contract)
    made = None
    if board != "none":
        _, made = prepare(bundle, board, rounding=None, stream=stream, project=project)
        stream = made.description.stream
    listener = Listener(
        subject, overlap=overlap, how=pool, top_k=top_k, stream=stream, project=made
    )
    if listener.rounded:
        say(listener.rounded, json_path)
    recordings = [listener.open(file) for file in files]
    build_id, unit = None, "none"
    if made is None:
        heard = [listener.listen(recording, None) for recording in recordings]
    else:
        with Bench(Session(made, subject, board, vectors=0, seed=0, wait=wait, at=at)) as bench:
            hello = bench.identity()
            build_id, unit = hello.build_id.hex(), hello.cost_unit
            heard = [listener.listen(recording, bench.infer) for recording in recordings]
    result = as_json(heard, listener, board=board, build_id=build_id, unit=unit)
    show(heard, unit=unit, to_stderr=json_path == "-")
    if detections:
        rule = make_rule(subject.contract, options or Options())
        labels = subject.contract.labels
        for recording, file in zip(recordings, result["files"], strict=True):
            found = host_detections(listener.oracle, rule, recording.samples)
            file["detections"] = rows(found, rule, labels)
            say(f"{recording.path}: {len(found)} detections", json_path)
            for one in found:
                say(line(one, rule, labels), json_path)
    write_json(json_path, result)
    return Exit.FIRMWARE if any(result.differing for result in heard) else Exit.OK
