"""JSON becomes a dataclass, or the place that does not fit is named."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.typed import typed


@dataclass(frozen=True)
class Inner:
    shape: tuple[int, ...]
    scale: float


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    inners: tuple[Inner, ...]
    rules: dict[str, str]
    slot: int | None
    flag: bool = False
    anything: Any = None


RIGHT = Outer("a", Inner((1, 2), 0.5), (Inner((), 1.0),), {"ADD": "single"}, None, True, [{}])


def raw() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(asdict(RIGHT)))
    return made


def test_what_fits_comes_back() -> None:
    assert typed(Outer, raw()) == RIGHT
    whole = typed(Outer, {**raw(), "inner": {"shape": [], "scale": 2}, "slot": 3})
    assert (whole.inner.scale, type(whole.inner.scale), whole.slot) == (2.0, float, 3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": 1}, "name must be a text, and is '1'"),
        ({"name": None}, "name must be a text"),
        ({"inner": []}, "inner must be an object"),
        ({"inner": {"shape": [1, 2.0], "scale": 1}}, r"inner\.shape\[1\] must be a whole number"),
        ({"inner": {"shape": [True], "scale": 1}}, r"inner\.shape\[0\] must be a whole number"),
        ({"inner": {"shape": "12", "scale": 1}}, r"inner\.shape must be a list"),
        ({"inner": {"shape": [], "scale": "1"}}, r"inner\.scale must be a number"),
        ({"inner": {"shape": [], "scale": 10**400}}, r"inner\.scale must be a number of at most"),
        ({"inner": {"shape": []}}, r"inner\.scale is missing"),
        ({"inners": [{}]}, r"inners\[0\]\.shape is missing"),
        ({"rules": {"ADD": 1}}, r"rules\.ADD must be a text"),
        ({"slot": "1"}, "slot must be a whole number or null"),
        ({"flag": 1}, "flag must be true or false"),
        ({"more": 1}, "more is not known"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        typed(Outer, {**raw(), **change})
    wholes: tuple[Any, ...] = ([], None, 1)
    for whole in wholes:
        with pytest.raises(ValueError, match="the document must be an object"):
            typed(Outer, whole)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(raw())), values)
def test_nothing_but_a_value_error_comes_of_any_value(name: str, value: Any) -> None:
    try:
        made = typed(Outer, {**raw(), name: value})
    except ValueError:
        return
    assert isinstance(made, Outer)
