"""`--board` means the same in every command: a kind, or a board of the bench, in words that are completed."""

from pathlib import Path

import click
import pytest

from host.cli import cli, run

BENCH = """
[board.left]
kind = "n6-virtual"
[board.lab]
kind = "virtual"
"""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bench.toml"
    path.write_text(BENCH)
    monkeypatch.setenv("NIGHTJAR_BENCH", str(path))
    return path


def command(name: str) -> click.Command:
    context = click.Context(cli)
    found = cli.get_command(context, name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["flash", "verify", "hil", "classify", "bench"])
def test_what_opens_a_board_takes_one_of_the_bench_or_one_at_a_port(name: str) -> None:
    options = {option for one in command(name).params for option in one.opts}
    assert {"--board", "--bench", "--port", "--no-flash", "--wait"} <= options


@pytest.mark.parametrize("name", ["generate", "build", "profile"])
def test_what_only_needs_a_kind_takes_a_name_of_the_bench(name: str) -> None:
    options = {option for one in command(name).params for option in one.opts}
    assert {"--board", "--bench"} <= options


@pytest.mark.parametrize(
    "words", [["verify", "absent"], ["build", "absent"], ["profile", "absent"]]
)
def test_a_name_that_nobody_has_is_refused_before_the_model_is_read(
    bench: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--board", "lefd"]) == 2
    assert "Did you mean left" in capsys.readouterr().err


def test_only_a_virtual_board_is_profiled(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("native", "left", "stm32n6570-dk"):
        assert run(["profile", "absent.tflite", "--board", name]) == 2
        assert "only a virtual board counts" in capsys.readouterr().err
    assert run(["profile", "absent.tflite", "--board", "lab"]) == 2
    assert "absent.tflite" in capsys.readouterr().err


def test_names_of_the_bench_are_completed(bench: Path) -> None:
    verify = command("verify")
    option = next(one for one in verify.params if one.name == "board")
    names = [item.value for item in option.shell_complete(click.Context(verify), "l")]
    assert names == ["left", "lab"]
    bench.write_text("nonsense")
    assert option.shell_complete(click.Context(verify), "l") == []
