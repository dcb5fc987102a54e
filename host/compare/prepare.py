"""From a model to a built project: what verify, hil, classify and bench do first."""

from pathlib import Path

from host.bundle import Subject, load_subject
from host.deadline import Deadline
from host.errors import BadInput
from host.project import Project, load_project

BUILD = 300.0  # seconds for cmake and ninja on a busy machine
HOME = Path("build/subjects")


def default_folder(subject: Subject, board: str, rounding: str = "tflite") -> Path:
    """Where a subject's firmware is made when nobody says where: one folder a model, contract, board and rule."""
    rule = "" if rounding == "tflite" else f"-{rounding}"
    return HOME / f"{subject.model_sha256[:12]}-{subject.contract_sha256[:8]}-{board}{rule}"


def prepare(
    model: Path,
    board: str,
    *,
    rounding: str = "tflite",
    project: Path | None = None,
    out: Path | None = None,
) -> tuple[Subject, Project]:
    """Load a bundle or .tflite and make its firmware, or take the ELF of `project` as it lies there.

    Args:
        out: the project is written to out / "firmware".

    Raises:
        BadInput: the model or the project cannot be used.
        HostFailure: the compiler failed.
    """
    subject = load_subject(model)
    if project is not None:
        taken = load_project(project)
        if not taken.elf.is_file():
            raise BadInput(
                "the project holds no ELF to judge",
                evidence=f"Received: {project} without {taken.elf.relative_to(project)}",
                next_step="build it with `cmake -G Ninja -S . -B build && cmake --build build`",
            )
        if taken.description.board != board:
            raise BadInput(
                "the project was generated for another board",
                evidence=f"Received: --board {board}, a project for {taken.description.board}",
                next_step=f"use --board {taken.description.board}",
            )
        return subject, taken
    from model_gen.codegen.project import generate

    from host.build import build

    folder = (out if out is not None else default_folder(subject, board, rounding)) / "firmware"
    made = generate(subject, board, folder, rounding=rounding)
    build(made, Deadline.after(BUILD))
    return subject, made
