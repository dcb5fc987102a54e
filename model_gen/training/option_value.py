"""How a value, or the text of one, is held against the option that it was given for.

Each refusal says what is expected, what was received, the nearest valid value, and what to do.
"""

import math
from typing import Any, NoReturn

from host.errors import BadInput
from host.nearest import did_you_mean
from model_gen.training.option import Declaration, Option, one_shown


def number(option: Option, text: str) -> float:
    """The number that a text says, in its range or not; an int where the option's numbers are whole.

    Raises:
        BadInput: it says none.
    """
    try:
        return int(text) if option.whole else float(text)
    except ValueError:
        _refuse_number(option, text)


def numbers(option: Option, text: str) -> tuple[int, ...]:
    """The whole numbers that a text says, between blanks or commas.

    Raises:
        BadInput: a word is none, or there are too few or too many.
    """
    found = tuple(int(number(option, word)) for word in text.replace(",", " ").split())
    _check_count(option, found)
    return found


def in_words(option: Option, value: str) -> tuple[str, str | None]:
    """A word as it is written now, and the old one if that was given."""
    old = dict(option.declared.old)
    return (old[value], value) if value in old else (value, None)


def check(option: Option, value: Any) -> None:
    """Hold a value against its option; None, where an option has no default, stands for no value.

    Raises:
        BadInput: it is no known word, one that nothing computes yet, or out of its range.
    """
    if value is None:
        return
    if option.unbuilt and value != option.default:
        _refuse_unbuilt(option, value)
    if option.declared.words:
        _check_word(option, value)
    if isinstance(value, tuple):
        _check_count(option, value)
    for one in value if isinstance(value, tuple) else (value,):
        is_number = isinstance(one, (int, float)) and not isinstance(one, bool)
        if is_number and _nearest(one, option.declared, whole=option.whole) != one:
            _refuse_number(option, one)


def _refuse_unbuilt(option: Option, value: Any) -> NoReturn:
    only = "left out" if option.default is None else one_shown(option.default)
    nearest = "" if option.default is None else f"; the nearest is {only}"
    raise BadInput(
        f"{option.flag} is not built: today it can only be {only}",
        evidence=f"Received: {one_shown(value)}{nearest}",
        next_step=f"leave {option.flag} out",
    )


def _check_word(option: Option, value: Any) -> None:
    declared = option.declared
    if value in declared.choices:
        return
    there = ", ".join(declared.choices)
    if value in declared.words:
        raise BadInput(
            f"{option.flag} {value} is not built: today there is {there}",
            evidence=f"Received: {value!r}; the nearest is {option.default}",
            next_step=f"give one of these, or leave {option.flag} out",
        )
    known = (*declared.words, *(old for old, _ in declared.old))
    raise BadInput(
        f"{option.flag} must be one of {there}",
        evidence=f"Received: {value!r}.{did_you_mean(str(value).lower(), known)}",
        next_step=f"give one of these; without {option.flag} it is {option.default}",
    )


def _check_count(option: Option, values: tuple[Any, ...]) -> None:
    count = option.declared.count
    if not count or len(values) in count:
        return
    raise BadInput(
        f"{option.flag} takes {' or '.join(map(str, count))} numbers",
        evidence=f"Received: {one_shown(values) or 'none'}",
        next_step=f"put commas between them, or quotes around them: {option.typed(option.default)}",
    )


def _refuse_number(option: Option, given: str | float) -> NoReturn:
    """Of a text that is no number, and of a number out of its range."""
    default = option.default
    nearest = None
    if not option.unbuilt:
        nearest = _nearest(_said(given), option.declared, whole=option.whole)
    if nearest is not None:
        near = f"; the nearest is {one_shown(nearest)}"
    else:
        near = "" if default is None else f"; the default is {one_shown(default)}"
    offered = default if nearest is None else nearest
    if nearest is not None and isinstance(default, tuple):
        offered = (nearest,) if 1 in (option.declared.count or (1,)) else default
    kind = "" if option.declared.odd else "a whole number" if option.whole else "a number"
    raise BadInput(
        f"{option.flag} must be {', '.join(part for part in (kind, option.declared.range) if part)}",
        evidence=f"Received: {given}{near}",
        next_step=f"for example {option.typed(option.declared.least if offered is None else offered)}",
    )


def _said(given: str | float) -> float:
    """The number behind a text that is not of the option's kind; nan for none."""
    try:
        return float(given)
    except (ValueError, OverflowError):
        return math.nan if isinstance(given, str) else given


def _nearest(value: float, declared: Declaration, *, whole: bool) -> float | None:
    """The valid number nearest to `value`: itself if it is one; None where none can be named."""
    if value != value:
        return None
    made = min(max(value, declared.least), declared.most)
    if made in (math.inf, -math.inf):
        return None
    if not whole:
        return made
    made = round(made)
    if declared.power:
        below = 1 << (made.bit_length() - 1)
        made = below if 2 * made <= 3 * below else 2 * below
    if declared.odd:
        return made | 1
    return (made + declared.multiple // 2) // declared.multiple * declared.multiple
