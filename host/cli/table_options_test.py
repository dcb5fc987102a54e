"""Every option of the table on the command line: what it takes, and what is said where it does not.

The cases are made from the table, so that a new option is tested without a line here.
"""

import math
import re

import pytest

from host.cli import main
from host.cli.train import command
from host.errors import BadInput
from model_gen.training.option import Option, flag, shown
from model_gen.training.options import TrainOptions
from model_gen.training.presets import options_of, table

TABLE = list(table().values())
NUMBERS = [one for one in TABLE if one.kind in (int, float)]
SEVERAL = [one for one in TABLE if one.kind == tuple[int, ...]]
WORDS = [one for one in TABLE if one.declared.words]
SWITCHES = [one for one in TABLE if one.kind is bool]
each_of = pytest.mark.parametrize


def options(*given: str) -> TrainOptions:
    """What `nightjar train` makes of a command line."""
    required = ("--data-path-train", "x")
    params = dict(command.make_context("nightjar train", [*required, *given]).params)
    del params["json_path"]
    return options_of(params.pop("preset"), params)


def value(one: Option, *given: str) -> object:
    """What an option's value is after it was given."""
    return getattr(options(*given), one.name)


def needed(*given: str) -> list[str]:
    """Other options with which alone the given one goes, which the errors name one after the other."""
    found: list[str] = []
    for _ in range(3):
        try:
            options(*given, *found)
        except BadInput as error:
            found += str(re.findall(r"--[a-z-]+(?: \w+)?", error.next_step)[0]).split()
    return found


def refused(one: Option, *given: str) -> BadInput:
    """The error about an option, which says what is expected, what was received, and what to do."""
    with pytest.raises(BadInput) as caught:
        options(*given)
    error = caught.value
    assert error.what.startswith(f"{one.flag} "), error
    assert error.evidence.startswith("Received: "), error
    assert error.next_step, error
    return error


def mended(one: Option, given: str) -> None:
    """A value is refused, and what the error offers is taken."""
    error = refused(one, f"{one.flag}={given}")
    if "is not built" in error.what:
        assert error.next_step == f"leave {one.flag} out"
        only = error.what.partition(": today it can only be ")[2]
        assert only
        assert only == "left out" or value(one, f"{one.flag}={only}") == one.default
        return
    offered = re.search(rf"(?:example|around them:) {one.flag} (\S+)$", error.next_step)
    assert offered, error
    if one in SEVERAL:
        assert value(one, one.flag, offered[1]) == one.default
    else:
        within(one, str((int if one.whole else float)(offered[1])))
    near = re.search(r"; the (?:nearest|default) is (.+)$", error.evidence)
    if one not in SEVERAL and one.default is not None:
        assert near
        assert near[1] == offered[1]


def within(one: Option, text: str) -> None:
    """A value of the range is taken, or does not go with the other options, which is another error."""
    refusal = None
    try:
        assert str(value(one, one.flag, text)) == text
    except BadInput as error:
        refusal = error
    assert refusal is None or (refusal.next_step and not refusal.what.startswith(one.flag))


def named(one: Option) -> str:
    """What a test of an option is called."""
    return one.name


@each_of("one", NUMBERS, ids=named)
def test_a_number_is_taken_within_its_limits_alone(one: Option) -> None:
    declared = one.declared
    kind = int if one.whole else float
    for limit in {declared.least, declared.most, one.default} - {None, math.inf, -math.inf}:
        text = str(limit)
        if one.unbuilt and limit != one.default:
            mended(one, text)
        else:
            within(one, str(kind(limit)))
    step = 1 if one.whole else 1e-6
    for outside in (declared.least - step, declared.most + step, -(10**30)):
        mended(one, str(outside))
    if not one.whole or declared.most < math.inf or one.unbuilt:
        mended(one, str(10**30))
        mended(one, str(10**400))


@each_of("wrong", ["ten", " ", "nan", "-nan", "inf", "-inf", "1e999", "1,5", "0x10", "5%", "-"])
@each_of("one", NUMBERS, ids=named)
def test_what_is_no_number_is_refused_with_one_that_is(one: Option, wrong: str) -> None:
    mended(one, wrong)


@each_of("one", [one for one in NUMBERS if one.whole], ids=named)
def test_a_whole_number_has_no_fraction_and_the_factors_that_it_needs(one: Option) -> None:
    mended(one, f"{one.default or one.declared.least}.4")
    if one.declared.power or one.declared.multiple > 1:
        mended(one, str(one.default + 1))


@each_of("one", SEVERAL, ids=named)
def test_several_numbers_are_one_word(one: Option) -> None:
    for between in (" ", ",", ", "):
        assert value(one, one.flag, between.join(map(str, one.default))) == one.default
    for wrong in (" ", "8,x", "8 1.5", "7 7 7 7 7 7", "nan", "0 0 0 0"):
        mended(one, wrong)
    with pytest.raises(BadInput) as caught:
        options(one.flag, *[str(number) for number in (*one.default, 8, 8, 8, 8)[:4]])
    assert "quotes" in caught.value.next_step


@each_of("one", WORDS, ids=named)
def test_a_word_is_taken_refused_by_name_or_explained(
    one: Option, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = one.declared
    for word in declared.words:
        if one.is_built(word):
            assert value(one, one.flag, word, *needed(one.flag, word)) == word
            continue
        said = refused(one, one.flag, word)
        assert "is not built: today " in said.what
        assert said.evidence.endswith(f"; the nearest is {one.default}")
        assert value(one, one.flag, one.default) == one.default
    for wrong in (" ", "nonsense", "ap,loss"):
        assert str(one.default) in str(refused(one, one.flag, wrong))
    if not one.unbuilt:
        loud = refused(one, one.flag, one.default.upper())
        assert f"Did you mean {one.default}?" in loud.evidence
    for old, now in declared.old:
        if one.is_built(now):
            assert value(one, one.flag, old) == now
        else:
            assert f"{one.flag} {now} is not built" in refused(one, one.flag, old).what
        assert f"{one.flag} {old} is called {now} now" in capsys.readouterr().err


@each_of("one", SWITCHES, ids=named)
def test_a_switch_goes_both_ways(one: Option, capsys: pytest.CaptureFixture[str]) -> None:
    for state, form in ((True, one.flag), (False, flag(f"no_{one.name}"))):
        for written in (form, f"--{form[2:].replace('-', '_')}"):
            if one.is_built(state):
                assert value(one, written, *needed(form)) is state
            else:
                assert refused(one, written).next_step == f"leave {one.flag} out"
    assert capsys.readouterr().err == ""
    for old in one.declared.aka:
        for written in (f"--no-{old}", f"--no_{old.replace('-', '_')}"):
            assert value(one, written) is False
            assert f"is called {flag(f'no_{one.name}')} now" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["train", f"{one.flag}=on"])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert f"Option '{one.flag}' does not take a value" in said
    assert "next step: nightjar train --help" in said


@each_of("one", [one for one in TABLE if one not in SWITCHES], ids=named)
def test_a_value_is_not_empty(one: Option) -> None:
    for given in ([one.flag, ""], [f"{one.flag}="]):
        assert refused(one, *given).what == f"{one.flag} must not be empty"


@each_of("one", [one for one in TABLE if one not in SWITCHES], ids=named)
def test_a_name_may_have_underscores(one: Option) -> None:
    text = ("1" if one in NUMBERS else "x") if one.default in (None, ()) else shown([one.default])
    if one.default is None and one.unbuilt:
        refused(one, f"--{one.name}", text)
    else:
        more = needed(one.flag, text)
        assert value(one, f"--{one.name}", text, *more) == value(one, one.flag, text, *more)


# Of shorter names a typo is as near to others.
@each_of("one", [one for one in TABLE if len(one.name) > 3], ids=named)
def test_a_mistyped_name_is_corrected(one: Option, capsys: pytest.CaptureFixture[str]) -> None:
    good = one.flag
    at = len(good) // 2 + 1
    doubled = good[:at] + good[at - 1 :]
    swapped = good[:at] + good[at : at + 2][::-1] + good[at + 2 :]
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    for typo in {doubled, swapped, good[:-1]} - known:
        with pytest.raises(SystemExit):
            main(["train", typo, "1"])
        said = capsys.readouterr().err
        assert f"No such option '{typo}'. Did you mean {good}?" in said
        assert "next step: nightjar train --help" in said


def test_without_its_data_a_run_is_no_defect(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["train"])
    assert caught.value.code == 2
    assert "--data-path-train" in capsys.readouterr().err
