"""Files that appear whole or not at all, and their hashes."""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def sha256_bytes(data: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes in lower-case hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(
    path: Path, data: bytes | Iterable[bytes], *, mode: int | None = 0o644
) -> None:
    """Write a file whole or not at all: a temporary file beside it, then a rename.

    Args:
        path: the file; its folder is made where it is absent.
        data: all of its bytes, or pieces that follow one another.
        mode: its permissions; None for what the umask leaves of 0666.

    Raises:
        OSError: the system refuses; or something is there that is no file, which is never replaced.
    """
    with naming(path):
        if path.exists() and not path.is_file():
            raise FileExistsError(errno.EEXIST, "Something that is no file is there", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f"{temporary_prefix(path)}{secrets.token_hex(4)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:  # around the opening, too: a signal may come between the file and its number
            handle = os.open(temporary, flags, 0o666 if mode is None else 0o600)
            with os.fdopen(handle, "wb") as stream:
                if mode is not None:
                    os.fchmod(handle, mode)
                stream.writelines((data,) if isinstance(data, bytes) else data)
            temporary.replace(path)
        except FileExistsError:  # another's
            raise
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def temporary_prefix(path: Path) -> str:
    """How what is written beside `path` begins, so that nobody takes it for something whole."""
    return f".{path.name[:40]}."


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let a system error name what was to be written, when it names nothing or a temporary name of ours."""
    try:
        yield
    except OSError as error:
        named = error.filename if isinstance(error.filename, str) else ""
        if not named or Path(named).name.startswith(temporary_prefix(path)):
            error.filename = str(path)
            del error.filename2
        raise
