"""The pieces that the templates print, as text, and their sizes."""

from dataclasses import dataclass, field

import numpy as np

from host.files import sha256_bytes
from model_gen.codegen import c_text
from model_gen.codegen.c_text import Text
from model_gen.codegen.cm55.ops.registry import Constants
from model_gen.codegen.tflite.graph import Array

_C_BYTES = {
    "int8_t": 1,
    "uint8_t": 1,
    "int16_t": 2,
    "uint16_t": 2,
    "int32_t": 4,
    "float": 4,
    "double": 8,
    "struct nj_requant": 8,
}


@dataclass(frozen=True)
class ArrayText:
    """A constant array. Its lines are made when they are asked for: sizes are wanted before any text."""

    name: Text
    type: Text
    values: Array = field(repr=False)

    @property
    def length(self) -> int:
        return len(self.values) if self.type == "struct nj_requant" else int(self.values.size)

    @property
    def bytes(self) -> int:
        """What sizeof must give."""
        return self.length * _C_BYTES[self.type]

    @property
    def lines(self) -> list[Text]:
        """`values` printed as initializers of `type`, as many a line as fit."""
        if self.type == "struct nj_requant":
            pairs = ((c_text.integer(m), c_text.integer(s)) for m, s in self.values)
            return c_text.wrapped(c_text.code("{{}, {}}", *pair) for pair in pairs)
        values = self.values.ravel()
        if self.type == "double":
            return c_text.wrapped(map(c_text.double, values))
        if self.type == "float":
            return c_text.wrapped(c_text.code("{}f", c_text.double(v)) for v in values)
        return c_text.integers(values)


@dataclass(frozen=True)
class ParametersText:
    """A constant struct with its initializer, line by line."""

    struct: Text
    name: Text
    lines: tuple[Text, ...]


@dataclass(frozen=True)
class PointersText:
    """A constant array of pointers to a step's inputs."""

    name: Text
    items: tuple[Text, ...]


@dataclass(frozen=True)
class StepText:
    """One step function: a call, or one for each image of a batch, behind one that unpacks weights where they are."""

    number: int
    comment: Text
    structs: tuple[ParametersText, ...]
    pointers: PointersText | None
    calls: tuple[Text, ...]


@dataclass(frozen=True)
class PlaceText:
    """A struct nj_place, or that of a tap with its steps."""

    data: Text
    bytes: int
    comment: Text
    step: int = 0
    last_step: int = 0


@dataclass(frozen=True)
class VariableText:
    """A struct nj_variable. `first` is what it holds at first, byte by byte; "0" where that is `fill` everywhere."""

    offset: int
    bytes: int
    first: Text
    fill: int
    comment: Text


@dataclass(frozen=True)
class ModelText:
    """Everything of nj_model.c and nj_weights.*. `constants`: bytes of `arrays` by the op that uses them first."""

    kernels_api: int
    model_api: int
    arena_bytes: int
    arena_length: int
    staging_bytes: int
    arrays: tuple[ArrayText, ...]
    steps: tuple[StepText, ...]
    inputs: tuple[PlaceText, ...]
    outputs: tuple[PlaceText, ...]
    taps: tuple[PlaceText, ...]
    variables: tuple[VariableText, ...]
    state_bytes: int  # of all variables
    model_sha256: Text
    contract_sha256: Text
    backend: Text
    rounding: Text
    constants: dict[int, int]


@dataclass
class Arrays:
    """Collects constant arrays; equal content is stored once, under the name of its first user."""

    found: dict[tuple[str, str], ArrayText] = field(default_factory=dict)
    bytes_by_op: dict[int, int] = field(default_factory=dict)
    op: int | None = None  # whose arrays are added now

    def add(self, name: Text, constants: Constants) -> Text:
        values = np.ascontiguousarray(constants.values)
        key = (constants.type, sha256_bytes(values.tobytes()))
        if key not in self.found:
            self.found[key] = ArrayText(name, c_text.phrase(constants.type), values)
            if self.op is not None:
                known = self.bytes_by_op.get(self.op, 0)
                self.bytes_by_op[self.op] = known + self.found[key].bytes
        return self.found[key].name
