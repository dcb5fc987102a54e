"""For tests: a PostgreSQL server of our own, on a socket in a private folder, ended with its block."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

USER = "nobody"  # who runs it where we are root, as whom it refuses to run
_SECONDS = 120


def programs() -> Path | None:
    """The folder of Debian's newest PostgreSQL server; None where none is installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[4])
    )
    return found[-1].parent if found else None


@contextmanager
def server() -> Iterator[str]:
    """The URL of an empty database."""
    folder = programs()
    assert folder is not None
    place = Path(tempfile.mkdtemp(prefix="nightjar-"))
    user = USER if os.geteuid() == 0 else None
    try:
        if user is not None:
            shutil.chown(place, user)
        data = place / "data"
        # Durable over a power cut is none that a test sees.
        quick = "-c fsync=off -c shared_buffers=1MB -c max_connections=20"
        listen = f"-k {place} -c listen_addresses="
        _run(
            user,
            folder / "initdb",
            "-D",
            data,
            "-A",
            "trust",
            "-U",
            "bench",
            "-E",
            "UTF8",
            "--no-sync",
        )
        try:
            _run(
                user,
                folder / "pg_ctl",
                "-D",
                data,
                "-w",
                "-l",
                place / "log",
                "-o",
                f"{quick} {listen}",
                "start",
            )
            yield f"postgresql://bench@/postgres?host={quote(str(place))}"
        finally:
            _run(user, folder / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop", check=False)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _run(user: str | None, *command: object, check: bool = True) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # the server keeps a pipe open
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0 or not check, command
