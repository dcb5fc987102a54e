"""The firmware is the same bytes wherever its project lies, and whoever builds it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from host.build import build, find_tool
from host.bundle import Subject
from host.deadline import Deadline
from host.elf_record import check_recorded
from host.errors import IdentityFailure
from host.files import sha256_file
from host.project import load_project
from model_gen.codegen.project.generate import generate
from model_gen.codegen.project.generate_test import BUILD_SECONDS, build_by_cmake, needs_cross
from model_gen.codegen.testing import fuzz_models, keras_models

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_anew")]
# Folders that a user may have, and one that CMake itself cannot build in.
ODD = "another $HOME ${X} 'place' (x) [y] {z} & ü鳥 =,"
REFUSED = 'semi;colon "quoted" back\\slash tab\t new\nline'


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject(Path("mobile.tflite"), keras_models.quantized("mobile"))


@needs_cross
def test_elf_is_the_same_elsewhere_and_with_make(subject: Subject, tmp_path: Path) -> None:
    """Completed from what another model's build left in the cache; then taken to another folder without the host's
    packages, and built by make: the same bytes."""
    other = Subject(Path("other.tflite"), fuzz_models.broadcast())
    build(generate(other, "virtual", tmp_path / "other"), Deadline.after(BUILD_SECONDS))
    built = generate(subject, "virtual", tmp_path / "project")
    build(built, Deadline.after(BUILD_SECONDS))
    assert not (built.path / "build/CMakeCache.txt").exists()
    moved = tmp_path / ODD / "firmware"
    shutil.copytree(built.path, moved, ignore=shutil.ignore_patterns("build"))
    cmake = find_tool("cmake", "")
    subprocess.run(
        [cmake, "-G", "Unix Makefiles", "-S", str(moved), "-B", str(moved / "build")],
        check=True,
        capture_output=True,
    )
    subprocess.run([cmake, "--build", str(moved / "build")], check=True, capture_output=True)
    assert sha256_file(moved / "build/nightjar.elf") == sha256_file(built.elf)
    assert str(built.path).encode() not in built.elf.read_bytes()


def test_native_elf_is_the_same_elsewhere(subject: Subject, tmp_path: Path) -> None:
    elves = set()
    for place in (f"b/{ODD} #1", REFUSED):
        project = generate(subject, "native", tmp_path / place)
        build(project, Deadline.after(BUILD_SECONDS))
        elves.add(sha256_file(project.elf))
    assert len(elves) == 1


def test_a_project_that_was_moved_or_made_otherwise_is_built_again(
    subject: Subject, tmp_path: Path
) -> None:
    project = generate(subject, "native", tmp_path / "first")
    build_by_cmake(project.path, "Unix Makefiles")
    linked = check_recorded(project.elf)
    build(project, Deadline.after(BUILD_SECONDS))  # by ninja
    moved = load_project(project.path.rename(tmp_path / "moved here"))
    build(moved, Deadline.after(BUILD_SECONDS))
    assert check_recorded(moved.elf) == linked
    before = moved.elf.stat().st_mtime_ns
    build(moved, Deadline.after(BUILD_SECONDS))
    assert moved.elf.stat().st_mtime_ns == before
    # What is up to date and not what was linked is refused; where there is no record, linked again.
    moved.elf.write_bytes(moved.elf.read_bytes() + b"\0")
    with pytest.raises(IdentityFailure, match="not the one that was linked"):
        build(moved, Deadline.after(BUILD_SECONDS))
    moved.elf_record.unlink()
    build(moved, Deadline.after(BUILD_SECONDS))
    assert check_recorded(moved.elf) == linked
