"""`nightjar bench learning`: recipes of training held against each other, on speakers not heard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from host.cli.common import say, write_json
from host.cli.parameters import Choice, WholeRange

_OPTIONS = (
    click.option(
        "--data-path",
        default="../shared/data/fsdd",
        show_default=True,
        type=click.Path(path_type=Path),
        help="For `bench learning`, `family`, `qat` and `tuning`: class folders of clips named SPEAKER_INDEX.wav.",
    ),
    click.option(
        "--out",
        default="build/bench/learning.jsonl",
        show_default=True,
        type=click.Path(path_type=Path),
        help="For `bench learning`: keeps each run, so that none is made twice.",
    ),
    click.option(
        "--speakers",
        multiple=True,
        metavar="NAME",
        help="For `bench learning`, `family`, `qat` and `tuning`: who tests; may be given again.  [default: each in"
        " turn; of `tuning`, the first]",
    ),
    click.option(
        "--seeds",
        default=3,
        show_default=True,
        type=WholeRange(min=1, max=1000),
        help="For `bench learning`, `qat` and `tuning`: how many, 1 to this.",
    ),
    click.option(
        "--recipe",
        multiple=True,
        type=Choice(["today", "reference", "release"]),
        help="For `bench learning`: what trains; may be given again.  [default: all]",
    ),
    click.option("--float-only", is_flag=True, help="For `bench learning`: judge no int8 models."),
)


def learning_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `bench learning`."""
    for add in reversed(_OPTIONS):
        function = add(function)
    return function


def bench_learning(
    json_path: str | None,
    *,
    data_path: Path,
    out: Path,
    speakers: tuple[str, ...],
    seeds: int,
    recipe: tuple[str, ...],
    float_only: bool,
) -> int:
    """Train, judge, print; see `nightjar bench --help`."""
    from model_gen.evaluation.learning.payload import payload
    from model_gen.evaluation.learning.run import LearningOptions, chosen_recipes, measure
    from model_gen.evaluation.learning.table import lines

    runs = measure(
        LearningOptions(
            data_path=data_path,
            out=out,
            recipes=chosen_recipes(recipe),
            speakers=tuple(dict.fromkeys(speakers)),
            seeds=seeds,
            float_only=float_only,
        )
    )
    write_json(json_path, payload(runs))
    for text in lines(runs):
        say(text, json_path)
    return 0
