"""What the pages of measurements share: a table, and when and on what it was measured."""

from collections.abc import Iterable, Iterator
from typing import Any


def made_on(data: dict[str, Any]) -> str:
    """The sentence of what `made_by` put into the data."""
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    machine = data["machine"]
    return f"On {data['date']}, on {machine['cores']} cores of {machine['processor']}, with {versions}."


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Its lines; a cell may be empty."""
    names = list(heading)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield "|" + "".join(f" {cell} |" if cell else " |" for cell in row)
