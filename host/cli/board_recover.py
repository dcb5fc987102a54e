"""`nightjar board recover`: bring a board back that does not answer."""

from pathlib import Path

import click

from host.cli.board_options import bench_option, wait_option
from host.cli.common import json_option, say, subcommand, write_json
from host.cli.parameters import FiniteRange

SCHEMA = "nightjar/board-recover/1"


@subcommand("recover")
@click.argument("name", metavar="NAME")
@click.argument("firmware", required=False, type=click.Path(exists=True, path_type=Path))
@bench_option
@wait_option
@click.option(
    "--deadline",
    default=1200.0,
    show_default=True,
    type=FiniteRange(min=1),
    help="Seconds after which no rung is begun.",
)
@json_option
def recover(
    name: str,
    firmware: Path | None,
    bench: Path | None,
    wait: float,
    deadline: float,
    json_path: str | None,
) -> None:
    """Bring a board back that does not answer: a soft reset, one by the probe, its power, and FIRMWARE written anew.

    Ends with the first that makes it say HELLO, and removes its mark. Where none does, the board is marked, and
    refused by every command until this one brings it back. FIRMWARE is a project's folder or an ELF.
    """
    from host.boards.pool import meant
    from host.boards.recovery.recover import recover as bring_back
    from host.deadline import Deadline
    from host.errors import BoardFailure
    from host.project import load_project

    elf = firmware
    if firmware is not None and firmware.is_dir():
        elf = load_project(firmware).elf
    with meant(name, bench=bench, flashes=False, wait=wait) as at:
        found = bring_back(
            *(at, elf, lambda line: say(line, json_path), Deadline.after(deadline)), wait=wait
        )
    write_json(
        json_path,
        {
            "schema": SCHEMA,
            "board": at.name,
            "answers": found.answers,
            "marked": found.marked,
            "steps": [step.as_json() for step in found.steps],
        },
    )
    if not found.answers:
        raise BoardFailure(
            f"nothing brought the board {at.name} back",
            evidence="; ".join(step.line for step in found.steps),
            next_step="look at its supply, its switches and its cables; it is refused until `nightjar board recover`"
            " sees it answer"
            if found.marked
            else f"`nightjar board down {at.name}`, then up",
        )
