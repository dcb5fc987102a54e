"""`nightjar selftest`: the tester tested, in great numbers."""

import click

from host.cli.common import Group, json_option, say, write_json

SCHEMA = "nightjar/selftest/1"


@click.group("selftest", cls=Group, help="Test the tester: calls, flips, signals, links.")
def command() -> None:
    pass


@command.command(
    "matrix",
    help="Call the suite in every way that could hide a failure, on good, damaged and foreign firmware and over a dead"
    " link. Exit 1 when one of them does not give the code of the table.",
)
@click.option("--quick", is_flag=True, help="Only the calls that every test run makes.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(min=1))
@click.option("--only", multiple=True, help="Only this call; may be repeated.")
@json_option
def matrix(quick: bool, workers: int, only: tuple[str, ...], json_path: str | None) -> int:
    from dataclasses import asdict

    from host.cli.bar import bar
    from host.selftest.invocations import INVOCATIONS
    from host.selftest.matrix import CONDITIONS, run_matrix

    chosen = [
        one for one in INVOCATIONS if (one.quick or not quick) and (not only or one.name in only)
    ]
    with bar("matrix", len(chosen) * len(CONDITIONS)) as step:
        cells = run_matrix(chosen, workers=workers, done=lambda cell: step())
    wrong = [cell for cell in cells if cell.wrong]
    write_json(
        json_path,
        {
            "schema": SCHEMA,
            "test": "matrix",
            "calls": len(chosen),
            "cells": [asdict(cell) for cell in cells],
            "deviations": len(wrong),
        },
    )
    for cell in wrong:
        say(f"{cell.invocation} on {cell.condition}: wanted {cell.wanted}: {cell.wrong}", json_path)
    say(f"{len(chosen)} calls x {len(CONDITIONS)}: {len(wrong)} deviations", json_path)
    return 1 if wrong else 0
