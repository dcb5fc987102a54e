"""What the vectors of a verdict moved: steps of the inputs, channels of the outputs."""

from dataclasses import dataclass

from host.printable import printable

_SHOWN = 4  # inputs that a line names
_LONGEST = 40  # characters of a name


@dataclass(frozen=True)
class InputReach:
    """How many different `steps`, of how many `of`, all vectors together gave an input.

    A float32 input's are those of its QUANTIZE; None where it has none.
    """

    name: str
    steps: int | None
    of: int | None

    @property
    def told(self) -> str:
        """For people."""
        name = printable(self.name)[:_LONGEST]
        if self.steps is None or self.of is None:
            return f"{name}: values that no QUANTIZE takes"
        return f"{self.steps:,} of {self.of:,} steps of {name}"


@dataclass(frozen=True)
class Reach:
    """What all vectors together moved.

    channels: of all outputs, along their last axis. moved: those that two vectors gave different values in some place;
    None of a single vector.
    """

    inputs: tuple[InputReach, ...]
    channels: int
    moved: int | None

    @property
    def line(self) -> str:
        """For people."""
        parts = [one.told for one in self.inputs[:_SHOWN]]
        if len(self.inputs) > _SHOWN:
            parts.append(f"{len(self.inputs) - _SHOWN} more inputs")
        moved = "one vector moves no output"
        if self.moved is not None:
            share = 100 * self.moved / self.channels
            moved = f"{self.moved:,} of {self.channels:,} output channels moved ({share:.3g} %)"
        return f"vectors: {', '.join(parts)}; {moved}"
