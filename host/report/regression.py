"""Cost and footprint against an earlier verdict."""

from typing import Any

from host.errors import BadInput, RegressionFailure

FOOTPRINT = ("flash", "engine_flash", "ram", "arena", "stack")


def growth(verdict: dict[str, Any], baseline: dict[str, Any]) -> list[str]:
    """What grew, one sentence each. Both are `nightjar/verify/1`; None in either means not counted.

    Raises:
        BadInput: the two cannot be compared, being of different boards.
    """
    if verdict["board"] != baseline["board"]:
        raise BadInput(
            "a baseline is comparable only on the same board: costs of different boards have different units",
            evidence=f"Received: a verdict of {verdict['board']}, a baseline of {baseline['board']}",
            next_step="give a baseline of this board",
        )
    grown = []
    for section, names in (("cost", ("frontend", "model")), ("footprint", FOOTPRINT)):
        for name in names:
            now, before = verdict[section].get(name), baseline[section].get(name)
            if now is None or before is None or now <= before:
                continue
            percent = f" ({100 * (now - before) / before:+.2f} %)" if before else ""
            grown.append(f"{section}.{name} {before:,} -> {now:,}{percent}")
    return grown


def check_regression(verdict: dict[str, Any], baseline: dict[str, Any]) -> None:
    """Raise RegressionFailure when a cost or a footprint grew."""
    grown = growth(verdict, baseline)
    if grown:
        raise RegressionFailure(
            "cost or footprint grew against the baseline",
            evidence="; ".join(grown),
            next_step="find the change that costs it, or accept it by recording a new baseline",
        )
