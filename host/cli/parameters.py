"""Kinds of parameters of subcommands, whose refusals say what is expected and the nearest that there is."""

import math
import re
from typing import Any

import click

from host.errors import BadInput
from host.nearest import did_you_mean


class Choice(click.Choice[str]):
    """A choice that names the nearest one when it is given none of them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in self.choices:
            return str(super().convert(value, param, ctx))
        raise BadInput(
            f"{_called(param)} must be one of {', '.join(self.choices)}",
            evidence=f"Received: {value!r}.{did_you_mean(str(value).lower(), self.choices)}",
            next_step="give one of these",
        )


class Sectioned(click.Option):
    """An option that stands in a section of its command's help."""

    def __init__(self, *given: Any, section: str, **named: Any) -> None:
        super().__init__(*given, **named)
        self.section = section


class FiniteRange(click.FloatRange):
    """A FloatRange without nan and infinity, whose refusal says the nearest number."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        return _in_range(self, value, float, param)


class WholeRange(click.IntRange):
    """An IntRange whose refusal says what is expected, and the nearest number."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return int(_in_range(self, value, int, param))


class ByteCount(click.ParamType[int]):
    """Bytes: a whole number, or one of units of 1024, its square or its cube: 512K, 16M, 4G."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"([1-9][0-9]{0,14})([KMG]?)", str(value), re.IGNORECASE)
        if found is None:
            raise BadInput(
                f"{_called(param)} must be a number of bytes",
                evidence=f"Received: {value}",
                next_step="give one as 65536, 512K, 16M or 4G",
            )
        return int(found[1]) << (10 * " KMG".index(found[2].upper() or " "))


def _in_range(
    limits: click.IntRange | click.FloatRange,
    value: Any,
    kind: type[int] | type[float],
    param: click.Parameter | None,
) -> float:
    """The number of `kind` that `value` says, where it is finite and within the limits.

    Raises:
        BadInput: it is none; with the nearest one.
    """
    low = -math.inf if limits.min is None else limits.min
    high = math.inf if limits.max is None else limits.max
    try:
        number = kind(value)
    except ValueError:
        number = math.nan
    above = number > low if limits.min_open else number >= low
    below = number < high if limits.max_open else number <= high
    if above and below and not (kind is float and math.isinf(number)):
        return number
    name = _called(param)
    expected = ["a whole number" if kind is int else "a number"]
    if low > -math.inf:
        expected.append(f"{'above' if limits.min_open else 'at least'} {low:g}")
    if high < math.inf:
        expected.append(f"{'below' if limits.max_open else 'at most'} {high:g}")
    near = ""
    if number < low and not limits.min_open:
        near = f"; the nearest is {low:g}"
    elif number > high and not limits.max_open:
        near = f"; the nearest is {high:g}"
    raise BadInput(
        f"{name} must be {', '.join(expected)}",
        evidence=f"Received: {value}{near}",
        next_step=f"give {name} such a number, or leave it out",
    )


def _called(param: click.Parameter | None) -> str:
    """A parameter as it is typed."""
    return max(param.opts, key=len) if isinstance(param, click.Option) else "the word"
