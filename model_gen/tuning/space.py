"""The search space: the rows of the options table that carry a search range and are not told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_gen.training.option import Option
from model_gen.training.presets import preset, table
from model_gen.training.together import RULES


@dataclass(frozen=True)
class Space:
    """What a trial draws, and what else its options are made from.

    Attributes:
        preset: where the defaults come from.
        told: what was given for all trials; none of it is drawn.
        rows: the options that may be drawn, in the table's order.
    """

    preset: str
    told: Mapping[str, Any]
    rows: tuple[Option, ...]

    @classmethod
    def of(cls, name: str, told: Mapping[str, Any]) -> "Space":
        """That of a preset with what was told."""
        rows = [one for one in table().values() if one.declared.search and one.name not in told]
        return cls(name, told, tuple(rows))

    @property
    def ranges(self) -> dict[str, list[Any]]:
        """Option -> what it is drawn from, as JSON gives it back."""
        return {one.name: list(one.declared.search) for one in self.rows}

    @property
    def defaults(self) -> dict[str, Any]:
        """What the preset has of the rows, where the row's range has it, too."""
        own = preset(self.preset)
        return {one.name: own[one.name] for one in self.rows if _holds(one, own[one.name])}

    def draw(self, trial: Any, *, only: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A value of each row that has something to decide beside those before it.

        Args:
            trial: `optuna.Trial`, or whatever suggests as it does.
            only: rows to draw; None is all. The others keep the preset's value.
        """
        values = preset(self.preset) | dict(self.told)
        drawn = {}
        for one in self.rows:
            if (only is None or one.name in only) and decides(one.name, values):
                drawn[one.name] = values[one.name] = _suggest(trial, one)
        return drawn


def decides(name: str, values: Mapping[str, Any]) -> bool:
    """Whether an option may take any value beside those of the others."""
    return not any(
        rule.other == name and not rule.free and values[rule.option] in rule.values
        for rule in RULES
    )


def _suggest(trial: Any, one: Option) -> Any:
    search = one.declared.search
    if one.kind is float:  # least, most and perhaps "log"
        return trial.suggest_float(one.name, search[0], search[1], log="log" in search)
    return trial.suggest_categorical(one.name, search)


def _holds(one: Option, value: Any) -> bool:
    search = one.declared.search
    if one.kind is float:
        return bool(search[0] <= value <= search[1])
    return value in search
