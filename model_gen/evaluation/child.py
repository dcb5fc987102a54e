"""Jobs in processes with a TensorFlow of their own: how they are asked, and how they answer."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from host.errors import HostFailure, NightjarError
from host.files import write_atomically
from host.loudness import Level, set_level

_SHOWN = 20  # last lines of what a child said


def ask(module: str, job: Any, out: Path, *, failed: str, of: str) -> None:
    """Run `module` as a program that answers a job, a dataclass, in the file `out`.

    Raises:
        HostFailure: with `failed`, what it was `of`, and the end of what it said.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(asdict(job)), str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode or not out.is_file():
        said = [text for text in done.stderr.splitlines() if text.strip()]
        raise HostFailure(
            failed,
            evidence=f"{of}: " + "\n".join(said[-_SHOWN:]),
            next_step="run it again: what was measured before is kept",
        )


def answer(run: Callable[[dict[str, Any], Path], bytes], job: str, out: str) -> int:
    """The program: 0 with what `run` makes of the job in `out`, or 1 with its error on standard error."""
    set_level(Level.QUIET)
    try:
        found = run(json.loads(job), Path(out))
    except NightjarError as error:
        print(error, file=sys.stderr)
        return 1
    write_atomically(Path(out), found)
    return 0
