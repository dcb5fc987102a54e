"""Programs of others that tests call, each in an environment of its own; nothing of them is imported here."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from hil_tests.tester.recorded import REPOSITORY


def programs_of(name: str, version: str, packages: Sequence[str]) -> Path:
    """The folder of the programs of build/NAME/VERSION, made where it is not whole.

    Skips the test where the packages cannot be installed.
    """
    environment = REPOSITORY / "build" / name / version
    programs, whole = environment / "bin", environment / "whole"
    if not whole.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        line = [programs / "pip", "install", "-q", "--no-compile", *packages]
        done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode != 0:
            shutil.rmtree(environment)
            pytest.skip(f"{name} {version} cannot be installed: {done.stderr.strip()[-300:]}")
        whole.touch()
    return programs
