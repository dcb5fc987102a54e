"""`--backend` of verify and hil: how firmware for the NPU is made, and a project of another backend."""

from pathlib import Path

import pytest

from host.cli import run
from host.compare.testing_networks import write_project


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (
            ("verify", "my bundle"),
            "nightjar build 'my bundle' --backend neural_art --board stm32n6570-dk --out build/npu &&"
            " nightjar verify 'my bundle' --project build/npu --board n6-virtual",
        ),
        (
            ("hil", "--bundle", "b", "--board", "n6-virtual"),
            "nightjar build b --backend neural_art --board stm32n6570-dk --out build/npu &&"
            " nightjar hil --bundle b --project build/npu --board n6-virtual",
        ),
    ],
)
def test_the_commands_to_run_are_named(
    line: tuple[str, ...],
    named: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*line, "--backend", "neural_art"]) == 2
    assert named in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_project_of_another_backend_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = write_project(tmp_path / "firmware").path
    given = ["verify", "net.tflite", "--project", str(project), "--backend", "cm55"]
    assert run(given) == 2
    assert "a project of neural_art" in capsys.readouterr().err
