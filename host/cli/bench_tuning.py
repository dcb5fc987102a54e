"""`nightjar bench tuning`: the best of a search against the preset's own options, on a speaker not heard."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from host.cli.columns import say_columns
from host.cli.common import say, write_json
from host.cli.parameters import WholeRange

SCHEMA = "nightjar/tuning-bench/1"
HOME = Path("build/bench/tuning")
_OPTIONS = (
    click.option(
        "--trials",
        default=20,
        show_default=True,
        type=WholeRange(min=1, max=100000),
        help="For `bench tuning`: of the search.",
    ),
    click.option(
        "--budget-macs",
        type=WholeRange(min=1),
        help="For `bench tuning`: multiply-accumulates of a trial at most.  [default: any]",
    ),
)


def tuning_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `bench tuning`."""
    for add in reversed(_OPTIONS):
        function = add(function)
    return function


def bench_tuning(
    json_path: str | None,
    *,
    data_path: Path,
    tests: tuple[str, ...],
    seeds: int,
    epochs: int | None,
    trials: int,
    budget_macs: int | None,
) -> int:
    """Search, train again, hear, print; see `nightjar bench --help`."""
    from model_gen.tuning.bench import HEADING, BenchOptions, measure
    from model_gen.tuning.bench_payload import apart, payload

    found = measure(
        BenchOptions(
            data_path=data_path,
            out=HOME,
            test=_one(tests),
            trials=trials,
            seeds=seeds,
            budget_macs=budget_macs,
            epochs=epochs,
        )
    )
    write_json(json_path, {"schema": SCHEMA, **payload(found)})
    say_columns([HEADING, *(row.cells() for row in found.rows)], json_path)
    for text in apart({kind: asdict(one) for kind, one in found.apart.items()}):
        say(text, json_path)
    return 0


def _one(tests: tuple[str, ...]) -> str | None:
    from host.errors import BadInput

    if len(tests) > 1:
        raise BadInput(
            "`bench tuning` is of one speaker who tests",
            evidence=f"Received: --speakers {', '.join(tests)}",
            next_step="give --speakers once, or leave it out",
        )
    return tests[0] if tests else None
