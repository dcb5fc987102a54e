"""JSON that says its own schema, read as the dataclass that it is of."""

from collections.abc import Callable
from typing import TypeVar

from host.errors import BadInput
from host.reading import load_json
from host.typed import typed

T = TypeVar("T")


def load_of_schema(
    data: bytes,
    cls: type[T],
    schema: str,
    check: Callable[[T], None],
    *,
    file: str,
    what: str,
    next_step: str,
) -> T:
    """The object of a JSON file whose "schema" is `schema`.

    Args:
        check: raises ValueError where the object contradicts itself.
        file: its name, where it is no JSON. what: it is, where it is of another schema.

    Raises:
        BadInput: it is not of this schema, or contradicts itself.
    """
    raw = load_json(data, file, next_step=next_step)
    try:
        told = raw.pop("schema", None) if isinstance(raw, dict) else None
        if told != schema:
            raise ValueError(f"the schema {str(told)[:80]!r}")
        made = typed(cls, raw)
        check(made)
    except ValueError as error:
        raise BadInput(
            f"{what} must follow the schema {schema}",
            evidence=f"Received: {error}"[:300],
            next_step=next_step,
        ) from error
    return made
