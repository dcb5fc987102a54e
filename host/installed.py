"""Where the files lie that belong to Nightjar, and where it keeps what it makes for itself.

In a checkout and in an installed wheel alike, `firmware` and `hil_tests` lie beside the packages `host` and
`model_gen`: the wheel holds them as they are in the repository. A checkout keeps what it makes in its own build/. An
installed package may be read only and belongs to nobody: what it makes for itself goes to the user's cache. What a
command makes for its user (a project, a verdict) goes below the folder where it was called, in both.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "firmware"
TEMPLATES = FIRMWARE / "templates"
BOARDS = FIRMWARE / "boards"
SUITE = ROOT / "hil_tests"
DOCS = ROOT / "docs"  # in a checkout alone
IS_CHECKOUT = (ROOT / "SConstruct").is_file()


def own_folder() -> Path:
    """Where Nightjar keeps what it makes for itself: build/ of a checkout, or nightjar/ in the user's cache.

    The latter is `$XDG_CACHE_HOME/nightjar`, or ~/.cache/nightjar where that is no absolute path, as the XDG base
    directory specification has it.
    """
    if IS_CHECKOUT:
        return ROOT / "build"
    given = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(given) if given.startswith("/") else Path("~/.cache").expanduser()) / "nightjar"


def setup_command(*extras: str) -> str:
    """The command that brings the pinned packages back, with those of `extras`."""
    named = f"[{','.join(extras)}]" if extras else ""
    if IS_CHECKOUT:
        return f".venv/bin/pip install -e '.{named}'" if extras else "make setup"
    return f"{sys.executable} -m pip install 'nightjar{named}'"
