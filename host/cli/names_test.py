"""What others named reaches a terminal as text: no control character, no markup, nothing its encoding lacks."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from host.bench.cost import BenchRow, table
from host.listen.classify import Heard, show
from host.listen.pooling import Detection
from host.report.report_test import DIFFERENT, EXACT
from host.report.verdict import describe, short_name
from model_gen.codegen.project.names_test import HOSTILE, named
from model_gen.codegen.testing import keras_models
from model_gen.progress import line

# No UTF-8 anywhere, as in a bare container.
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
CONTROLS = re.compile(r"[^ -~\n]")
ESCAPE = "\x1b[31m\u202e[red]x[/red]é"


def nightjar(*arguments: object) -> tuple[int, str, str]:
    command = [sys.executable, "-c", "from host.cli import main; main()", *map(str, arguments)]
    environment = {**os.environ, **ASCII}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=300, check=False)
    return done.returncode, done.stdout.decode("ascii"), done.stderr.decode("ascii")


def test_a_model_of_hostile_names_is_shown(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(named(keras_models.quantized("dense")))
    code, output, errors = nightjar("inspect", tmp_path / "m.tflite")
    assert (code, errors) == (0, "")
    assert CONTROLS.search(output) is None
    assert "FULLY_CONNECTED" in output


def test_an_error_about_a_hostile_path_is_shown(tmp_path: Path) -> None:
    code, _, errors = nightjar("inspect", tmp_path / "\x1b]0;owned\x07\udcff\u202e鳥")
    assert code == 2
    assert CONTROLS.search(errors) is None
    assert r"\x1b]0;owned\x07\udcff" in errors


@pytest.mark.parametrize("name", [*HOSTILE, ESCAPE])
def test_a_verdict_in_a_line(name: str) -> None:
    difference = DIFFERENT.first_difference
    assert difference is not None
    assert describe(replace(difference, name=name)).isprintable()
    assert len(short_name(name * 9, 20)) <= 20


def test_tables_show_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    shown = r"\x1b[31m\u202e[red]x[/red]é"
    table([BenchRow(ESCAPE, "[b]OP", 5, 2)], EXACT, 2, to_stderr=False)
    heard = Heard(ESCAPE, 1.0, 1, (Detection(ESCAPE, 0.5, 0.0, 1.0),), None, 0, ())
    show([heard], unit="none", to_stderr=False)
    line(ESCAPE)
    output, errors = capsys.readouterr()
    assert output.count(shown) == 3
    assert "[b]OP" in output
    assert errors == f"{shown}\n"
    assert output.replace("\n", "").isprintable()
