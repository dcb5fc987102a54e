"""Commands that record, and their replay where nothing of it is: no tool, no model, no project, no cache."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-c", "from host.cli import main; main()"]


@dataclass(frozen=True)
class Done:
    """How a command ended. verdict: without what no replay can say again. error: as JSON, {} where there is none."""

    code: int
    verdict: dict[str, Any]
    error: dict[str, Any]
    text: str


def nightjar(command: str, *words: object, cwd: Path, **environment: str) -> Done:
    """Run a command that writes `verdict.json` to `cwd`."""
    verdict = cwd / "verdict.json"
    done = subprocess.run(
        [*PROGRAM, command, "--json", str(verdict), *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "Traceback" not in done.stderr, done.stderr
    found = json.loads(verdict.read_text()) if verdict.exists() else {}
    found.pop("recalled", None)
    errors = [json.loads(line) for line in done.stderr.splitlines() if line.startswith('{"schema"')]
    text = done.stdout + done.stderr
    return Done(done.returncode, found, errors[-1] if errors else {}, text)


def replayed(*files: Path, elsewhere: Path, more: tuple[object, ...] = ()) -> Done:
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
        PATH=str(elsewhere / "tools"),
        NIGHTJAR_CACHE=str(elsewhere / "cache"),
        HOME=str(elsewhere / "home"),
        XDG_RUNTIME_DIR=str(elsewhere / "home"),
        TMPDIR=str(elsewhere / "temporary"),
    )
    left = {path for path in elsewhere.rglob("*") if path.is_file()}
    written = {elsewhere / "work" / "verdict.json", *(Path(str(word)) for word in more)}
    cached = set((elsewhere / "cache").rglob("*"))
    assert left - written - cached == set(moved)
    assert {file: file.read_bytes() for file in moved} == before
    return done


def same(recorded: Done, file: Path, elsewhere: Path, *more: object) -> Done:
    """Hold a recorded command against the replay of its file."""
    assert file.is_file(), recorded.text
    again = replayed(file, elsewhere=elsewhere, more=more)
    assert again.code == recorded.code, again.text
    assert again.error == recorded.error
    assert again.verdict == recorded.verdict
    return again
