"""A table for people, in columns as wide as their widest cell."""

from collections.abc import Sequence

from host.cli.common import say


def say_columns(rows: Sequence[Sequence[str]], json_path: str | None) -> None:
    """Print rows of the same number of cells, the heading first."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        said = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say(said.rstrip(), json_path)
