"""The presets: where the defaults of training come from."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from host.errors import BadInput
from model_gen.training import together
from model_gen.training.option import Option
from model_gen.training.option_value import check
from model_gen.training.options import TrainOptions
from model_gen.training.qat import recipe

PRESETS = ("release", "april")


# What says which recordings are held out -> what says it otherwise, and would count for nothing.
_INSTEAD_OF = {
    "test_group": ("test_split", "test_data"),
    "test_data": ("test_split",),
    "val_group": ("val_split",),
}
# Parts of the table of which --qat has everything from the model that it begins with -> why.
_OF_BASES = {
    "model": "the model of --checkpoint-path is what it is",
    "data": "recordings and splits are those of the model of --checkpoint-path",
}
_BESIDE_BASES = ("data_path_train", "max_classes", "upsample_ratio")  # which it is told, too


def table() -> dict[str, Option]:
    """The options by the names of their fields, in order."""
    return {one.name: Option.of(one) for one in fields(TrainOptions)}


def preset(name: str) -> dict[str, Any]:
    """The defaults of a preset, of every option that has one."""
    return {
        one.name: one.declared.april if name == "april" else one.default
        for one in table().values()
        if not one.required
    }


def gave_way(name: str, given: dict[str, Any]) -> list[str]:
    """For people: which defaults of a preset gave way to what was given, and why.

    Raises:
        BadInput: as `options_of`.
    """
    told = _told(given)
    before = _defaults(name, told)
    return list(together.gave_way(before | told, together.given_way(before, told)))


def options_of(name: str, given: dict[str, Any]) -> TrainOptions:
    """The options of a preset with what was given in their place; None and () stand for what was not.

    Raises:
        BadInput: a value is out of its range or asks for what is not built, or two options contradict
            each other.
    """
    told = _told(given)
    for one, other in _INSTEAD_OF.items():
        _check_instead(told, one, other)
    for key, value in told.items():
        check(table()[key], value)
    if told.get("qat"):
        _check_base(told)
    return TrainOptions(**together.given_way(_defaults(name, told), told))


def _defaults(name: str, told: dict[str, Any]) -> dict[str, Any]:
    """The defaults of a preset, or in their place those of what is fine-tuned."""
    made = preset(name)
    if told.get("qat"):
        made["qat_mode"] = preset("release")["qat_mode"]
        made |= recipe.defaults(told.get("qat_mode", made["qat_mode"]))
    return made


def _check_base(told: dict[str, Any]) -> None:
    """Refuse to be told what the model is that --qat begins with, or which recordings it is of."""
    known = table()
    for key, value in told.items():
        part = known[key].declared.part
        if part in _OF_BASES and key not in _BESIDE_BASES:
            raise BadInput(
                f"--qat leaves {known[key].flag} nothing to decide: {_OF_BASES[part]}",
                evidence=f"Received: {known[key].typed(value)}",
                next_step=f"leave {known[key].flag} out",
            )


def _told(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value not in (None, ())}


def check_model(name: str, value: Any) -> None:
    """Hold a value of a model's configuration against the table.

    Raises:
        BadInput: it is out of its range.
    """
    check(table()[name], value)


def _check_instead(told: dict[str, Any], name: str, others: Sequence[str]) -> None:
    for other in others:
        agree = name == "test_data" and told.get(other) == 0  # which it implies
        if name in told and other in told and not agree:
            one, two = table()[name], table()[other]
            raise BadInput(
                f"{one.flag} and {two.flag} exclude each other: each says what is held out",
                evidence=f"Received: {one.typed(told[name])} and {two.typed(told[other])}",
                next_step=f"leave {two.flag} out, or {one.flag}",
            )
