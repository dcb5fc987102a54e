"""Whether files can be written where an option says, looked at before any work is done for them."""

import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from host.errors import BadInput
from host.reading import kind_of

_LONGEST = 255 - 60  # bytes of a name: a temporary one is longer


def problem_above(place: Path) -> str:
    """Why nothing can be made at `place`, where nothing is yet, in words; "" when it can."""
    if len(os.fsencode(place.name)) > _LONGEST:
        return f"its name has more than {_LONGEST} bytes"
    folder = next(above for above in place.parents if os.path.lexists(above))
    if not folder.is_dir():
        return f"{folder} is no folder"
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return f"{folder} is not writable"
    return ""


def check_files(option: str, paths: Iterable[Path]) -> None:
    """Refuse places where no regular file can be written, which what is there would be replaced by.

    Raises:
        BadInput: naming `option` and the first such place.
    """
    for path in paths:
        _check(option, path, "a file", stat.S_ISREG)


def check_folder(option: str, path: Path | None) -> None:
    """Refuse a place that is no folder to write into, nor can become one; None is no place.

    Raises:
        BadInput: naming `option`.
    """
    if path is not None:
        _check(option, path, "a folder", stat.S_ISDIR)


def _check(option: str, path: Path, wanted: str, fits: Callable[[int], bool]) -> None:
    problem = ""
    try:
        mode = path.stat().st_mode
        if not fits(mode):
            problem = f"it is {kind_of(mode)}"
        elif stat.S_ISDIR(mode):
            problem = problem_above(path / "x")
        else:
            problem = problem_above(path)
    except (FileNotFoundError, NotADirectoryError):
        problem = problem_above(path.absolute())
    except OSError as error:
        problem = error.strerror or type(error).__name__
    if problem:
        raise BadInput(
            f"{option} must be {wanted} that can be written",
            evidence=f"Received: {path}: {problem}",
        )
