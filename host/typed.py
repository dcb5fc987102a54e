"""Dataclasses from parsed JSON: every field there, none besides, each of its declared type."""

from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from host.nearest import did_you_mean

T = TypeVar("T")


def typed(kind: type[T], raw: Any, where: str = "") -> T:
    """An instance of the dataclass `kind`, its own checks included.

    Fields may be of type int, float (which takes whole numbers), str, bool, date (of TOML), None, Any,
    tuple[X, ...], dict[str, X], a union of these, or such a dataclass.

    Args:
        kind: a dataclass.
        raw: what `load_json` gave.
        where: the place in the document, for the message.

    Raises:
        ValueError: it does not fit; the message names the place.
    """
    if not isinstance(raw, dict):
        raise _misfit(where, "an object", raw)
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    strange = next((name for name in raw if name not in known), None)
    if strange is not None:
        near = did_you_mean(strange, known)
        raise ValueError(f"{_path(where, strange)} is not known{near and '.' + near}")
    for name, field in known.items():
        if name not in raw and field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{_path(where, name)} is missing")
    return kind(
        **{name: _value(hints[name], value, _path(where, name)) for name, value in raw.items()}
    )


def _value(hint: Any, raw: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return raw
    if origin in (UnionType, Union):
        fitting = [kind for kind in arguments if _fits(kind, raw)]
        if not fitting:
            raise _misfit(where, " or ".join(_name(kind) for kind in arguments), raw)
        return _value(fitting[0], raw, where)
    if not _fits(hint, raw):
        raise _misfit(where, _name(hint), raw)
    if is_dataclass(hint):
        return typed(hint, raw, where)  # type: ignore[arg-type]
    if origin is tuple:
        return tuple(_value(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(raw))
    if origin is dict:
        return {key: _value(arguments[1], item, _path(where, key)) for key, item in raw.items()}
    try:
        return float(raw) if hint is float else raw
    except OverflowError:
        raise _misfit(where, "a number of at most 1e308", raw) from None


def _fits(hint: Any, raw: Any) -> bool:
    """Whether `raw` is of that type, as far as one can see from outside."""
    origin = get_origin(hint)
    if isinstance(raw, bool):
        return hint is bool
    if hint in (NoneType, None):
        return raw is None
    if hint is float:
        return isinstance(raw, (int, float))
    if is_dataclass(hint) or origin is dict:
        return isinstance(raw, dict)
    if origin is tuple:
        return isinstance(raw, list)
    return isinstance(raw, hint)


def _name(hint: Any) -> str:
    if is_dataclass(hint) or get_origin(hint) is dict:
        return "an object"
    if get_origin(hint) is tuple:
        return "a list"
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    names[date] = "a day, as 2026-12-31 without quotes"
    return names.get(hint, "null")


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _misfit(where: str, wanted: str, raw: Any) -> ValueError:
    return ValueError(f"{where or 'the document'} must be {wanted}, and is {str(raw)[:60]!r}")
