"""How an option of training is declared: everything that is known of it."""

import math
from collections.abc import Iterable
from dataclasses import MISSING, Field, dataclass, field
from pathlib import Path
from typing import Any

SAME = object()  # as the default beside it
_KEY = "option"
# What an option decides, and how that is called.
PARTS = {
    "data": "Data",
    "model": "The model",
    "recipe": "The recipe",
    "run": "The run",
}


@dataclass(frozen=True)
class Declaration:
    """What is known of an option besides its name, its type and its default of today.

    Attributes:
        meaning: one sentence, for the command line and the documentation.
        part: what it decides, of PARTS: "recipe" the weights, besides data and model; "run" nothing of them.
        first: whether a newcomer finds it before the others.
        release, april: its defaults of the presets, as they are documented.
        choices: the words that it takes.
        later: words that are known, and that nothing computes yet; or True: any value but the default is.
        old: earlier words for some of its values.
        aka: earlier names of the option itself.
        least, most: bounds, which belong to the range.
        multiple: what it must be a multiple of.
        power: whether it must be a power of two.
        odd: whether it must be odd; so must `least` and `most` be then.
        count: how many numbers it may have, of an option with several.
        search: what tuning draws from: (least, most), (least, most, "log"), or the values.
    """

    meaning: str
    part: str
    release: Any
    april: Any
    first: bool = False
    choices: tuple[str, ...] = ()
    later: tuple[str, ...] | bool = ()
    old: tuple[tuple[str, str], ...] = ()
    aka: tuple[str, ...] = ()
    least: float = -math.inf
    most: float = math.inf
    multiple: int = 1
    power: bool = False
    odd: bool = False
    count: tuple[int, ...] = ()
    search: tuple[Any, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that is known, those that nothing computes yet among them."""
        return (*self.choices, *(self.later if isinstance(self.later, tuple) else ()))

    @property
    def range(self) -> str:
        """The range in words, "" where there is none."""
        low = f"at least {one_shown(self.least)}" if self.least > -math.inf else ""
        high = f"at most {one_shown(self.most)}" if self.most < math.inf else ""
        if self.odd:
            return " or ".join(map(str, range(int(self.least), int(self.most) + 1, 2)))
        kind = "a power of two" if self.power else ""
        if self.multiple > 1:
            kind = f"a multiple of {self.multiple}"
        return ", ".join(part for part in (kind, low, high) if part)


def option(
    meaning: str, part: str, *, release: Any = SAME, april: Any = SAME, now: Any = SAME, **more: Any
) -> Any:
    """A field of the table, with the presets' defaults; `april` has that of `release` unless another is given.

    Without a default the option must be given. `now` is what `release` has
    where it is not what was documented.
    """
    if release is SAME:
        return field(metadata={_KEY: Declaration(meaning, part, None, None, **more)})
    first = release() if callable(release) else release
    used = release if now is SAME else now
    default: dict[str, Any] = {"default_factory": used} if callable(used) else {"default": used}
    of_april = first if april is SAME else april
    return field(**default, metadata={_KEY: Declaration(meaning, part, first, of_april, **more)})


@dataclass(frozen=True)
class Option:
    """One option of the table.

    Attributes:
        name: of its field.
        kind: of its values: bool, int, float, Path or str, or a tuple of int or str; without the None of no value.
        declared: all else that is known of it.
        default: what `release` has now; None for no value.
        required: whether it must be given.
    """

    name: str
    kind: Any
    declared: Declaration
    default: Any
    required: bool

    @classmethod
    def of(cls, one: "Field[Any]") -> "Option":
        """The option of a field that `option` made."""
        kind = next((kind for kind in (int, float, Path, str) if one.type == kind | None), one.type)
        made = one.default_factory() if one.default_factory is not MISSING else None
        default = made if one.default is MISSING else one.default
        required = one.default is MISSING and one.default_factory is MISSING
        return cls(one.name, kind, one.metadata[_KEY], default, required)

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return flag(self.name)

    @property
    def whole(self) -> bool:
        """Whether its numbers are whole ones."""
        return self.kind in (int, tuple[int, ...])

    @property
    def unbuilt(self) -> bool:
        """Whether nothing computes any other value than the default."""
        return self.declared.later is True

    def is_built(self, value: Any) -> bool:
        """Whether something computes what a known value asks for."""
        if self.unbuilt:
            return bool(value == self.default)
        return value in self.declared.choices or value not in self.declared.words

    def typed(self, value: Any) -> str:
        """It with a value, as on a command line."""
        if self.kind is bool:
            return self.flag if value else flag(f"no_{self.name}")
        several = isinstance(value, tuple)
        return f"{self.flag} {','.join(map(str, value)) if several else one_shown(value)}"


def flag(name: str) -> str:
    """The name on the command line of an option's field."""
    return "--" + name.replace("_", "-")


def one_shown(value: Any) -> str:
    """A value for people."""
    if value is None:
        return "left out"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return " ".join(str(one) for one in value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def shown(values: Iterable[Any]) -> str:
    """Values for people, separated by commas."""
    return ", ".join(one_shown(value) for value in values)
