"""Options of commands that generate firmware: for which processor, by whose rules, from whose output."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from host.backends import NEURAL_ART
from host.cli.parameters import Choice

_OPTIONS = (
    click.option(
        "--rounding",
        type=Choice(["tflite", "tflm"]),
        default="tflite",
        show_default=True,
        help="Whose rounding rules to follow: the pinned TFLite's reference, or tflite-micro's.",
    ),
    click.option(
        "--backend",
        type=Choice(["cm55", NEURAL_ART]),
        default="cm55",
        show_default=True,
        help="Our int8 kernels on the Cortex-M55, or ST's stedgeai for the Neural-ART.",
    ),
    click.option(
        "--from",
        "taken",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="With backend neural_art: take what stedgeai generated elsewhere from the model.",
    ),
    click.option(
        "--release",
        is_flag=True,
        help="With backend neural_art: the epoch controller, and no tensors to look at.",
    ),
)


optimize_option = click.option(
    "--optimize",
    type=Choice(["speed", "flash"]),
    help="What for: flash packs weights where that saves an eighth of a layer, and unpacks them to RAM before "
    "it runs.  [default: speed]",
)


def generating_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--rounding`, `--backend`, `--from`, `--release` and `--optimize`; `--from` is passed as `taken`."""
    for add in reversed((*_OPTIONS, optimize_option)):
        function = add(function)
    return function
