"""Files cut short and changed, for tests of parsers: each must be read or refused, never end in anything else."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from host.errors import BadInput


def damaged(text: str) -> st.SearchStrategy[str]:
    """The text with its end cut off, a stretch taken out, moved or written over, or a number changed."""
    place = st.integers(0, len(text))
    cut = place.map(lambda end: text[:end])
    removed = st.tuples(place, st.integers(1, 200)).map(lambda at: text[: at[0]] + text[sum(at) :])
    written = st.tuples(place, st.text(min_size=1, max_size=12)).map(
        lambda at: text[: at[0]] + at[1] + text[at[0] + len(at[1]) :]
    )
    digit = st.tuples(place, st.sampled_from("0123456789-.,e"), st.integers(1, 30)).map(
        lambda at: text[: at[0]] + at[1] * at[2] + text[at[0] :]
    )
    doubled = st.tuples(place, st.integers(1, 300)).map(
        lambda at: text[: sum(at)] + text[at[0] : sum(at)] + text[sum(at) :]
    )
    return st.one_of(cut, removed, written, digit, doubled)


def mutations(raw: Any) -> st.SearchStrategy[Any]:
    """The document with one value somewhere in it removed or replaced."""
    paths = list(_paths(raw))
    values = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(1 << 70), 1 << 70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.just([]),
        st.just({}),
        st.just([None]),
        st.just([{}]),
        st.just(["1"]),
    )
    return st.tuples(st.sampled_from(paths), st.booleans(), values).map(
        lambda drawn: _changed(raw, drawn[0], *drawn[1:])
    )


def _paths(raw: Any, path: tuple[Any, ...] = ()) -> "list[tuple[Any, ...]]":
    made = [path] if path else []
    inner = (
        raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    )
    for key, value in inner:
        made += _paths(value, (*path, key))
    return made


def _changed(raw: Any, path: tuple[Any, ...], remove: bool, value: Any) -> Any:
    made = dict(raw) if isinstance(raw, dict) else list(raw)
    key = path[0]
    if len(path) > 1:
        made[key] = _changed(raw[key], path[1:], remove, value)
    elif remove:
        del made[key]
    else:
        made[key] = value
    return made


def read_or_refused(read: Callable[[Any], object], given: Any) -> None:
    """Read it; where it is refused, the message must say what was received.

    Raises:
        ValueError: it does not.
    """
    try:
        read(given)
    except BadInput as error:
        if not error.evidence.startswith("Received: "):
            raise ValueError(f"says nothing of what was received: {error}") from error
