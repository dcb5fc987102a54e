"""Gates: limits that a verdict must keep, absolute or against a baseline, one a line.

`cost.model <= 4_600_000`, `layers <= +1%`, `footprint.flash <= +0%`, `coverage.code >= 90`: a figure, a comparison and
a limit. A limit with a sign and % is how far a figure may move from the baseline's; shares of coverage move in points.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from host.coverage.coverage import Share
from host.errors import BadInput, Incomplete, NightjarError, RegressionFailure
from host.nearest import did_you_mean

FOOTPRINT = ("flash", "engine_flash", "ram", "arena", "stack")
COVERAGE = ("code", "constants")
STAGES = ("frontend", "model")
LATENCY = ("minimum", "median", "p99")
PASSED, FAILED, VOID = "passed", "failed", "void"
_SHOWN = 5  # that a message names
_GROUPS = {
    "cost": tuple(f"cost.{name}" for name in STAGES),
    "latency": tuple(f"latency.{name}" for name in LATENCY),
    "footprint": tuple(f"footprint.{name}" for name in FOOTPRINT),
    "coverage": tuple(f"coverage.{name}" for name in COVERAGE),
}
_FIGURES = (*_GROUPS, *(name for names in _GROUPS.values() for name in names), "layers", "layer N")
_GATE = re.compile(
    r"\s*(?P<figure>.+?)\s*(?P<how><=|>=)\s*(?P<sign>[+-]?)(?P<limit>\d[\d_]*(\.\d+)?)\s*(?P<percent>%?)\s*"
)
# What must be the same before a figure is held against a baseline's; in cycles, more decides.
_ALIKE = ("board", "tier", "backend", "compiler")
_COSTS = ("rounding", "cost_unit")
_CYCLES = {"clocks": "clock", "caches": "setting of the caches", "placement": "placement in memory"}


@dataclass(frozen=True)
class Gate:
    """One limit.

    Attributes:
        text: as it was written.
        figure: one of `_FIGURES`.
        limit: the bound: in the figure's unit, or in percent of the baseline's figure, of coverage in points.
        relative: whether it is against a baseline.
    """

    text: str
    figure: str
    limit: float
    relative: bool

    @property
    def at_least(self) -> bool:
        """Whether more is better."""
        return self.figure.startswith("coverage")


@dataclass(frozen=True)
class Judged:
    """What a gate says of one figure: `reason` of what is void; `before` of the baseline, where there is one."""

    gate: str
    figure: str
    state: str
    now: float | None
    bound: float | None
    before: float | None = None
    reason: str = ""

    @property
    def line(self) -> str:
        """One that was judged, for people."""
        of = "" if self.before is None else f", {_said(self.before)} in the baseline"
        return f"{self.figure} {_said(self.now)}, {'within' if self.state == PASSED else 'beyond'} {self.gate}{of}"


@dataclass(frozen=True)
class Against:
    """What relative gates are held against: a verdict as JSON, or None and why there is none."""

    raw: Mapping[str, Any] | None = None
    reason: str = "no baseline was given"


def parse_gate(text: str) -> Gate:
    """One gate.

    Raises:
        BadInput: it is none.
    """
    found = _GATE.fullmatch(text)
    if found is None:
        raise _no_gate(text, "it is no FIGURE <= LIMIT or FIGURE >= LIMIT")
    figure = " ".join(found["figure"].split())
    if figure not in _FIGURES[:-1] and not re.fullmatch(r"layer \d{1,6}", figure):
        raise _no_gate(text, f"{figure} is no figure.{did_you_mean(figure, _FIGURES)}")
    gate = Gate(text.strip(), figure, float(found["limit"].replace("_", "")), bool(found["sign"]))
    if gate.at_least != (found["how"] == ">="):
        raise _no_gate(text, "coverage has a least value, >=, and everything else a most, <=")
    if gate.relative and (found["sign"] == "-") != gate.at_least:
        raise _no_gate(
            text, "against a baseline, coverage may fall, -P%, and everything else grow, +P%"
        )
    if gate.relative and not found["percent"]:
        raise _no_gate(text, "how far a figure may move is in percent, as +1%")
    if found["percent"] and not gate.relative and not gate.at_least:
        raise _no_gate(text, "growth against the baseline has a sign, as +1%")
    return gate


def judged(gates: Iterable[Gate], raw: Mapping[str, Any], against: Against) -> list[Judged]:
    """What the gates say of a verdict `nightjar/verify/1`."""
    return [one for gate in gates for one in _judged(gate, raw, against)]


def failure_of(found: Sequence[Judged]) -> NightjarError | None:
    """What is wrong: a figure beyond its limit, else a gate that could not be judged; None where all passed."""
    beyond = beyond_lines(found)
    if beyond:
        return RegressionFailure(
            "a gate is not kept",
            evidence=listed(beyond),
            next_step="find the change that costs it, or move the limit where it is meant",
        )
    void = void_lines(found)
    if void:
        return Incomplete(
            "a gate could not be judged",
            evidence=listed(void),
            next_step="give what it needs, or take the gate away: what is void proves nothing",
        )
    return None


def beyond_lines(found: Iterable[Judged]) -> list[str]:
    """What is beyond its limit."""
    return [one.line for one in found if one.state == FAILED]


def void_lines(found: Iterable[Judged]) -> list[str]:
    """What could not be judged, a gate and a reason a line."""
    figures: dict[tuple[str, str], list[str]] = {}
    for one in found:
        if one.state == VOID:
            figures.setdefault((one.gate, one.reason), []).append(one.figure)
    return [
        f"{gate} is void for {names[0]}{f' and {len(names) - 1} more' if names[1:] else ''}: {reason}"
        for (gate, reason), names in figures.items()
    ]


def _judged(gate: Gate, raw: Mapping[str, Any], against: Against) -> Iterator[Judged]:
    names = list(_names(gate.figure, raw))
    if not names:
        yield Judged(gate.text, gate.figure, VOID, None, None, reason="the model has no such layer")
    for name in names:
        now = _value(name, raw)
        if now is None:
            yield Judged(gate.text, name, VOID, None, None, reason="it was not counted")
        elif gate.relative:
            yield _relative(gate, name, now, raw, against)
        else:
            yield _bounded(gate, name, now, gate.limit)


def _relative(
    gate: Gate, name: str, now: float, raw: Mapping[str, Any], against: Against
) -> Judged:
    if against.raw is None:
        return Judged(gate.text, name, VOID, now, None, reason=against.reason)
    unlike = list(_unlike(name, raw, against.raw))
    if unlike:
        reason = f"the baseline is of another {' and another '.join(unlike)}"
        return Judged(gate.text, name, VOID, now, None, reason=reason)
    before = _value(name, against.raw)
    if before is None:
        return Judged(gate.text, name, VOID, now, None, reason="the baseline did not count it")
    bound = before - gate.limit if gate.at_least else before + before * gate.limit / 100
    return _bounded(gate, name, now, bound, before)


def _bounded(
    gate: Gate, name: str, now: float, bound: float, before: float | None = None
) -> Judged:
    kept = now >= bound if gate.at_least else now <= bound
    return Judged(gate.text, name, PASSED if kept else FAILED, now, bound, before)


def _names(figure: str, raw: Mapping[str, Any]) -> Iterator[str]:
    """The figures that are meant."""
    layers = [f"layer {layer['index']}" for layer in raw["layers"]]
    if figure.startswith("layer"):
        wanted = layers if figure == "layers" else [figure] if figure in layers else []
        yield from dict.fromkeys(wanted)
        return
    for name in _GROUPS.get(figure, (figure,)):
        # A model without a frontend has no cost of one, where all costs are asked for.
        if figure in _GROUPS and name == "cost.frontend" and raw["cost"]["frontend"] is None:
            if raw["cost"]["model"] is None:
                yield name
            continue
        yield name


def _value(name: str, raw: Mapping[str, Any]) -> float | None:
    if name.startswith("layer "):
        costs = [one["instructions"] for one in raw["layers"] if f"layer {one['index']}" == name]
        counted = [cost for cost in costs if cost is not None]
        return max(counted) if counted else None
    group, _, member = name.partition(".")
    if group == "latency":
        taken = raw.get("latency")
        return None if taken is None else float(taken[member])
    if group != "coverage":
        found: float | None = raw[group][member]
        return found
    coverage = raw.get("coverage")
    if coverage is None:
        return None
    return Share(**coverage[member]).percent


def _unlike(name: str, raw: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    """What is another in the baseline, and decides over a figure."""
    for key in _ALIKE:
        if _stated(key, raw) != _stated(key, before):
            yield key
    if name.startswith(("footprint.", "coverage.")):
        return
    for key in _COSTS:
        if raw["proved"][key] != before["proved"][key]:
            yield key.replace("_", " ")
    if raw["proved"]["cost_unit"] == "cycles":
        for key, word in _CYCLES.items():
            if _listless(raw["proved"].get(key)) != _listless(before["proved"].get(key)):
                now, then = (_stated_cycles(key, one) for one in (raw, before))
                yield f"{word} ({now} here, {then} in the baseline)"
    if name.startswith("layer ") and _op(name, raw) != _op(name, before):
        yield f"op as its {name}"


def _stated(key: str, raw: Mapping[str, Any]) -> object:
    if key == "compiler":
        return raw["proved"][key]
    return raw.get("tier") or raw["board"] if key == "tier" else raw[key]


def _stated_cycles(key: str, raw: Mapping[str, Any]) -> str:
    """What decides over cycles, in few words; of clocks the core's."""
    value = _listless(raw["proved"].get(key))
    if value is None:
        return "nothing"
    if key == "clocks" and isinstance(value, list):
        return f"{value[0] / 1e6:g} MHz"
    return str(value) if isinstance(value, int) else "another"


def _op(name: str, raw: Mapping[str, Any]) -> list[str]:
    return [one["op"] for one in raw["layers"] if f"layer {one['index']}" == name]


def _listless(value: object) -> object:
    """A tuple of a verdict is a list of its JSON; nothing stated is nothing."""
    return (list(value) if isinstance(value, tuple | list) else value) or None


def listed(lines: Sequence[str]) -> str:
    """The first of them, and how many more there are, in one line."""
    more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "; ".join(lines[:_SHOWN]) + more


def _said(value: float | None) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _no_gate(text: str, why: str) -> BadInput:
    return BadInput(
        "a gate is a figure, a comparison and a limit",
        evidence=f"Received: {text!r}: {why}",
        next_step="write, for example, `cost.model <= 4_600_000`, `layers <= +1%` or `coverage.code >= 90`",
    )
