"""One table of exit codes: the README, --help, the errors and make all say the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from host import errors, exit_codes
from host.exit_codes import TABLE, Exit, first, name_of

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- exit codes -->\n", "<!-- end of exit codes -->\n"


def test_every_code_is_in_the_table_once() -> None:
    listed = [row.code for group in TABLE for row in group]
    assert sorted(listed) == sorted(Exit)


def test_the_readme_shows_the_table() -> None:
    shown = (ROOT / "README.md").read_text().split(BEGIN)[1].split(END)[0]
    assert shown == exit_codes.markdown() + "\n"


def test_errors_end_with_the_code_of_their_class() -> None:
    kinds = [errors.NightjarError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    for kind in kinds:
        assert name_of(kind.exit_code) == kind.failure_class
        assert kind.is_verdict == (kind.exit_code in (Exit.FIRMWARE, Exit.IDENTITY))
    known = [kind("what", evidence="e", next_step="n") for kind in errors._KINDS]
    assert [type(errors.from_json(error.as_json())) for error in known] == list(errors._KINDS)


@pytest.mark.parametrize(
    ("codes", "decides"),
    [
        ([18, 17, 16, 2, 14, 15, 19, 143], 143),
        ([18, 17, 16, 2, 14, 15, 19], 19),
        ([18, 17, 16, 2, 14, 15], 15),
        ([18, 17, 16, 2, 14, 10], 14),  # the infrastructure class that came first
        ([18, 17, 16, 2, 10, 14], 10),
        ([18, 17, 16, 2], 2),
        ([18, 17, 16], 16),
        ([17, 18], 18),
        ([17], 17),
        ([], 0),
    ],
)
def test_the_first_that_holds_decides(codes: list[int], decides: int) -> None:
    assert first(codes) == decides
    assert first([0, *codes, 0]) == decides


def make(folder: Path, target: str, nightjar: str, scons: str = "exit 0") -> tuple[str, str]:
    """What is in build/exit-code and what was printed, with these shell scripts in place of the tools."""
    for name, script in (("nightjar", nightjar), ("scons", scons), ("python3", "exit 0")):
        file = folder / name
        if name == "python3":
            # Sets nothing up, and runs what needs nothing.
            script = f'case "$1" in *bootstrap.py) ;; *) exec {sys.executable} "$@";; esac'
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
    code = folder / "exit-code"
    code.write_text("0 OK\n")
    line = ["make", "-C", str(ROOT), "--no-print-directory", target, f"BIN={folder}"]
    line += [f"PYTHON={folder / 'python3'}", f"EXIT={code}"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300)
    assert (done.returncode != 0) == (not code.read_text().startswith("0 "))
    return code.read_text(), done.stdout + done.stderr


@pytest.mark.parametrize("code", [19, 15, 14, 18, 2])
def test_make_leaves_code_and_class(code: int, tmp_path: Path) -> None:
    left, said = make(tmp_path, "hil", f"exit {code}")
    assert left == f"{code} {name_of(code)}\n"
    assert f"exit code {code} {name_of(code)}" in said
    assert f"Error {code}" in said.splitlines()[-1]


def test_make_leaves_the_code_of_a_step_that_scons_ran(tmp_path: Path) -> None:
    left, said = make(
        tmp_path, "demo", "exit 0", scons='echo "19 FIRMWARE" > $NIGHTJAR_EXIT_FILE; exit 2'
    )
    assert left == "19 FIRMWARE\n"
    assert "Error 19" in said.splitlines()[-1]


def test_make_leaves_0_where_all_is_well(tmp_path: Path) -> None:
    assert make(tmp_path, "hil", "exit 0")[0] == "0 OK\n"


def test_make_leaves_nothing_of_an_earlier_target(tmp_path: Path) -> None:
    left, _ = make(tmp_path, "demo", "exit 0", scons="exit 2")
    assert left == "2 INPUT\n"
