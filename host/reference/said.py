"""What libraries in C++ print on standard error, which Python's own stream does not see."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


class Said:
    """Text that was printed; "" until the block has ended."""

    text = ""


@contextlib.contextmanager
def said_by_libraries() -> Iterator[Said]:
    """Take what is printed on file descriptor 2 inside the block, by any thread, and print nothing of it."""
    said = Said()
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # standard error is closed
        yield said
        return
    try:
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), 2)
            try:
                yield said
            finally:
                sys.stderr.flush()
                os.dup2(saved, 2)
                file.seek(0)
                said.text = file.read().decode("utf-8", "replace")
    finally:
        os.close(saved)
