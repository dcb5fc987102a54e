"""A build is skipped only where nothing has changed that it comes from, or that came out of it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from host.build import build
from host.build_stamp import NAME
from host.bundle import Subject
from host.deadline import Deadline
from host.errors import HostFailure, IdentityFailure
from host.files import sha256_file
from host.project import Project
from model_gen.codegen.project.generate import generate
from model_gen.codegen.testing import fuzz_models

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
SUBJECT = Subject(Path("model.tflite"), fuzz_models.broadcast())


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A gcc of our own in front of PATH, which is the real one."""
    folder = tmp_path_factory.mktemp("bin")
    gcc = folder / "gcc"
    gcc.write_text(f'#!/bin/sh\nexec {shutil.which("gcc")} "$@"\n')
    gcc.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield folder


@pytest.fixture(scope="module")
def project(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Built; each test leaves it so."""
    made = generate(SUBJECT, "native", tmp_path_factory.mktemp("p") / "firmware")
    assert not built(made)
    return made


def built(project: Project) -> bool:
    return build(project, Deadline.after(120))


def test_nothing_is_started_where_nothing_has_changed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any, **named: Any) -> None:
        raise AssertionError(f"started {given}")

    before = sha256_file(project.elf)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert built(project)
    again = generate(SUBJECT, "native", project.path)
    assert built(again)
    assert sha256_file(project.elf) == before


def test_what_changes_is_built(project: Project, tools: Path) -> None:
    """Each change alone; the build after it is recalled again."""
    right = sha256_file(project.elf)
    stamp = project.elf.with_name(NAME)

    def edit() -> None:
        source = project.path / "model" / "nj_model.c"
        source.write_text(source.read_text() + "/* a remark */\n")

    def add() -> None:
        (project.path / "core" / "new.h").write_text("")

    changes: list[Callable[[], object]] = [
        edit,
        add,
        project.elf.unlink,
        stamp.unlink,
        lambda: stamp.write_bytes(stamp.read_bytes()[:-50]),
        lambda: stamp.write_text(stamp.read_text().replace("build/1", "build/2")),
        lambda: stamp.write_text("[]"),
        lambda: (tools / "gcc").touch(),
    ]
    for number, change in enumerate(changes):
        change()
        assert not built(project), number
        assert built(project), number
    assert sha256_file(project.elf) == right


def test_a_record_beside_the_elf_counts(project: Project) -> None:
    """A build that writes one may refuse another instead of linking again."""
    record = project.elf.with_name(project.elf.name + ".sha256")
    record.write_text("of somebody else")
    with suppress(IdentityFailure):
        assert not built(project)
    record.unlink()
    project.elf.unlink()
    assert not built(project)
    assert built(project)


def test_another_compiler_compiles_everything_again(project: Project, tools: Path) -> None:
    """ninja alone would leave every object of the old one."""
    gcc = tools / "gcc"
    gcc.write_text(gcc.read_text().replace('"$@"', '-DNJ_UNUSED "$@"'))
    objects = {path: path.stat().st_mtime_ns for path in project.elf.parent.rglob("*.o")}
    assert objects
    assert not built(project)
    assert all(path.stat().st_mtime_ns > before for path, before in objects.items())


def test_a_header_outside_the_project_counts(project: Project) -> None:
    stamp = project.elf.with_name(NAME)
    text = stamp.read_text()
    assert "/usr/include/" in text
    assert "cc1" in text
    stamp.write_text(text.replace("/usr/include/stdint.h", "/usr/include/stdint-of-old.h"))
    assert not built(project)
    assert stamp.read_text() == text


def test_an_elf_that_was_not_linked_is_not_taken_for_it(project: Project) -> None:
    """Whatever the build makes of it, no stamp blesses it."""
    with project.elf.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"!")
    spoilt = sha256_file(project.elf)
    for _ in range(2):
        with suppress(IdentityFailure):  # of a build that holds the ELF against its own record
            assert not built(project)
        assert sha256_file(project.elf) == spoilt
    project.elf.unlink()
    assert not built(project)


def test_a_project_that_was_moved_is_built(project: Project, tmp_path: Path) -> None:
    moved = Project(tmp_path / "elsewhere", project.description)
    shutil.copytree(project.path, moved.path)
    shutil.rmtree(moved.elf.parent / "CMakeFiles")  # CMake refuses the cache of another folder
    (moved.elf.parent / "CMakeCache.txt").unlink(missing_ok=True)
    assert not built(moved)
    assert built(moved)


def test_a_failed_build_is_not_recalled(project: Project) -> None:
    source = project.path / "model" / "nj_model.c"
    right = source.read_text()
    source.write_text(right + "#error no\n")
    for _ in range(2):
        with pytest.raises(HostFailure, match="does not build"):
            built(project)
    source.write_text(right)
    built(project)
    assert built(project)
