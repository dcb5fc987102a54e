"""Commands that record, and their replay where nothing of it is: no tool, no model, no project, no cache."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib as mpl

from host.cli import run
from host.early import ENDING

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "host.entry"]


@dataclass(frozen=True)
class Done:
    """How a command ended. verdict: without what no replay can say again. error: as JSON, {} where there is none."""

    code: int
    verdict: dict[str, Any]
    error: dict[str, Any]
    text: str


def nightjar(
    command: str, *words: object, cwd: Path, apart: bool = False, **environment: str
) -> Done:
    """Run a command, as "golden record", that writes `verdict.json` to `cwd`.

    `apart` in a process of its own, which takes seconds more.
    """
    verdict = cwd / "verdict.json"
    line = [*command.split(), "--json", str(verdict), *map(str, words)]
    code, text = _apart(line, cwd, environment) if apart else _here(line, cwd, environment)
    assert "Traceback" not in text, text
    found = json.loads(verdict.read_text()) if verdict.exists() else {}
    found.pop("recalled", None)
    errors = [json.loads(line) for line in text.splitlines() if line.startswith('{"schema"')]
    return Done(code, found, errors[-1] if errors else {}, text)


def _apart(line: list[str], cwd: Path, environment: dict[str, str]) -> tuple[int, str]:
    given = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    done = subprocess.run(
        [*PROGRAM, *line], cwd=cwd, env=given, capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout + done.stderr


def _here(line: list[str], cwd: Path, environment: dict[str, str]) -> tuple[int, str]:
    said = io.StringIO()
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(sys, "argv", ["nightjar", *line]),
        mock.patch.object(tempfile, "tempdir", environment.get("TMPDIR")),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
        _handlers_kept(),
    ):
        code = run(line)
    return code, said.getvalue()


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def replayed(
    *files: Path, elsewhere: Path, more: tuple[object, ...] = (), apart: bool = False
) -> Done:
    """Replay recordings in a new folder `elsewhere`, where nothing else is; nothing may be left there besides."""
    elsewhere.mkdir()
    for name in ("work", "tools", "cache", "home", "temporary"):
        (elsewhere / name).mkdir()
    moved = [Path(shutil.copy2(file, elsewhere / "work")) for file in files]
    before = {file: file.read_bytes() for file in moved}
    done = nightjar(
        "replay",
        *moved,
        *more,
        cwd=elsewhere / "work",
        apart=apart,
        PATH=str(elsewhere / "tools"),
        NIGHTJAR_CACHE=str(elsewhere / "cache"),
        HOME=str(elsewhere / "home"),
        MPLCONFIGDIR=mpl.get_cachedir(),
        XDG_RUNTIME_DIR=str(elsewhere / "home"),
        TMPDIR=str(elsewhere / "temporary"),
    )
    left = {path for path in elsewhere.rglob("*") if path.is_file()}
    written = {elsewhere / "work" / "verdict.json", *(Path(str(word)) for word in more)}
    cached = set((elsewhere / "cache").rglob("*"))
    assert left - written - cached == set(moved)
    assert {file: file.read_bytes() for file in moved} == before
    return done


def same(recorded: Done, file: Path, elsewhere: Path, *more: object, apart: bool = False) -> Done:
    """Hold a recorded command against the replay of its file."""
    assert file.is_file(), recorded.text
    again = replayed(file, elsewhere=elsewhere, more=more, apart=apart)
    assert again.code == recorded.code, again.text
    assert again.error == recorded.error
    assert again.verdict == recorded.verdict
    return again
