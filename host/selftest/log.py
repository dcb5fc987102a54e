"""What a long campaign has found, line by line in a file, so that it can be interrupted and go on."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from host.errors import BadInput


class Log:
    """JSON lines: what the campaign is about, then what was found.

    known: what was found before, of the same campaign. A last line that was cut short is written anew.

    Raises:
        BadInput: the file is of another campaign, or no log.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.known: list[dict[str, Any]] = []
        text = path.read_bytes() if path.exists() else b""
        *lines, rest = text.split(b"\n")
        try:
            first, *self.known = [json.loads(line) for line in lines] or [about]
        except ValueError:
            first = None
        if first != about:
            raise BadInput(
                "the log is of another campaign",
                evidence=f"Received: {path}, which begins with {text[:200]!r}",
                next_step="name another file with --log, or remove this one",
            )
        self._stream = path.open("r+b" if text else "wb", buffering=0)
        self._stream.seek(-len(rest), os.SEEK_END)
        self._stream.truncate()
        if not lines:
            self.add(about)

    def add(self, found: Mapping[str, Any]) -> None:
        """Write a line, at once."""
        self._stream.write(json.dumps(found).encode() + b"\n")

    def close(self) -> None:
        self._stream.close()
