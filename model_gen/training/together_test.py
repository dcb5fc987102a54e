"""Each rule, both ways: a default gives way, what was told is refused."""

from pathlib import Path
from typing import Any

import pytest

from host.errors import BadInput
from model_gen.training.option import flag
from model_gen.training.presets import PRESETS, preset, table
from model_gen.training.together import RULES, check, gave_way, given_way

DATA: dict[str, Any] = {"data_path_train": Path("data")}
CHOICES = [(rule, value) for rule in RULES for value in rule.values]


def values(name: str, told: dict[str, Any]) -> dict[str, Any]:
    return given_way(preset(name), told)


def with_needed(given: dict[str, Any]) -> dict[str, Any]:
    """With the greater choices that it needs, which never give way, and --tune or --qat for what is theirs."""
    firm = {
        rule.other: rule.allowed[0]
        for rule in RULES
        if rule.firm and rule.allowed and given.get(rule.option) in rule.values
    }
    room = {
        rule.option: True
        for rule in RULES
        if rule.room is True and rule.option in ("tune", "qat") and rule.other in given
    }
    return {**firm, **room, **given}


class Record:
    """Options by their names, of any values."""

    def __init__(self, made: dict[str, Any]) -> None:
        self.__dict__.update(made)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(("rule", "value"), CHOICES)
def test_the_defaults_of_a_preset_give_way_and_what_is_made_fits(
    rule: Any, value: Any, name: str
) -> None:
    made = values(name, with_needed({rule.option: value}))
    check(Record(made))
    assert made[rule.option] == value
    if rule.allowed is not None:
        assert made[rule.other] in rule.allowed


@pytest.mark.parametrize(("rule", "value"), [(r, v) for r, v in CHOICES if not r.free])
def test_what_was_told_is_refused_with_both_options_and_the_reason(rule: Any, value: Any) -> None:
    one = table()[rule.other]
    wrong = next(
        candidate
        for candidate in (*one.declared.choices, 1.0, 2.0, one.default)
        if candidate not in (rule.allowed or (one.default,))
    )
    with pytest.raises(BadInput) as caught:
        values("release", with_needed({rule.option: value, rule.other: wrong}))
    text = str(caught.value)
    assert flag(rule.option) in text
    assert flag(rule.other) in text


def test_a_default_that_gave_way_is_told_with_its_reason() -> None:
    made = values("release", {"audio_frontend": "mfcc"})
    told = list(gave_way(preset("release") | {"audio_frontend": "mfcc"}, made))
    assert told == [
        "--input-compression log, and not sqrt: with --audio-frontend mfcc its DCT is of log mel bands",
        "--normalization minmax, and not percentile: with --audio-frontend mfcc its first coefficient is far below"
        " the others, which a percentile of all would cut off",
        "--norm-low 0, and not 150: with --audio-frontend mfcc coefficients of a DCT are no bands",
        "--mag-scale none, and not pwl: with --audio-frontend mfcc it has its logarithm already",
        "--warp-max 0, and not 0.15: with --audio-frontend mfcc coefficients of a DCT are no bands",
    ]


def test_every_rule_is_of_options_that_there_are() -> None:
    for rule in RULES:
        one = table()[rule.option]
        words = {*one.declared.words, *([None] if one.default is None else [])}
        assert set(rule.values) <= ({False, True} if one.kind is bool else words)
        assert rule.allowed is None or rule.allowed[0] is not None
        assert rule.other in table()
