"""Cost and footprint against an earlier verdict."""

from pathlib import Path
from typing import Any

from host.errors import BadInput, RegressionFailure
from host.report.verdict import load_json

FOOTPRINT = ("flash", "engine_flash", "ram", "arena", "stack")


def load_baseline(path: Path, board: str) -> dict[str, Any]:
    """An earlier verdict to hold a new one of `board` against.

    Raises:
        BadInput: the file is no verdict, or one of another board.
    """
    baseline = load_json(path)
    check_board(board, baseline["board"])
    return baseline


def check_board(board: str, baseline: str) -> None:
    """Refuse to compare verdicts of two boards."""
    if board != baseline:
        raise BadInput(
            "a baseline is comparable only on the same board: costs of different boards have different units",
            evidence=f"Received: a verdict of {board}, a baseline of {baseline}",
            next_step="give a baseline of this board",
        )


def growth(verdict: dict[str, Any], baseline: dict[str, Any]) -> list[str]:
    """What grew, one sentence each. Both are `nightjar/verify/1`; None in either means not counted.

    Raises:
        BadInput: the two cannot be compared, being of different boards.
    """
    check_board(verdict["board"], baseline["board"])
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
