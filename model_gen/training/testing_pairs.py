"""For tests: few choices of options in which every pair of values that goes together appears."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from model_gen.training.together import RULES

Choice = dict[str, Any]
Pair = frozenset[tuple[str, Any]]


def goes(chosen: Mapping[str, Any]) -> bool:
    """Whether no rule forbids what is chosen so far."""
    return not any(
        rule.allowed is not None
        and chosen.get(rule.option) in rule.values
        and rule.other in chosen
        and chosen[rule.other] not in rule.allowed
        for rule in RULES
    )


def every_pair(factors: Mapping[str, Sequence[Any]]) -> list[Choice]:
    """Choices of a value for each factor that together hold every pair that some valid choice holds.

    Greedy: each begins with a pair that is missing and takes, factor by factor, the value that brings most others.
    """
    missing = _pairs_that_go(factors)
    found: list[Choice] = []
    while missing:
        start = dict(sorted(next(iter(missing)), key=str))
        choice = next(_filled(start, factors, missing))
        found.append(choice)
        done = set(_pairs(choice))
        missing = {pair: None for pair in missing if pair not in done}
    return found


def _pairs_that_go(factors: Mapping[str, Sequence[Any]]) -> dict[Pair, None]:
    pairs = (
        {one: a, other: b}
        for one, other in combinations(factors, 2)
        for a in factors[one]
        for b in factors[other]
    )
    return {
        frozenset(pair.items()): None
        for pair in pairs
        if next(_filled(pair, factors, {}), None) is not None
    }


def _filled(
    chosen: Choice, factors: Mapping[str, Sequence[Any]], missing: Mapping[Pair, None]
) -> Iterator[Choice]:
    """Every valid choice that holds `chosen`, those that bring more missing pairs first."""
    if not goes(chosen):
        return
    name = next((name for name in factors if name not in chosen), None)
    if name is None:
        yield chosen
        return

    def brings(value: Any) -> int:
        return -sum(frozenset({(name, value), other}) in missing for other in chosen.items())

    for value in sorted(factors[name], key=brings):
        yield from _filled({**chosen, name: value}, factors, missing)


def _pairs(choice: Choice) -> Iterator[Pair]:
    return (frozenset(pair) for pair in combinations(choice.items(), 2))
