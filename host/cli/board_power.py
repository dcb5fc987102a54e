"""`nightjar board power`: take a board's power and give it again, by the bench's power commands."""

from pathlib import Path

import click

from host.cli.board_options import bench_option, wait_option
from host.cli.common import json_option, say, subcommand, write_json
from host.cli.parameters import FiniteRange

SCHEMA = "nightjar/board-power/1"


@subcommand("power")
@click.argument("name", metavar="NAME")
@bench_option
@wait_option
@click.option(
    "--deadline",
    default=60.0,
    show_default=True,
    type=FiniteRange(min=0),
    metavar="SECONDS",
    help="For the bench's commands.",
)
@json_option
def power(
    name: str, bench: Path | None, wait: float, deadline: float, json_path: str | None
) -> None:
    """Take a board's power and give it again, with the board locked meanwhile.

    Whether it answers then, the next command finds out; one that was marked stays so.
    """
    from host.boards.bench_file import find_bench
    from host.boards.flashers.reach import held, plugged
    from host.boards.pool import meant
    from host.boards.recovery.power import can_cycle, cycle
    from host.deadline import Deadline
    from host.errors import BadInput

    found = find_bench(bench)
    board = plugged(found.board(name))
    if not can_cycle(board.power):
        raise BadInput(
            f"nothing says how the power of {name} is switched",
            evidence=f"Received: {found.path} without power.cycle, and without power.off and power.on",
            next_step="add power commands to bench.toml: docs/recovery.md has examples",
        )
    with meant(name, bench=bench, wait=wait, writes=True), held(board, wait):  # leased, if need be
        cycle(board.power, Deadline.after(deadline))
    say(f"{name}: its power was taken and given again", json_path)
    write_json(json_path, {"schema": SCHEMA, "board": name})
