"""A folder that CMake takes is built in; another is built elsewhere, and gets what came out."""

from pathlib import Path

import pytest

from host.build_place import buildable
from host.errors import HostFailure
from host.project import Project, ProjectDescription

DESCRIPTION = ProjectDescription(
    board="native", backend="tiny", model_sha256="", contract_sha256="", rounding={},
    arena_bytes=0, steps=1, inputs=(), outputs=(), taps=(),
)  # fmt: skip


def project(folder: Path) -> Project:
    (folder / "build").mkdir(parents=True)
    (folder / "build" / "CMakeCache.txt").write_text("of here")
    (folder / "model.c").write_text("int x;")
    return Project(folder, DESCRIPTION)


def test_a_plain_folder_is_built_in(tmp_path: Path) -> None:
    made = project(tmp_path / "a b $x 'y' ü")
    with buildable(made) as place:
        assert place == made


@pytest.mark.parametrize("character", ';"\\\n\r\t')
def test_another_is_built_in_a_copy(tmp_path: Path, character: str) -> None:
    made = project(tmp_path / f"a{character}b" / "p")
    with buildable(made) as place:
        assert character not in str(place.path)
        assert (place.path / "model.c").read_text() == "int x;"
        assert not (place.path / "build").exists()
        place.elf.parent.mkdir()
        place.elf.write_bytes(b"elf")
        place.elf.with_name("nightjar.elf.record").write_bytes(b"record")
        place.elf.with_name("other").write_bytes(b"stays there")
    assert not place.path.exists()
    assert made.elf.read_bytes() == b"elf"
    names = sorted(path.name for path in made.elf.parent.iterdir())
    assert names == ["CMakeCache.txt", "nightjar.elf", "nightjar.elf.record"]


def test_a_link_to_such_a_folder_is_one(tmp_path: Path) -> None:
    made = project(tmp_path / "a;b")
    (tmp_path / "link").symlink_to(made.path)
    with buildable(Project(tmp_path / "link", DESCRIPTION)) as place:
        assert not place.path.is_relative_to(tmp_path)


def test_nothing_comes_back_from_a_build_that_fails(tmp_path: Path) -> None:
    made = project(tmp_path / "a;b")

    def fail() -> None:
        with buildable(made) as place:
            place.elf.parent.mkdir()
            place.elf.write_bytes(b"half an elf")
            raise HostFailure("no")

    with pytest.raises(HostFailure):
        fail()
    assert not made.elf.exists()
