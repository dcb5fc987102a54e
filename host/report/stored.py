"""Verdicts that an earlier command wrote: read and checked against their schema."""

import json
from pathlib import Path
from typing import Any

from host.errors import BadInput
from host.reading import MOST_JSON, read_file
from host.report.verdict import SCHEMA, SCHEMA_FILE

_MAKE = "make one with `nightjar verify ... --json FILE`"


def read_verdict(path: Path, what: str = "the verdict") -> dict[str, Any]:
    """A verdict `nightjar/verify/1`.

    Raises:
        BadInput: the file is none.
    """
    try:
        data = read_file(path, what, MOST_JSON, next_step=_MAKE)
    except OSError as error:
        raise no_verdict(path, f"{type(error).__name__}: {error}", what) from error
    return parse_verdict(path, data, what)


def parse_verdict(path: Path, data: bytes, what: str = "the verdict") -> dict[str, Any]:
    """The same from the bytes of the file.

    Raises: as `read_verdict`.
    """
    import jsonschema

    try:
        raw: dict[str, Any] = json.loads(data, parse_constant=_no_number)
        # A later version's members are ignored.
        schema = json.loads(SCHEMA_FILE.read_bytes()) | {"additionalProperties": True}
        jsonschema.validate(raw, schema)
    except (ValueError, RecursionError) as error:
        raise no_verdict(path, f"{type(error).__name__}: {error}", what) from error
    except jsonschema.ValidationError as error:
        place = "/".join(map(str, error.absolute_path)) or "the whole"
        raise no_verdict(path, f"{place}: {error.message[:300]}", what) from error
    return raw


def no_verdict(path: Path, received: str, what: str) -> BadInput:
    """That a file is no verdict."""
    return BadInput(
        f"{what} must be a verdict of the schema {SCHEMA}",
        evidence=f"Received: {path}: {received}",
        next_step=_MAKE,
    )


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")
