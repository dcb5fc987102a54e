"""`nightjar listen`: recordings through a board's application mode, its detections held against the host's."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.cli.application_options import application_options, refuse
from host.cli.board_options import board_options
from host.cli.common import faults_option, json_option, say, subcommand, write_json
from host.cli.parameters import Choice, FiniteRange, WholeRange

if TYPE_CHECKING:
    from host.boards.which import Which
    from host.listen.rule import Options

# Of the STM32N6 after its port has set it, where a tier has no clock.
_CLOCK_MHZ = 600.0


@subcommand(
    "listen",
    help="Let firmware with the application mode hear each FILE, as if from its microphone, and hold its detections"
    " against the host's, byte for byte. The recordings may be on its card; or it hears its microphone, which the host"
    " does not. Says what was lost, and what the worst chunk leaves of its time."
    " Exit 19 when a detection differs.",
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@board_options()
@application_options()
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    help="Take this project's ELF and its detections; do not build.",
)
@click.option(
    "--source",
    type=Choice(["link", "card", "microphone"]),
    default="link",
    show_default=True,
    help="Where the sound comes from: each FILE over the link; the card, which has them in this order; the microphone.",
)
@click.option(
    "--seconds",
    type=FiniteRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="With --source microphone: how long.",
)
@click.option(
    "--real-time",
    is_flag=True,
    help="Send each block at its time, and wait for nothing, as a microphone.  [default: as fast as the board hears]",
)
@click.option(
    "--block",
    type=WholeRange(1, 512),
    default=480,
    show_default=True,
    help="Samples of a block.",
)
@click.option(
    "--clock-mhz",
    type=FiniteRange(min=0, min_open=True),
    help=f"Clock that costs are held against.  [default: the board's, or {_CLOCK_MHZ:g}]",
)
@faults_option
@json_option
def command(
    bundle: Path,
    files: tuple[Path, ...],
    board: str,
    at: "Which",
    wait: float,
    detecting: "Callable[[], Options | None]",
    project: Path | None,
    source: str,
    seconds: float,
    real_time: bool,
    block: int,
    clock_mhz: float | None,
    faults: str | None,
    json_path: str | None,
) -> int:
    from dataclasses import replace

    from host.boards.tiers import tier_of
    from host.cli.progress import working
    from host.compare.bench import Bench
    from host.compare.prepare import prepare
    from host.compare.session import Session
    from host.errors import BadInput
    from host.exit_codes import Exit
    from host.link.faults import parse_faults
    from host.listen.application import (
        host_detections,
        listen,
        listen_to_card,
        listen_to_microphone,
    )
    from host.listen.listening import as_json, show
    from host.listen.rule import Options
    from model_gen.audio.decode import decode

    options, tier = detecting(), tier_of(board)
    wrap = None if faults is None else parse_faults(faults).wrap
    timed = tier.counted == "cycles"
    if (source == "microphone") != (not files):
        raise BadInput(
            "recordings are given for the link and the card, and none for a microphone",
            evidence=f"Received: --source {source} and {len(files)} recordings",
            next_step="give the recordings, or --source microphone alone",
        )
    for names, of in ((("real_time", "block"), "link"), (("seconds",), "microphone")):
        if source != of:
            refuse(names, f"--source {of}")
    if project is not None and options is not None:
        raise BadInput(
            "what a detection is was settled when the project was made",
            evidence=f"Received: --project {project} and options of detections",
            next_step="leave one of them away",
        )
    with working("making firmware"):
        subject, made = prepare(
            bundle, board, rounding=None, application=options or Options(), project=project
        )
    rule, contract = made.description.application, subject.contract
    assert rule is not None
    assert contract is not None
    recordings = [(file, decode(file, rule.rate)) for file in files]
    heard = []
    session = Session(made, subject, board, vectors=0, seed=0, wait=wait, at=at, wrap=wrap)
    with working("starting the board") as now, Bench(session) as bench:
        hello = bench.identity()
        clock = round(1e6 * (clock_mhz or _CLOCK_MHZ))
        if clock_mhz is None and hello.clocks:
            clock = hello.clocks[0]
        for index, (file, samples) in enumerate(recordings):
            now(f"hearing {file} on the host")
            expected = host_detections(bench.oracle, rule, samples)
            now(f"hearing {file} on the board, {samples.size / rule.rate:.0f} s")
            if source == "card":
                ask = partial(listen_to_card, bench.client, index, file, samples, expected, rule)
            else:
                hear = partial(listen, block=block, real_time=real_time, timed=timed)
                ask = partial(hear, bench.client, file, samples, expected, rule)
            found = bench.guarded(ask)
            if not found.same:
                again = host_detections(bench.oracle, rule, samples, confirmed=True)
                found = replace(found, host=again)
            heard.append(found)
        if source == "microphone":
            now(f"hearing the microphone for {seconds:g} s")
            ask = partial(listen_to_microphone, bench.client, seconds, rule, timed=timed)
            heard.append(bench.guarded(ask))
    for one in heard:
        show(one, rule, contract.labels, clock, tier.counted, lambda line: say(line, json_path))
    if source == "card" and not all(one.same for one in heard):
        say("  is each recording of the card the file that was given in its place?", json_path)
    who = {"board": board, "build_id": hello.build_id.hex(), "cost_unit": tier.counted}
    write_json(
        json_path,
        as_json(heard, rule, contract.labels, clock, source=source, real_time=real_time, **who),
    )
    return Exit.OK if all(one.same for one in heard) else Exit.FIRMWARE
