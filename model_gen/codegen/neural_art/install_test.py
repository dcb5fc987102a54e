"""Where stedgeai is found, and what an installation is good for."""

from pathlib import Path

import pytest

from host.errors import BadInput, HostFailure
from model_gen.codegen.neural_art import install
from model_gen.codegen.neural_art.install import find_stedgeai, installs, version_of
from model_gen.codegen.neural_art.runtime import (
    HEADER,
    LIBRARIES,
    Runtime,
    misfits,
    runtime_of,
    version_in,
)
from model_gen.codegen.neural_art.testing.output import stand_in
from model_gen.codegen.neural_art.testing.written import Small
from model_gen.codegen.neural_art.versions import DIALECTS, dialect_of, parse_version


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, and a computer, without stedgeai."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.delenv(install.VARIABLE, raising=False)
    monkeypatch.setattr(install, "_PLACES", ("~/ST/STEdgeAI/*", "~/Packs/X-CUBE-AI/*"))
    return home


def test_the_variable_counts_first_then_the_file_then_path_then_the_usual_places(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Small("4.0", b"")
    with pytest.raises(HostFailure, match="stedgeai was not found") as none:
        find_stedgeai()
    assert "--from" in none.value.next_step
    stand_in(home / "ST/STEdgeAI/3.0", small)
    stand_in(home / "ST/STEdgeAI/4.0/4.0", small)  # an installer that doubled its folder
    stand_in(home / "Packs/X-CUBE-AI/10.2.0", small)
    assert [str(one.core.relative_to(home)) for one in installs()] == [
        "ST/STEdgeAI/4.0/4.0",
        "ST/STEdgeAI/3.0",
        "Packs/X-CUBE-AI/10.2.0",
    ]
    stand_in(tmp_path / "on-path", small)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/stedgeai").symlink_to(tmp_path / "on-path/Utilities/linux/stedgeai")
    assert (find_stedgeai().core, find_stedgeai().told_by) == (tmp_path / "on-path", "PATH")
    stand_in(tmp_path / "named", small)
    config = home / ".config/nightjar/stedgeai.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'core_dir = "{tmp_path / "named"}"\n')
    assert [one.core for one in installs()] == [tmp_path / "named"]
    monkeypatch.setenv(install.VARIABLE, str(home / "ST/STEdgeAI/4.0"))
    assert find_stedgeai().core == home / "ST/STEdgeAI/4.0/4.0"


def test_a_named_folder_without_it_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(install.VARIABLE, str(home))
    with pytest.raises(HostFailure, match=r"\$STEDGEAI_CORE_DIR names a folder without stedgeai"):
        find_stedgeai()


def test_a_user_whom_nobody_knows_has_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(install.VARIABLE, "~nobody-of-that-name/stedgeai")
    with pytest.raises(HostFailure, match="names a folder without stedgeai"):
        find_stedgeai()


def test_a_folder_told_from_here_is_found_from_everywhere(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """stedgeai runs in a folder of its own."""
    stand_in(tmp_path / "a core", Small("4.0", b""))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(install.VARIABLE, "a core")
    assert find_stedgeai().program == tmp_path / "a core/Utilities/linux/stedgeai"


@pytest.mark.parametrize("content", ["core_dir =", 'core = "x"', "core_dir = 5", 'core_dir = ""'])
def test_a_file_that_names_none_is_refused(home: Path, content: str) -> None:
    config = home / ".config/nightjar/stedgeai.toml"
    config.parent.mkdir(parents=True)
    config.write_text(content)
    with pytest.raises(BadInput, match=r"stedgeai\.toml must"):
        find_stedgeai()


@pytest.mark.parametrize("version", ["2.0", "2.2", "4.0", "4.1"])
def test_its_version_is_asked_of_the_program(tmp_path: Path, version: str) -> None:
    small = Small(version, b"")
    stand_in(tmp_path / "core", small)
    found, dialect = version_of(tmp_path / "core/Utilities/linux/stedgeai")
    assert (str(found), dialect.name) == (small.core.split()[0], version)


@pytest.mark.parametrize("script", ["exit 3", "echo hello", "echo ST Edge AI Core v7.0.0"])
def test_a_program_that_tells_no_known_version_is_refused(tmp_path: Path, script: str) -> None:
    program = tmp_path / "stedgeai"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises((HostFailure, BadInput), match=r"2\.0|does not tell its version"):
        version_of(program)


def test_versions_are_told_apart() -> None:
    assert str(parse_version("4.0.1-20581 7ed50de05")) == "4.0.1-20581"
    assert str(parse_version("ST Edge AI Core v3.0.0")) == "3.0.0"
    assert parse_version("STAI") is None
    assert len({dialect.core for dialect in DIALECTS}) == len(DIALECTS)
    assert dialect_of("2.2.0-20266", "it")[1].runtime(dialect_of("2.2.0", "it")[0]) == (
        "NetworkRuntime1020_CM55_GCC.a"
    )


HEADER_TEXT = """#define LL_ATON_VERSION_MAJOR (1)
#define LL_ATON_VERSION_MINOR (1)
#define LL_ATON_VERSION_MICRO (1)
#define LL_ATON_VERSION_DEV   (14)
"""


def test_headers_and_runtime_of_an_installation_are_held_against_its_version(
    tmp_path: Path,
) -> None:
    version, dialect = dialect_of("2.2.0", "it")
    assert runtime_of(tmp_path) == Runtime(None, ())
    assert len(misfits(version, dialect, runtime_of(tmp_path))) == 2
    (tmp_path / HEADER).parent.mkdir(parents=True)
    (tmp_path / HEADER).write_text(HEADER_TEXT)
    (tmp_path / LIBRARIES).mkdir(parents=True)
    (tmp_path / LIBRARIES / "NetworkRuntime1020_CM55_GCC.a").touch()
    there = runtime_of(tmp_path)
    assert there == Runtime("1.1.1-14", ("NetworkRuntime1020_CM55_GCC.a",))
    assert misfits(version, dialect, there) == ()
    newer = dialect_of("4.0.1", "it")
    assert misfits(*newer, there) == (
        "headers 1.1.1-14, where 4.0.1 writes for 1.1.3",
        "NetworkRuntime1020_CM55_GCC.a, where 4.0.1 needs NetworkRuntime1201_CM55_GCC.a",
    )
    assert version_in("#if LL_ATON_VERSION_MAJOR != 1") is None
