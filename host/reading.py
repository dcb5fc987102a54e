"""What somebody else wrote, read whole: regular files only, none larger than it may be."""

import errno
import json
import math
import os
import stat
from pathlib import Path
from typing import Any

from host.errors import BadInput

MOST_JSON = 16 << 20  # bytes of a JSON file
MOST_TEXT = 64 << 20  # bytes of a table or another text
DEEPEST = 64  # lists and objects within each other in a JSON file
_PIECE = 1 << 20  # bytes
# What opening a path of a user's may say about the path; anything else is the computer's trouble.
_OF_THE_PATH = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}
_OF_THE_PATH |= {errno.ENAMETOOLONG, errno.EINVAL}


def read_file(
    path: Path, what: str, limit: int, *, follow: bool = True, next_step: str = ""
) -> bytes:
    """The bytes of a regular file.

    Args:
        path: the file; a FIFO or a device is refused, not waited for.
        what: what the file is, for the message.
        limit: bytes that it may have; the size is looked at before anything is read.
        follow: whether the path may be a link.
        next_step: of the error.

    Raises:
        BadInput: it is absent, not readable, a link that must be none, no regular file, or larger.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        handle = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno not in _OF_THE_PATH:
            raise
        reason = error.strerror
        if error.errno == errno.ENOENT:
            reason = "which does not exist"
        elif not follow and path.is_symlink():
            reason = "which is a link"
        raise _unreadable(what, f"{path}, {reason}", next_step) from error
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise _unreadable(what, f"{path}, which is {kind_of(found.st_mode)}", next_step)
    size, pieces = found.st_size, []
    with os.fdopen(handle, "rb", buffering=0) as stream:
        left = limit + 1 if size <= limit else 0
        while left and (piece := stream.read(min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
    data = b"".join(pieces)
    size = max(size, len(data))
    if size > limit:
        raise BadInput(
            f"{what} must have at most {limit:,} bytes",
            evidence=f"Received: {path} with {size:,} bytes",
            next_step=next_step,
        )
    return data


def read_text(path: Path, what: str, *, limit: int = MOST_TEXT, next_step: str = "") -> str:
    """The text of a file in UTF-8.

    Raises:
        BadInput: as `read_file`; or it is no UTF-8.
    """
    try:
        return read_file(path, what, limit, next_step=next_step).decode()
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{what} must be text in UTF-8",
            evidence=f"Received: {path}: {error}",
            next_step=next_step,
        ) from error


def load_json(
    source: Path | bytes, what: str, *, limit: int = MOST_JSON, next_step: str = ""
) -> Any:
    """A JSON document in UTF-8, of finite numbers, distinct keys and at most `DEEPEST` levels.

    Args:
        source: a file, or the bytes that were read already.
        what: what it is, for the message.
        limit: bytes that it may have.
        next_step: of the error.

    Raises:
        BadInput: it is something else, or larger.
    """
    data = source
    if isinstance(data, Path):
        data = read_file(data, what, limit, next_step=next_step)
    try:
        if len(data) > limit:
            raise ValueError(f"{len(data):,} bytes; at most {limit:,} may be there")
        made = json.loads(
            data.decode(),
            parse_float=_finite,
            parse_constant=_no_number,
            object_pairs_hook=_distinct,
        )
        _check_values(made)
    except (ValueError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        if isinstance(error, RecursionError):
            reason = f"more than {DEEPEST} levels"
        where = f"{source}: " if isinstance(source, Path) else ""
        raise BadInput(
            f"{what} must be JSON of finite numbers, distinct keys and at most {DEEPEST} levels",
            evidence=f"Received: {where}{reason[:300]}",
            next_step=next_step,
        ) from error
    return made


def kind_of(mode: int) -> str:
    """What a file of that `st_mode` is, in words."""
    kinds = (
        (stat.S_ISREG, "a file"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a link"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((name for test, name in kinds if test(mode)), "something else")


def _unreadable(what: str, received: str, next_step: str) -> BadInput:
    return BadInput(
        f"{what} must be a file that can be read",
        evidence=f"Received: {received}",
        next_step=next_step,
    )


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is beyond every finite number")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no finite number")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise ValueError(f"the key {key[:80]!r} is there twice")
        made[key] = value
    return made


def _check_values(made: Any) -> None:
    """Refuse what is nested too deeply, and halves of characters, which nothing can print."""
    level = [made]
    for _ in range(DEEPEST + 1):
        for one in level:
            for text in one if isinstance(one, dict) else [one] * isinstance(one, str):
                text.encode()
        level = [one for one in level if isinstance(one, (dict, list))]
        if not level:
            return
        level = [
            child for one in level for child in (one.values() if isinstance(one, dict) else one)
        ]
    raise ValueError(f"more than {DEEPEST} levels")
