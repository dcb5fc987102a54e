"""How an option of training is declared, and how a value is held against its declaration."""

import math
from collections.abc import Iterable
from dataclasses import MISSING, Field, dataclass, field
from typing import Any

from host.errors import BadInput
from host.nearest import did_you_mean

SAME = object()  # as the default beside it
_KEY = "option"


@dataclass(frozen=True)
class Declaration:
    """What is known of an option besides its name and its type.

    Attributes:
        meaning: one sentence, for the command line and the documentation.
        part: what it decides: "data", "model", "recipe" (the weights, besides those), or "run" (nothing of them).
        release, april: its defaults of the presets, as they are documented.
        choices: the words that it takes.
        later: words that are known, and that nothing computes yet; or True: any value but the default is.
        old: earlier words for some of its values.
        aka: earlier names of the option itself.
        least, most: bounds that belong to the range. above, below: bounds that do not.
        multiple: what it must be a multiple of.
        power: whether it must be a power of two.
        count: how many numbers it may have, of an option with several.
        search: what tuning draws from: (least, most), (least, most, "log"), or the values.
    """

    meaning: str
    part: str
    release: Any
    april: Any
    choices: tuple[str, ...] = ()
    later: tuple[str, ...] | bool = ()
    old: tuple[tuple[str, str], ...] = ()
    aka: tuple[str, ...] = ()
    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    multiple: int = 1
    power: bool = False
    count: tuple[int, ...] = ()
    search: tuple[Any, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that is known, those that nothing computes yet among them."""
        return (*self.choices, *(self.later if isinstance(self.later, tuple) else ()))

    @property
    def range(self) -> str:
        """The range in words, "" where there is none."""
        low = high = ""
        if self.least > -math.inf:
            low = f"at least {_shown(self.least)}"
        elif self.above > -math.inf:
            low = f"above {_shown(self.above)}"
        if self.most < math.inf:
            high = f"at most {_shown(self.most)}"
        elif self.below < math.inf:
            high = f"below {_shown(self.below)}"
        kind = "a power of two" if self.power else ""
        if self.multiple > 1:
            kind = f"a multiple of {self.multiple}"
        return ", ".join(part for part in (kind, low, high) if part)


def option(
    meaning: str, part: str, *, release: Any = SAME, april: Any = SAME, now: Any = SAME, **more: Any
) -> Any:
    """A field of the table, with the presets' defaults; `april` has that of `release` unless another is given.

    Without a default the option must be given. `now` is what `release` has until the recipe is what is documented.
    """
    if release is SAME:
        return field(metadata={_KEY: Declaration(meaning, part, None, None, **more)})
    first = release() if callable(release) else release
    used = release if now is SAME else now
    default: dict[str, Any] = {"default_factory": used} if callable(used) else {"default": used}
    of_april = first if april is SAME else april
    return field(**default, metadata={_KEY: Declaration(meaning, part, first, of_april, **more)})


def declaration(of: "Field[Any]") -> Declaration:
    """The declaration of a field that `option` made."""
    found: Declaration = of.metadata[_KEY]
    return found


def default_of(of: "Field[Any]") -> Any:
    """The default that a field has now; None for an option that must be given."""
    if of.default is not MISSING:
        return of.default
    return of.default_factory() if of.default_factory is not MISSING else None


def required(of: "Field[Any]") -> bool:
    """Whether an option must be given."""
    return of.default is MISSING and of.default_factory is MISSING


def flag(name: str) -> str:
    """The option's name on the command line."""
    return "--" + name.replace("_", "-")


def check(name: str, value: Any, declared: Declaration, default: Any) -> None:
    """Hold a value against its declaration; None, where an option has no default, stands for no value.

    Raises:
        BadInput: it is no known word, one that nothing computes yet, or out of its range; with the nearest valid one.
    """
    if value is None:
        return
    if declared.words:
        _check_word(name, value, declared, default)
    _check_numbers(name, value, declared)
    if not is_built(value, declared, default):
        only = "none" if default is None else _shown(default)
        raise BadInput(
            f"{flag(name)} is not built yet: {only} is all there is",
            evidence=f"Received: {_shown(value)}; the nearest is {only}",
            next_step=f"leave {flag(name)} out",
        )


def _check_word(name: str, value: Any, declared: Declaration, default: Any) -> None:
    if value in declared.choices:
        return
    there = ", ".join(declared.choices)
    if value in declared.words:
        raise BadInput(
            f"{flag(name)} {value} is not built yet; there is {there}",
            evidence=f"Received: {value!r}; the nearest is {default}",
            next_step=f"give one of these, or leave {flag(name)} out",
        )
    raise BadInput(
        f"{flag(name)} must be one of {there}",
        evidence=f"Received: {value!r}.{did_you_mean(value, declared.words)}",
        next_step=f"give one of these, or leave {flag(name)} out",
    )


def _check_numbers(name: str, value: Any, declared: Declaration) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    if declared.count and len(numbers) not in declared.count:
        several = " or ".join(str(count) for count in declared.count)
        raise BadInput(
            f"{flag(name)} takes {several} numbers, separated by blanks",
            evidence=f"Received: {_shown(value)}",
            next_step=f"give {several} of them, or leave {flag(name)} out",
        )
    for number in numbers:
        if isinstance(number, (int, float)) and not isinstance(number, bool):
            _check_number(name, number, declared)


def _check_number(name: str, value: float, declared: Declaration) -> None:
    nearest = _nearest(value, declared)
    if nearest == value:
        return
    near = "" if nearest is None else f"; the nearest is {_shown(nearest)}"
    raise BadInput(
        f"{flag(name)} must be {declared.range or 'a finite number'}",
        evidence=f"Received: {value}{near}",
        next_step=f"give {'such a number' if nearest is None else _shown(nearest)}, or leave "
        f"{flag(name)} out",
    )


def _nearest(value: float, declared: Declaration) -> float | None:
    """The valid number nearest to `value`: itself if it is one; None where none can be named."""
    if math.isnan(value):
        return None
    if math.isinf(value):
        return declared.most if declared.most < math.inf else None
    if value <= declared.above or value >= declared.below:
        return None
    made = min(max(value, declared.least), declared.most)
    if declared.power:
        made = float(2 ** round(math.log2(max(made, 1))))
    if declared.multiple > 1:
        made = float(max(1, round(made / declared.multiple)) * declared.multiple)
    return value if made == value else made


def is_built(value: Any, declared: Declaration, default: Any) -> bool:
    """Whether something computes what a known value asks for."""
    if declared.later is True:
        return bool(value == default)
    return value in declared.choices or value not in declared.words


def in_words(value: str, declared: Declaration) -> tuple[str, str | None]:
    """A word as it is written now, and the old one if that was given."""
    old = dict(declared.old)
    return (old[value], value) if value in old else (value, None)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return " ".join(str(one) for one in value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def shown(values: Iterable[Any]) -> str:
    """Values for people, separated by commas."""
    return ", ".join(_shown(value) for value in values)
