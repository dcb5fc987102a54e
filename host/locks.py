"""Locks on files and folders, which the kernel frees when their holder ends, however it ends."""

import fcntl
import os
import time
from pathlib import Path

from host.deadline import Deadline

_LOOK = 0.05  # seconds between two attempts


def lock(handle: int, deadline: Deadline) -> bool:
    """Lock an open file or folder for its holder alone; False when it is held at the deadline."""
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if deadline.expired:
                return False
        time.sleep(min(_LOOK, deadline.remaining))


def take(path: Path, deadline: Deadline) -> int | None:
    """Lock the file `path`, which is made (for this user only) where it is absent.

    Returns:
        The handle whose closing frees the lock; None when it is held at the deadline.
    """
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(path, flags, 0o600)
        try:
            os.fchmod(handle, 0o600)  # whatever the umask is
            if not lock(handle, deadline):
                os.close(handle)
                return None
            if is_at(handle, path):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # somebody has removed the file meanwhile: this locks nothing


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock `path`. Nothing is written."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return held_elsewhere(handle)
    finally:
        os.close(handle)


def held_elsewhere(handle: int) -> bool:
    """Whether somebody holds the lock of a file that was just opened. Nothing is written."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def is_at(handle: int, path: Path) -> bool:
    """Whether an open file or folder is the one that lies at `path`; a link there is not followed."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False
