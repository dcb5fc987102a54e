"""What the shell is told when somebody presses Tab: nothing is run, written or removed for it."""

import os
import subprocess
from pathlib import Path

import pytest

from host.cli.bad_input_test import PROGRAM


def completed(line: str, cwd: Path) -> list[str]:
    """The words that the shell is offered for the last one of `line`, which is begun."""
    done = subprocess.run(
        PROGRAM,
        cwd=cwd,
        env={
            **os.environ,
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split(" ")) - 1),
            "_NIGHTJAR_COMPLETE": "bash_complete",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("nightjar tr", ["plain,train"]),
        ("nightjar train --json kept.json --epo", ["plain,--epochs"]),
        ("nightjar train --epochs ten --json=kept.json --audio-frontend h", ["plain,hybrid"]),
        ("nightjar train --json kept.json --data-path-train k", ["file,k"]),
        ("nightjar verify --html kept.json --board virt", ["plain,virtual"]),
    ],
)
def test_a_line_is_completed_and_a_result_of_before_stays(
    line: str, offered: list[str], tmp_path: Path
) -> None:
    (tmp_path / "kept.json").write_text("of an earlier run")
    assert completed(line, tmp_path) == offered
    assert (tmp_path / "kept.json").read_text() == "of an earlier run"
