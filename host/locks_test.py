"""Locks are freed by the kernel, looked at without a trace, and not fooled by a removed file."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from host.deadline import Deadline
from host.locks import is_held, take

HOLD = """
import sys, time
from pathlib import Path
from host.deadline import Deadline
from host.locks import take
assert take(Path(sys.argv[1]), Deadline.after(0)) is not None
print("held", flush=True)
time.sleep(60)
"""


def taken(path: Path, seconds: float = 0) -> bool:
    handle = take(path, Deadline.after(seconds))
    if handle is not None:
        os.close(handle)
    return handle is not None


def test_a_lock_has_one_holder_until_that_one_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert is_held(path)
        assert not taken(path)
        other.kill()
    assert taken(path)
    assert not is_held(path)


def test_looking_leaves_no_trace(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "absent")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert not is_held(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_a_lock_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        assert taken(tmp_path / "lock")
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_a_removed_file_is_not_mistaken_for_the_lock(tmp_path: Path) -> None:
    """Who waited for it, and gets it when its file is gone, would be alone with it."""
    path = tmp_path / "lock"
    first = take(path, Deadline.after(0))
    assert first is not None
    got: list[int | None] = []
    waiting = threading.Thread(target=lambda: got.append(take(path, Deadline.after(30))))
    waiting.start()
    time.sleep(0.1)
    path.unlink()
    second = take(path, Deadline.after(0))
    assert second is not None
    os.close(first)
    waiting.join(0.3)
    assert waiting.is_alive()
    os.close(second)
    waiting.join(20)
    assert got[0] is not None
    os.close(got[0])
