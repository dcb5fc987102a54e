"""What an op's file says about it: the shape of its outputs, its value when it is constant, and its kernel call."""

from collections.abc import Callable
from dataclasses import dataclass

from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.view import View


@dataclass(frozen=True)
class Constants:
    """A constant array of the firmware. `values` is int8, uint8 or int32 of any shape; a [n, 2] array of type
    "struct nj_requant" holds multiplier and shift."""

    type: str  # in C: "int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "float", "double", "struct nj_requant"
    values: Array


@dataclass(frozen=True)
class Parameters:
    """A constant C struct. A field is an integer, the name of an enumerator, a list, a nested struct or an array."""

    struct: str
    fields: tuple[tuple[str, "Field"], ...]


@dataclass(frozen=True)
class Unpacked:
    """A field: the weights that the step unpacks before its kernel runs, `offset` bytes into its scratch memory."""

    offset: int


Field = int | str | Constants | Unpacked | tuple["Field", ...] | tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Unpacking:
    """Weights that lie in flash as a struct nj_packed_weights, `packed` bytes in all, and are unpacked to `unpacked`
    bytes before the kernel runs, in about so many instructions."""

    parameters: Parameters
    weights: Unpacked
    packed: int
    unpacked: int
    instructions: int


@dataclass(frozen=True)
class ParametersPointer:
    """An argument: the address of the kernel's parameters."""


@dataclass(frozen=True)
class InputPointer:
    """An argument: where input `position` of the op lies, `offset` elements further."""

    position: int
    offset: int = 0


@dataclass(frozen=True)
class InputPointers:
    """An argument: an array of pointers to all inputs of the op."""


@dataclass(frozen=True)
class OutputPointer:
    """An argument: where the op's output lies."""


@dataclass(frozen=True)
class ScratchPointer:
    """An argument: the step's scratch memory, null where it has none."""


Argument = (
    ParametersPointer
    | InputPointer
    | InputPointers
    | OutputPointer
    | ScratchPointer
    | Constants
    | str
)


@dataclass(frozen=True)
class Kernel:
    """One call: what a step of the firmware does."""

    function: str
    parameters: Parameters | None
    arguments: tuple[Argument, ...]
    macs: int = 0
    rule: str | None = (
        None  # rounding rule of the call: "single", "double", "real", or None where nothing is rounded
    )
    scratch: int = 0  # bytes of the arena that the step needs while it runs
    in_place: tuple[int, ...] = ()  # inputs in whose memory the output may be written
    reads_behind: int = 0  # bytes behind its inputs that the kernel reads and does not use
    unpacking: Unpacking | None = None
    images: int = 1  # of a batch: as many calls, each of its share of every input that is pointed at, and of the output


@dataclass(frozen=True)
class Alias:
    """The output is the memory of input `position` under another shape: nothing runs."""

    position: int = 0


Lowered = Kernel | Alias


@dataclass(frozen=True)
class Rule:
    """How backend cm55 takes one op.

    Attributes:
        shape: the shape of the output, from inputs whose shapes are final.
        lower: the kernel call, or None for an op that exists only as constant arithmetic.
        fold: the output's value when enough is known, else None.
        several: whether the op may have several outputs; each is shaped, lowered and folded by a view of its own.
    """

    shape: Callable[[View], Shape]
    lower: Callable[[View], Lowered] | None = None
    fold: Callable[[View], Array | None] | None = None
    several: bool = False

    @property
    def runs(self) -> bool:
        """Whether it has a kernel."""
        return self.lower is not None


RULES: dict[str, Rule] = {}


def register(name: str, rule: Rule) -> None:
    """Make an op known; called by the op's file when it is imported."""
    assert name not in RULES, name
    RULES[name] = rule
