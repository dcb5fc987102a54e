"""What a trial draws goes together, whatever it draws."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_gen.training.presets import PRESETS, options_of, preset, table
from model_gen.training.together import RULES
from model_gen.tuning.space import Space, decides

PLACES = {"data_path_train": "data"}


class Drawing:
    """Suggests as `optuna.Trial` does, what hypothesis draws."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self.asked: list[str] = []

    def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
        assert not log or low > 0
        self.asked.append(name)
        return self._data.draw(st.floats(low, high), name)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        self.asked.append(name)
        return self._data.draw(st.sampled_from(choices), name)


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_whatever_is_drawn_makes_options(name: str, data: st.DataObject) -> None:
    space = Space.of(name, PLACES)
    trial = Drawing(data)
    drawn = space.draw(trial)
    assert list(drawn) == trial.asked
    options = options_of(name, {**space.told, **drawn})
    for key, value in drawn.items():
        assert getattr(options, key) == value
    assert ("se_reduction" in drawn) == drawn["se"]
    assert ("expansion_factor" in drawn) == drawn["inverted_residual"]


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_what_is_told_is_not_drawn_and_nor_is_what_follows_from_it(data: st.DataObject) -> None:
    space = Space.of("release", {**PLACES, "alpha": 0.5, "se": False, "inverted_residual": True})
    drawn = space.draw(Drawing(data))
    assert not {"alpha", "se", "se_reduction", "inverted_residual"} & set(drawn)
    assert "expansion_factor" in drawn
    teacher = Space.of("release", {**PLACES, "backbone": "teacher"}).draw(Drawing(data))
    assert not {"embeddings_size", "se", "expansion_factor"} & set(teacher)


def test_a_condition_is_drawn_before_what_it_decides() -> None:
    order = [one.name for one in Space.of("release", {}).rows]
    for rule in RULES:
        if rule.option in order and rule.other in order:
            assert order.index(rule.option) < order.index(rule.other)


def test_defaults_are_those_that_lie_in_their_range() -> None:
    found = Space.of("release", PLACES).defaults
    assert "weight_decay" not in found  # 0, and no logarithm has it
    assert found["alpha"] == table()["alpha"].default
    assert not decides("se_reduction", preset("release"))
    assert decides("se_reduction", preset("april"))
