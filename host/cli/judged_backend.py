"""`--rounding` and `--backend` of commands that judge: what firmware must be of, and how one of the NPU comes to be."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host.backends import NEURAL_ART
from host.boards.kinds import DK, SILICON, VIRTUAL_N6
from host.boards.tiers import tier_of
from host.cli.parameters import Choice
from host.errors import BadInput

if TYPE_CHECKING:
    from host.boards.which import Which

_MADE = "build/npu"  # where the commands that are named write the project

rounding_option = click.option(
    "--rounding",
    default="tflite",
    show_default=True,
    type=Choice(["tflite", "tflm"]),
    help="Whose rounding rules the firmware has, and who judges: the pinned TFLite's reference, or tflite-micro.",
)
backend_option = click.option(
    "--backend",
    type=Choice(["cm55", NEURAL_ART]),
    help="What the firmware must be of. One of neural_art is made by `nightjar build`, and given as --project.",
)


def check_backend(
    backend: str | None, project: Path | None, *, model: Path, command: str, at: "Which"
) -> None:
    """Refuse what is asked of another backend than what would be judged.

    Args:
        backend: what is asked for; None: whatever the project is of.
        project: the project that is judged; None: one of cm55 is made.
        model: what it is made of.
        command: as the user has begun it, such as "verify bundle".
        at: the board.

    Raises:
        BadInput: naming the commands to run.
    """
    from host.project import load_project

    if backend is None:
        return
    if project is None:
        if backend == NEURAL_ART:
            kinds = [kind for kind in tier_of(at.tier).runs if kind in SILICON]
            kind, board = (kinds[0], at.option) if kinds else (DK.name, VIRTUAL_N6)
            raise BadInput(
                "firmware of backend neural_art is built first, and judged then",
                evidence="Received: --backend neural_art without --project",
                next_step=f"nightjar build {shlex.quote(str(model))} --backend neural_art --board {kind}"
                f" --out {_MADE} && nightjar {command} --project {_MADE} --board {shlex.quote(board)}",
            )
        return
    found = load_project(project).description.backend
    if found != backend:
        raise BadInput(
            "the project is of another backend",
            evidence=f"Received: --backend {backend}, a project of {found}",
            next_step="leave --backend out, or give the other project",
        )
