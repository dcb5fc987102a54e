"""What vectors reach in a built project: measured on the virtual board, or why it cannot be."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host.boards.plugin import plugin_digest, qemu_version, why_not
from host.bundle import Subject
from host.compare.vectors import Vector
from host.coverage.board import observed
from host.coverage.coverage import SCHEMA, Coverage
from host.coverage.image import read_image
from host.coverage.marks import SOURCE
from host.coverage.steps import find_steps
from host.coverage.tally import tally
from host.deadline import Deadline
from host.errors import BadInput
from host.files import sha256_bytes, sha256_file
from host.project import Project
from host.reference.kept import to_bytes

BOARD = "virtual"


def coverage_reason(board: str) -> str:
    """Why coverage cannot be counted on a board of this kind, here; "" where it can."""
    if board != BOARD:
        return f"the tier {board} cannot count which code runs: only {BOARD} does"
    return why_not(SOURCE)


def require_countable(project: Project) -> None:
    """Raise BadInput where `coverage_reason` has something to say about the board of `project`."""
    board = project.description.board
    if reason := coverage_reason(board):
        raise BadInput(
            "coverage cannot be counted",
            evidence=f"Received: a project for {board}. {reason}",
            next_step=f"use --board {BOARD}",
        )


def measure(
    project: Project,
    subject: Subject,
    vectors: Sequence[Vector],
    *,
    limit: Deadline | None = None,
) -> Coverage:
    """Run the ELF of `project` over `vectors` as a verdict does, on a board of its own, and count.

    The same project and vectors always give the same numbers.

    Raises:
        BadInput: there are no vectors, or this project cannot be counted.
        FirmwareFailure: the firmware faults, or its runs differ.
        BoardFailure, FlashFailure, HostFailure, IdentityFailure: nothing was counted, and why.
    """
    require_countable(project)
    if not vectors:
        raise BadInput(
            "coverage is of vectors, and there are none",
            evidence="Received: 0 vectors",
            next_step="use --vectors 1 or more",
        )
    image = read_image(project.elf)
    steps = find_steps(image, project.description.steps)
    with observed(project, subject, image, steps, limit) as board:
        for vector in vectors:
            board.judge(vector)
        return tally(board.marks, layer_steps(project), project.elf)


def layer_steps(project: Project) -> dict[int, tuple[int, ...]]:
    """Index of each op of the .tflite -> the steps that compute it; none of a folded one."""
    found: dict[int, set[int]] = {}
    for tap in project.description.taps:
        found.setdefault(tap.index, set()).update(tap.cost_steps)
    return {index: tuple(sorted(steps)) for index, steps in found.items()}


def coverage_key(project: Project, vectors: Sequence[Vector]) -> str:
    """SHA-256 in hex of what `measure` depends on: ELF, layers, vectors, this package, QEMU."""
    steps = [f"{index}:{steps}" for index, steps in sorted(layer_steps(project).items())]
    package = sorted(Path(__file__).parent.glob("*.py"))
    parts = [
        SCHEMA.encode(),
        sha256_file(project.elf).encode(),
        ";".join(steps).encode(),
        plugin_digest(SOURCE).encode(),
        qemu_version().encode(),
        *(path.read_bytes() for path in package if not path.stem.endswith("_test")),
        *(_content(vector) for vector in vectors),
    ]
    return sha256_bytes(b"".join(struct.pack("<Q", len(part)) + part for part in parts))


def _content(vector: Vector) -> bytes:
    if vector.chunk is not None:
        return b"chunk" + _tensor(vector.chunk)
    kind = b"inputs" if vector.past is None else b"step"
    return kind + b"".join(_tensor(tensor) for tensor in vector.inputs)


def _tensor(tensor: npt.NDArray[np.generic]) -> bytes:
    head = f"{tensor.dtype.str}{tensor.shape}".encode()
    data = to_bytes(tensor)
    return struct.pack("<QQ", len(head), len(data)) + head + data
