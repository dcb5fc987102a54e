"""A project that is judged as it lies there is the one that was generated, for every command that judges one."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from host.cli import run
from host.compare.prepare import prepare
from host.compare.testing_networks import SUBJECT, write_project
from host.elf_record import write_record
from host.errors import IdentityFailure
from host.exit_codes import Exit
from host.owned import LIST
from host.project import DESCRIPTION, ELF

BOARD, MODEL = "n6-virtual", "net.tflite"
DIFFERENT = f"{DESCRIPTION} was changed since its firmware was made"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and its project with an ELF that nobody runs."""
    folder = tmp_path_factory.mktemp("made")
    (folder / MODEL).write_bytes(SUBJECT.model)
    project = write_project(folder / "p")
    project.elf.parent.mkdir()
    project.elf.write_bytes(b"\x7fELF")
    write_record(project.elf)
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "p", tmp_path / "p"))


def changed(project: Path, **values: Any) -> None:
    said = json.loads((project / DESCRIPTION).read_text())
    assert values.keys() <= said.keys()
    (project / DESCRIPTION).write_text(json.dumps(said | values))


def taken(made: Path, project: Path) -> None:
    prepare(made / MODEL, BOARD, rounding=None, project=project)


def test_a_project_as_it_was_generated_is_taken(made: Path, project: Path) -> None:
    taken(made, project)
    (project / LIST).unlink()  # as one that was copied without: nothing tells
    taken(made, project)


@pytest.mark.parametrize(
    "values",
    [{"stream": True}, {"taps": []}, {"rules": "tflm"}, {"steps": 40}, {}],
    ids=["stream", "taps", "rules", "steps", "other spaces"],
)
def test_one_that_says_something_else_is_another_identity(
    made: Path, project: Path, values: dict[str, Any]
) -> None:
    changed(project, **values)
    with pytest.raises(IdentityFailure, match=DIFFERENT) as failure:
        taken(made, project)
    assert str(project) in failure.value.evidence


@pytest.mark.parametrize("text", ["{", '{"schema": "nightjar/files/1", "files": {}}'])
def test_a_list_that_does_not_name_it_says_no_less(made: Path, project: Path, text: str) -> None:
    (project / LIST).write_text(text)
    with pytest.raises(IdentityFailure, match=DIFFERENT):
        taken(made, project)


@pytest.mark.parametrize("command", ["verify", "hil", "bench"])
def test_every_command_that_judges_refuses_it(
    made: Path, project: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(project, stream=True)
    model = str(made / MODEL)
    words = {"hil": ["--bundle", model]}.get(command, [model])
    line = [command, *words, "--board", BOARD, "--project", str(project)]
    assert run(line) == Exit.IDENTITY
    assert DIFFERENT in capsys.readouterr().err
    assert (project / ELF).read_bytes() == b"\x7fELF"
