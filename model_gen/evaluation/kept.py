"""A folder for each answer: what was made is not made again, what was cut off or asked otherwise is."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from host.files import write_atomically
from model_gen.progress import line

ASKED = "job.json"  # in the folder: written last, when the answer is whole


def keep(folder: Path, done: str, asked: Any, make: Callable[[], object], what: str) -> None:
    """Have `make` put the file `done` into an empty `folder`, unless it is there as it is `asked` for.

    Args:
        asked: all that decides the answer, as JSON holds it.
        what: is made, for people.

    Raises:
        NightjarError: as `make` does; what it left is thrown away the next time.
    """
    told, text = folder / ASKED, json.dumps(asked, indent=1)
    there = told.is_file() and (folder / done).is_file()
    if there and told.read_text(encoding="utf-8") == text:
        line(f"{what}: made before")
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began = time.monotonic()
    make()
    write_atomically(told, text.encode())
    line(f"{what}: {time.monotonic() - began:.0f} s; {folder}")
