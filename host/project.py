"""A firmware project on disk, as the host sees it: its ELF and `nightjar.json`, the table of taps."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from host.elf_record import record_path
from host.errors import BadInput

SCHEMA = "nightjar/project/1"
DESCRIPTION = "nightjar.json"
ELF = "build/nightjar.elf"


@dataclass(frozen=True)
class Tap:
    """One output tensor of one TFLite op.

    `slot` is its index in the firmware's tap table, None when it is not observed. `step` is the generated step after
    which it is whole. `cost_steps` are the steps whose cost belongs to this op.
    """

    index: int  # of the op in the .tflite
    tensor: int  # of the tensor in the .tflite
    name: str
    op: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    observed: bool
    reason: str  # why it is not observed, else ""
    slot: int | None
    step: int | None
    cost_steps: tuple[int, ...]


@dataclass(frozen=True)
class Port:
    """A model input or output as the firmware holds it."""

    tensor: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    scale: float
    zero_point: int


@dataclass(frozen=True)
class ProjectDescription:
    """What `nightjar.json` says."""

    board: str
    backend: str
    model_sha256: str
    contract_sha256: str
    rounding: dict[str, str]  # op name -> single | double
    arena_bytes: int  # scratch included
    steps: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    taps: tuple[Tap, ...]  # in the order of the ops of the .tflite
    rules: str = "tflite"  # whose the rounding is, and so who judges: the pinned TFLite, or "tflm"
    stream: bool = False  # whether the firmware takes samples as they arrive, too

    def to_json(self) -> bytes:
        """The bytes of `nightjar.json`; the same description always gives the same bytes."""
        return (
            json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, sort_keys=True) + "\n"
        ).encode()


@dataclass(frozen=True)
class Project:
    """A generated firmware project and its ELF; `recalled` names what was not made anew."""

    path: Path
    description: ProjectDescription
    recalled: tuple[str, ...] = field(default=(), compare=False)

    @property
    def elf(self) -> Path:
        return self.path / ELF

    @property
    def elf_record(self) -> Path:
        """What the build recorded of the ELF that it linked."""
        return record_path(self.elf)


def load_project(path: Path) -> Project:
    """Read a generated project.

    Raises:
        BadInput: the folder is not one.
    """
    file = path / DESCRIPTION
    if not file.is_file():
        raise BadInput(
            f"a firmware project holds {DESCRIPTION}",
            evidence=f"Received: {path}",
            next_step="make the project with `nightjar generate`",
        )
    try:
        raw: dict[str, Any] = json.loads(file.read_bytes())
        if raw.pop("schema") != SCHEMA:
            raise KeyError("schema")
        description = ProjectDescription(
            inputs=tuple(_port(p) for p in raw.pop("inputs")),
            outputs=tuple(_port(p) for p in raw.pop("outputs")),
            taps=tuple(_tap(t) for t in raw.pop("taps")),
            **raw,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{DESCRIPTION} must follow the schema {SCHEMA}",
            evidence=f"Received: {type(error).__name__}: {error}",
            next_step="make the project again with `nightjar generate`",
        ) from error
    return Project(path, description)


def check_streams(project: Project, stream: bool) -> None:
    """Refuse to stream to firmware that does not.

    Raises:
        BadInput: `stream` is asked for, and `project` was generated without.
    """
    if stream and not project.description.stream:
        raise BadInput(
            "the firmware of this project does not stream",
            evidence=f"Received: --stream, and {project.path}, which was generated without",
            next_step="make it again with `nightjar build BUNDLE --stream`",
        )


def _port(raw: dict[str, Any]) -> Port:
    return Port(shape=tuple(raw.pop("shape")), **raw)


def _tap(raw: dict[str, Any]) -> Tap:
    return Tap(shape=tuple(raw.pop("shape")), cost_steps=tuple(raw.pop("cost_steps")), **raw)
