"""No result outlives its question: every command removes its results before any check can end it."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from host.cli import COMMANDS, run
from host.cli.common import Command, ResultFile


def commands() -> Iterator[tuple[list[str], click.Command]]:
    """Every command with its words."""
    for name in COMMANDS:
        command = importlib.import_module(f"host.cli.{name}").command
        if isinstance(command, click.Group):
            for inner, found in command.commands.items():
                yield [name, inner], found
        else:
            yield [name], command


RESULTS = [
    pytest.param(words, option, id=" ".join([*words, option]))
    for words, command in commands()
    for parameter in command.params
    if isinstance(parameter.type, ResultFile)
    for option in parameter.opts
]


def test_every_command_is_one_of_ours() -> None:
    assert all(isinstance(command, Command) for _, command in commands())
    assert len(RESULTS) > len(COMMANDS)


@pytest.mark.parametrize(("words", "command"), commands(), ids=str)
def test_what_is_written_is_declared_as_a_result(words: list[str], command: click.Command) -> None:
    for option in command.params:
        if (getattr(option, "help", None) or "").startswith("Write"):
            assert isinstance(option.type, ResultFile), (words, option.name)


@pytest.mark.parametrize(("words", "option"), RESULTS)
@pytest.mark.parametrize("joined", [False, True])
def test_a_result_is_gone_whatever_ends_the_command(
    words: list[str], option: str, joined: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "result"
    file.write_text('{"exact": true}')
    given = [f"{option}={file}"] if joined else [option, str(file)]
    assert run([*words, *given, "--no-such-option"]) == 2
    assert not file.exists()


@pytest.mark.parametrize(("words", "option"), RESULTS)
def test_a_dash_is_no_name_of_a_file(
    words: list[str],
    option: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if option != "--json":
        assert run([*words, f"{option}=-"]) == 2
        told = capsys.readouterr().err
        assert f"{option} needs the name of a file" in told or "Missing" in told
    assert not list(tmp_path.iterdir())


def test_verify_and_hil_of_what_is_refused(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for name in ("v.json", "j.xml", "r.html"):
        (tmp_path / name).write_text("exact: true")
    results = ["--json", str(tmp_path / "v.json"), "--html", str(tmp_path / "r.html")]
    assert run(["verify", str(bundle), *results]) == 2
    assert run(["hil", "--bundle", str(bundle), "--junit", str(tmp_path / "j.xml"), *results]) == 2
    assert list(tmp_path.iterdir()) == [bundle]


def test_a_golden_takes_no_place_of_what_it_is_made_of(tmp_path: Path) -> None:
    model, project, folder = tmp_path / "m.tflite", tmp_path / "firmware", tmp_path / "goldens"
    model.write_bytes(b"TFL3")
    project.mkdir()
    folder.mkdir()
    (project / "nightjar.json").write_text("{}")
    for file in (model, project / "nightjar.json", folder, tmp_path / "m.tflite" / "golden.njs"):
        line = ["golden", "record", str(model), str(file), "--project", str(project)]
        assert run([*line, "--board", "native"]) == 2
    assert model.read_bytes() == b"TFL3"
    assert (project / "nightjar.json").read_text() == "{}"


@pytest.mark.parametrize("joined", [False, True])
def test_what_the_command_reads_is_no_place_for_its_result(tmp_path: Path, joined: bool) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(b"TFL3")
    link = tmp_path / "link"
    link.symlink_to(model)
    given = [f"--json={link}"] if joined else ["--json", str(link)]
    assert run(["verify", str(model), *given]) == 2
    assert run(["hil", "--bundle", str(model), *given]) == 2
    assert run(["verify", "other.tflite", "--baseline", str(model), *given]) == 2
    assert model.read_bytes() == b"TFL3"


def test_what_belongs_to_pytest_is_not_ours(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_text("kept")
    assert run(["hil", "--bundle", "absent", "--", "--json", str(file)]) == 2
    assert file.read_text() == "kept"
