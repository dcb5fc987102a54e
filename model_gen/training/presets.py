"""The presets: where the defaults of training come from."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_type_hints

from host.errors import BadInput
from model_gen.training.option import (
    Declaration,
    check,
    declaration,
    default_of,
    flag,
    is_built,
    required,
    shown,
)
from model_gen.training.options import TrainOptions

PRESETS = ("release", "april")


# What says which recordings are held out -> what says it otherwise, and would count for nothing.
_INSTEAD_OF = {
    "test_group": ("test_split", "test_data"),
    "test_data": ("test_split",),
    "val_group": ("val_split",),
}


def table() -> dict[str, tuple[Declaration, Any, Any]]:
    """Each option's declaration, type and default of `release`, by the name of its field, in order."""
    kinds = get_type_hints(TrainOptions)
    return {
        one.name: (declaration(one), kinds[one.name], default_of(one))
        for one in fields(TrainOptions)
    }


def preset(name: str) -> dict[str, Any]:
    """The defaults of a preset, of every option that has one."""
    return {
        one.name: declaration(one).april if name == "april" else default_of(one)
        for one in fields(TrainOptions)
        if not required(one)
    }


def options_of(name: str, given: dict[str, Any]) -> TrainOptions:
    """The options of a preset with what was given in their place; None and () stand for what was not.

    Raises:
        BadInput: a value is out of its range, two options contradict each other, or the preset asks
            for what is not built yet, and nothing else was given.
    """
    told = {key: value for key, value in given.items() if value not in (None, ())}
    for one, other in _INSTEAD_OF.items():
        _check_instead(told, one, other)
    of_preset = preset(name)
    lacking = [
        (key, default)
        for key, (declared, _, default) in table().items()
        if key in of_preset and key not in told and not is_built(of_preset[key], declared, default)
    ]
    if lacking:
        asked = shown(_written(key, of_preset[key]) for key, _ in lacking)
        instead = " ".join(_written(key, value) for key, value in lacking)
        raise BadInput(
            f"the preset {name} asks for what is not built yet",
            evidence=f"Received: --preset {name}, which is {asked}",
            next_step=f"add {instead}, or use --preset release",
        )
    return TrainOptions(**{**of_preset, **told})


def check_model(name: str, value: Any) -> None:
    """Hold a value of a model's configuration against the table.

    Raises:
        BadInput: it is out of its range.
    """
    (found,) = (one for one in fields(TrainOptions) if one.name == name)
    check(name, value, declaration(found), default_of(found))


def _check_instead(told: dict[str, Any], name: str, others: Sequence[str]) -> None:
    for other in others:
        agree = name == "test_data" and told.get(other) == 0  # which it implies
        if name in told and other in told and not agree:
            raise BadInput(
                f"{flag(name)} and {flag(other)} exclude each other: each says what is held out",
                evidence=f"Received: {flag(name)} {_shown(told[name])} and {flag(other)} "
                f"{_shown(told[other])}",
                next_step=f"leave {flag(other)} out, or {flag(name)}",
            )


def _shown(value: Any) -> str:
    return shown(value) if isinstance(value, tuple) else str(value)


def _written(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return flag(name) if value else flag(f"no_{name}")
    return f"{flag(name)} {value}"
