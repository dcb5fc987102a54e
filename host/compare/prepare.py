"""From a model to a built project: what verify, hil, classify and bench do first."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from host.bundle import Subject, load_subject
from host.deadline import Deadline
from host.elf_record import check_recorded
from host.errors import BadInput, HostFailure
from host.project import Project, check_streams, load_project
from host.reference.kept import KeptReference

BUILD = 300.0  # seconds for cmake and ninja on a busy machine
HOME = Path("build/subjects")


def default_folder(
    subject: Subject, board: str, rounding: str = "tflite", *, stream: bool = False
) -> Path:
    """Where a subject's firmware is made when nobody says where: one folder a model, contract, board, rule and kind."""
    rule = "" if rounding == "tflite" else f"-{rounding}"
    kind = "-stream" if stream else ""
    return HOME / f"{subject.model_sha256[:12]}-{subject.contract_sha256[:8]}-{board}{rule}{kind}"


def prepare(
    model: Path,
    board: str,
    *,
    rounding: str | None = "tflite",
    stream: bool = False,
    project: Path | None = None,
    out: Path | None = None,
    limit: Deadline | None = None,
) -> tuple[Subject, Project]:
    """Load a bundle or .tflite and make its firmware, or take the ELF of `project` as it lies there.

    Args:
        rounding: whose rules, "tflite" or "tflm"; None is what `project` has, or else "tflite".
        stream: the firmware must take samples as they arrive, too.
        out: the project is written to out / "firmware".
        limit: a deadline over everything.

    Raises:
        BadInput: the model or the project cannot be used, or the rules' own judge cannot run the model.
        IdentityFailure: the ELF is not the one that was linked.
        HostFailure: the compiler failed, or the rules' judge is not installed.
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
        if rounding not in (None, taken.description.rules):
            raise BadInput(
                "the project was generated with other rounding rules",
                evidence=f"Received: --rounding {rounding}, a project of {taken.description.rules}",
                next_step=f"use --rounding {taken.description.rules}",
            )
        check_streams(taken, stream)
        check_recorded(taken.elf)
        return subject, taken
    from host.build import build
    from model_gen.codegen.project import generate

    rounding = rounding or "tflite"
    folder = out if out is not None else default_folder(subject, board, rounding, stream=stream)
    patience = Deadline.after(BUILD) if limit is None else limit.at_most(BUILD)
    with alone_in(folder, patience):
        made = generate(subject, board, folder / "firmware", rounding=rounding, stream=stream)
        if rounding == "tflm":
            _ = KeptReference(subject.model, rounding).ports  # its judge may refuse: before a build
        if build(made, patience):
            made = replace(made, recalled=(*made.recalled, "build"))
    return subject, made


@contextmanager
def alone_in(folder: Path, deadline: Deadline) -> Iterator[None]:
    """Hold `folder`, made where it is absent, against other commands that make the same firmware in it.

    The lock is on the folder itself: the kernel frees it when the process ends, and no file is left. A folder that was
    made here and is still empty when the block fails is removed again.

    Raises:
        BadInput: `folder` is a file.
        HostFailure: another command still holds it at the deadline.
    """
    absent = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileExistsError, NotADirectoryError) as error:
        raise BadInput(
            "the place for the firmware must be a folder", evidence=f"Received: {folder}"
        ) from error
    try:
        while not _locked(handle):
            if deadline.expired:
                raise HostFailure(
                    "another command is making firmware in the same folder",
                    evidence=f"{folder} is still held",
                    next_step="wait until it ends, or give another --out",
                )
            time.sleep(0.05)
        yield
    except BaseException:
        with suppress(OSError):  # something is in it, or somebody else has removed it
            for path in absent:
                path.rmdir()
        raise
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
