"""The verdict: what was proved about which firmware, and the JSON `nightjar/verify/1`."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput

SCHEMA = "nightjar/verify/1"
SCHEMA_FILE = Path(__file__).with_name("verify.schema.json")


@dataclass(frozen=True)
class FirstDifference:
    """The first tensor that differs: the earliest on the way of the data, then the lowest vector.

    `layer` is the index of the op, None for what lies outside the layers: op FRONTEND (the spectrogram), INPUT (the
    model's int8 input), OUTPUT (the scores as sent) and RUN (repeated or untapped runs). `index` is empty and `got` and
    `want` are None where there is no element to show.
    """

    vector: int
    layer: int | None
    name: str
    op: str
    index: tuple[int, ...]
    got: int | float | str | None
    want: int | float | str | None
    differing: int
    max_steps: int
    cause: str


@dataclass(frozen=True)
class LayerVerdict:
    """One op output over all vectors. `instructions` is None on a board that counts nothing."""

    index: int
    name: str
    op: str
    bytes: int
    observed: bool
    reason: str
    differing: int
    max_steps: int
    instructions: int | None


@dataclass(frozen=True)
class CostVerdict:
    """One untapped inference, largest over the vectors; None where there is no such stage, or nothing is counted."""

    frontend: int | None
    model: int | None


@dataclass(frozen=True)
class FootprintVerdict:
    """Bytes. `stack` is the largest measured use, or the linker's reserve where it cannot be measured."""

    flash: int
    engine_flash: int
    ram: int
    arena: int
    stack: int


@dataclass(frozen=True)
class Proved:
    """Which firmware answered, and by what means."""

    contract_sha256: str
    elf_sha256: str
    protocol: int
    compiler: str
    rounding: str
    cost_unit: str
    tapped_runs: int
    untapped_runs: int
    digests: int  # how many digests of tensors were compared
    link: dict[str, int]  # counters of the link


@dataclass(frozen=True, eq=False)
class Spectrogram:
    """float32 [bins, frames] of one vector, as host and board computed it; the board's was read back over the link."""

    vector: int
    host: npt.NDArray[np.float32]
    board: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Exhibits:
    """What a page shows beside the figures; not part of the JSON."""

    spectrograms: tuple[Spectrogram, ...] = ()
    positions: npt.NDArray[np.bool_] | None = (
        None  # where the first difference is, in the tensor's shape
    )
    steps: npt.NDArray[np.int64] | None = None  # how far each element is off
    command: str = ""  # what reproduces the verdict
    folder: str = ""  # what reproduces the first difference


@dataclass(frozen=True)
class Verdict:
    """Whether a board computes what the host computes."""

    exact: bool
    board: str
    backend: str
    build_id: str
    model_sha256: str
    reference: str
    vectors: int
    first_difference: FirstDifference | None
    layers: tuple[LayerVerdict, ...]
    cost: CostVerdict
    footprint: FootprintVerdict
    proved: Proved
    exhibits: Exhibits = field(default_factory=Exhibits, compare=False, repr=False)

    def __post_init__(self) -> None:
        wrong = self.first_difference is not None or any(layer.differing for layer in self.layers)
        if self.exact == wrong:
            raise AssertionError("a verdict is exact if and only if nothing differs")
        if self.exact and (not self.layers or self.vectors < 1 or not self.proved.digests):
            raise AssertionError("a verdict on nothing is no verdict")

    def as_json(self) -> dict[str, Any]:
        """The verdict as `nightjar/verify/1`."""
        # The exhibits hold arrays; asdict would copy them.
        raw = asdict(replace(self, exhibits=Exhibits()))
        del raw["exhibits"]
        return {"schema": SCHEMA, **raw}

    @property
    def headline(self) -> str:
        """One sentence for people."""
        observed = sum(layer.observed for layer in self.layers)
        vectors = f"{self.vectors} vector{'s' if self.vectors != 1 else ''}"
        if self.exact:
            return (
                f"EXACT: {observed} tensors of {len(self.layers)} layers equal the reference, byte for byte,"
                f" on {vectors} ({self.board})"
            )
        assert self.first_difference is not None
        return f"DIFFERENT: {describe(self.first_difference)}"


def describe(difference: FirstDifference) -> str:
    """The first difference as one line for people."""
    place = (
        difference.op if difference.layer is None else f"layer {difference.layer} {difference.op}"
    )
    text = f"vector {difference.vector}, {place} ({short_name(difference.name)})"
    if difference.got is not None:
        text += f" at {list(difference.index)}: got {difference.got}, want {difference.want}"
        text += f"; {difference.differing} differ, by {difference.max_steps} steps at most"
    return f"{text}; likely cause: {difference.cause}"


def short_name(name: str, length: int = 60) -> str:
    """A tensor's name cut to what a table can show: converters join the names of all that was fused."""
    first = name.split(";", 1)[0]
    return first if len(first) <= length else "…" + first[1 - length :]


def load_json(path: Path) -> dict[str, Any]:
    """Read an earlier verdict.

    Raises:
        BadInput: the file is not a `nightjar/verify/1`.
    """
    try:
        raw = json.loads(path.read_bytes())
        if raw["schema"] != SCHEMA:
            raise KeyError("schema")
        raw["cost"]["model"], raw["footprint"]["flash"], raw["layers"], raw["board"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"a baseline must be a verdict of the schema {SCHEMA}",
            evidence=f"Received: {path}: {type(error).__name__}: {error}",
            next_step="make one with `nightjar verify ... --json FILE`",
        ) from error
    assert isinstance(raw, dict)
    return raw
