"""What must not be torn apart by a split: groups that --group-by finds, recordists, copies of one
file."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from host.errors import BadInput
from host.nearest import did_you_mean
from model_gen.data.alike import key
from model_gen.data.dataset import Recording

_EXAMPLE = "for who stands before the underscore, as in wren/anna_3.wav: --group-by '/([a-z]+)_'"
_SHOWN = 20  # groups that an error names


def groups_of(recordings: Sequence[Recording], pattern: str) -> dict[str, str]:
    """Relative path -> the first group that `pattern` finds in it.

    Raises:
        BadInput: it is no expression with a group, or does not match a path.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise BadInput(
            "--group-by must be a regular expression",
            evidence=f"Received: {pattern!r}: {error}",
            next_step=_EXAMPLE,
        ) from error
    if expression.groups < 1:
        raise BadInput(
            "--group-by must have a group in parentheses: what it matches keeps recordings "
            "together",
            evidence=f"Received: {pattern!r}",
            next_step=_EXAMPLE,
        )
    found: dict[str, str] = {}
    for recording in recordings:
        match = expression.search(recording.relative)
        if match is None or match.group(1) is None:
            raise BadInput(
                "--group-by must match the path of every recording",
                evidence=f"Received: {pattern!r}, which does not match {recording.relative}",
                next_step="widen it until it does, rename the recording, or say who belongs together "
                "in the column recordist of --labels",
            )
        found[recording.relative] = match.group(1)
    return found


def units_of(
    recordings: Sequence[Recording],
    groups: Mapping[str, str],
    together: Iterable[Sequence[str]] = (),
) -> dict[str, str]:
    """Relative path -> the unit that it belongs to: recordings that share a group, a recordist or a
    line of `together`.

    A unit's name is the first of its groups, else of its recordists, else of its paths.
    """
    above: dict[object, object] = {}

    def top(one: object) -> object:
        while above.setdefault(one, one) != one:
            one = above[one]
        return one

    for recording in recordings:
        if recording.relative in groups:
            above[top(recording.relative)] = top(("group", groups[recording.relative]))
        if recording.recordist:
            above[top(recording.relative)] = top(("recordist", key(recording.recordist)))
    known = {r.relative for r in recordings}
    for line in together:
        first, *others = [path for path in line if path in known] or [""]
        for other in others:
            above[top(other)] = top(first)
    members: dict[object, list[Recording]] = defaultdict(list)
    for recording in recordings:
        members[top(recording.relative)].append(recording)
    return {r.relative: _name(unit, groups) for unit in members.values() for r in unit}


def held_out(
    unit_of: Mapping[str, str], groups: Mapping[str, str], named: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Unit -> test or val, of the units with a group that `named` (part -> groups) names.

    Raises:
        BadInput: such a group was not found, or a unit would belong to both parts.
    """
    known = sorted(set(groups.values()))
    part_of: dict[str, str] = {}
    for part, wanted in named.items():
        for name in wanted:
            if name not in known:
                shown = ", ".join(known[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "")
                raise BadInput(
                    f"--{part}-group must name groups that --group-by finds: {shown}"
                    if known
                    else f"--{part}-group needs --group-by, which says what a group is",
                    evidence=f"Received: {name!r}.{did_you_mean(name, known)}",
                    next_step=f"give one of these groups, or leave --{part}-group out"
                    if known
                    else _EXAMPLE,
                )
        for relative, group in groups.items():
            if group not in wanted:
                continue
            unit = unit_of[relative]
            if part_of.setdefault(unit, part) != part:
                raise BadInput(
                    "a group is held out for test or for validation, not for both",
                    evidence=f"Received: {group!r}, which shares recordings, recordist or name "
                    f"with one of --{part_of[unit]}-group",
                    next_step=f"leave it out of --{part}-group or of --{part_of[unit]}-group",
                )
    return part_of


def _name(unit: Sequence[Recording], groups: Mapping[str, str]) -> str:
    names = [groups[r.relative] for r in unit if r.relative in groups]
    names = names or [r.recordist for r in unit if r.recordist]
    return min(names or [r.relative for r in unit])
