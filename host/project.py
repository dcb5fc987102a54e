"""A firmware project on disk, as the host sees it: its ELF and `nightjar.json`, the table of taps."""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

from host.elf_record import record_path
from host.errors import BadInput
from host.listen.rule import Rule
from host.reading import load_json
from host.typed import typed

SCHEMA = "nightjar/project/1"
DESCRIPTION = "nightjar.json"
ELF = "build/nightjar.elf"
FAILED = "failure.njs"  # a failed session with it; of a process of xdist, failure-gw0.njs
ATTEMPT = "attempt-{}.njs"  # the same of one that was begun anew, by its number
RUNTIME = "st"  # of backend neural_art: ST's runtime, where that and not ours runs the network
GENERATED = (
    "generated"  # of backend neural_art: network.c and constants, as the compiler wrote them
)
MOST_STEPS = 1 << 16  # the firmware counts in uint16_t
MOST_BYTES = 1 << 31  # of a tensor; above any board's memory


@dataclass(frozen=True)
class Tap:
    """One output tensor of one TFLite op; of backend neural_art, one buffer that an epoch finishes.

    `slot` is its index in the firmware's tap table, None when it is not observed. `step` is the generated step after
    which it is whole. `cost_steps` are the steps whose cost belongs to this op.
    """

    index: int  # of the op in the .tflite; the number of the epoch
    tensor: int  # of the tensor in the .tflite; its place in the executor's order
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
    application: Rule | None = (
        None  # what a detection is, where the firmware has an application mode
    )
    state_bytes: int = 0  # that an inference leaves to the next
    optimize: str = (
        "speed"  # what for: "speed", or "flash", with weights that are unpacked layer by layer
    )

    def to_json(self) -> bytes:
        """The bytes of `nightjar.json`; the same description always gives the same bytes."""
        content = {"schema": SCHEMA, **asdict(self)}
        if self.application is None:
            del content["application"]
        if not self.state_bytes:
            del content["state_bytes"]
        if self.optimize == "speed":
            del content["optimize"]
        return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


NO_ROOM = "DOES NOT FIT"  # what `Project.elsewhere` says of a board that is too small


@dataclass(frozen=True)
class Project:
    """A generated firmware project and its ELF; `recalled` names what was not made anew.

    elsewhere: whether its model would fit other boards, in one line; "" where that was not asked.
    """

    path: Path
    description: ProjectDescription
    recalled: tuple[str, ...] = field(default=(), compare=False)
    elsewhere: str = field(default="", compare=False)

    @property
    def fits_elsewhere(self) -> bool:
        """Whether no other board was found too small."""
        return NO_ROOM not in self.elsewhere

    @property
    def elf(self) -> Path:
        return self.path / ELF

    @property
    def elf_record(self) -> Path:
        """What the build recorded of the ELF that it linked."""
        return record_path(self.elf)

    @property
    def copied(self) -> tuple[str, ...]:
        """`judged`, and ST's runtime where that runs the network: what stays on this computer."""
        found = (one for one in self.path.glob(f"{RUNTIME}/**/*") if one.is_file())
        return (*self.judged, *sorted(one.relative_to(self.path).as_posix() for one in found))

    @property
    def judged(self) -> tuple[str, ...]:
        """The paths of the files that it takes to flash and judge the ELF, as far as they are there, with slashes.

        Its description, the ELF and its record, the programs that are flashed beside it, and the generated network.
        """
        names = [DESCRIPTION, ELF, record_path(Path(ELF)).as_posix()]
        found = [name for name in names if (self.path / name).is_file()]
        beside = (
            *self.path.glob(f"{Path(ELF).parent}/nj_*.elf"),
            *self.path.glob(f"{GENERATED}/*"),
        )
        return (
            *found,
            *sorted(one.relative_to(self.path).as_posix() for one in beside if one.is_file()),
        )


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
    again = "make the project again with `nightjar generate`"
    raw = load_json(file, DESCRIPTION, next_step=again)
    try:
        if raw.pop("schema") != SCHEMA:
            raise KeyError("schema")
        description = typed(ProjectDescription, raw)
        _check_numbers(description)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{DESCRIPTION} must follow the schema {SCHEMA}",
            evidence=f"Received: {type(error).__name__}: {error}",
            next_step=again,
        ) from error
    return Project(path, description)


def _check_numbers(description: ProjectDescription) -> None:
    """Raise ValueError for a number that no generated project has, or an application that takes no stream."""
    steps = description.steps
    if not 1 <= steps <= MOST_STEPS or not (
        0 <= description.arena_bytes <= MOST_BYTES and 0 <= description.state_bytes <= MOST_BYTES
    ):
        raise ValueError(f"{steps} steps, an arena of {description.arena_bytes} bytes")
    if description.application is not None and not description.stream:
        raise ValueError("an application that does not stream")
    ports = description.inputs + description.outputs
    tensors: list[Port | Tap] = [*ports, *description.taps]
    for tensor in tensors:
        sizes = (tensor.tensor, tensor.bytes, math.prod(tensor.shape))
        if min(tensor.shape, default=1) < 1 or not all(0 <= one <= MOST_BYTES for one in sizes):
            raise ValueError(f"tensor {tensor.tensor} of {tensor.bytes} bytes, {tensor.shape}")
    for tap in description.taps:
        slot = 0 if tap.slot is None else tap.slot
        places = (*tap.cost_steps, 0 if tap.step is None else tap.step)
        if not (0 <= tap.index <= MOST_BYTES and 0 <= slot < MOST_STEPS):
            raise ValueError(f"a tap of op {tap.index} in slot {slot}")
        if not all(0 <= one < steps for one in places):
            raise ValueError(f"a tap of op {tap.index} at the steps {places}, of {steps}")


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
