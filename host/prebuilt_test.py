"""What is kept of a build is taken only where a build would make the same; whatever else happens, there is a build."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from host import build as building
from host.build import build
from host.cache import PREBUILT
from host.deadline import Deadline
from host.errors import BadInput, HostFailure
from host.files import sha256_file
from host.prebuilt import Prebuilt, find, key_for
from host.project import Project, ProjectDescription

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
DESCRIBED = ProjectDescription("native", "cm55", "", "", {}, 0, 1, (), (), ())
TEXTS = {
    "CMakeLists.txt": """# Of the model MODEL.
cmake_minimum_required(VERSION 3.20)
project(tiny LANGUAGES C)
add_compile_options(-g -ffile-prefix-map=${CMAKE_SOURCE_DIR}=/tiny)
add_library(core STATIC core/core.c)
add_library(engine STATIC kernels/plain.c kernels/shaped.c model/model.c)
target_include_directories(engine PRIVATE core model)
add_executable(nightjar board/main.c)
target_include_directories(nightjar PRIVATE core)
target_link_libraries(nightjar PRIVATE engine core)
add_executable(nj_beside board/beside.c)
set_target_properties(nightjar nj_beside PROPERTIES SUFFIX .elf)
add_custom_command(TARGET nightjar POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E sha256sum nightjar.elf > nightjar.elf.sha256 VERBATIM)
""",
    "core/core.h": "#include <stdint.h>\nint core(void);\nint plain(void);\nint shaped(void);\nint model(void);\n",
    "core/core.c": '#include "core.h"\nint core(void) { return 1; }\n',
    "kernels/plain.c": '#include "core.h"\nint plain(void) { return core(); }\n',
    "kernels/shaped.c": '#include "core.h"\n#include "shape.h"\nint shaped(void) { return SHAPE; }\n',
    "model/shape.h": "#define SHAPE MODEL\n",
    "model/model.c": '#include "core.h"\n#include "shape.h"\nint model(void) { return plain() + SHAPE; }\n',
    "board/main.c": '#include "core.h"\nint main(void) { return model() + shaped(); }\n',
    "board/beside.c": "int main(void) { return 0; }\n",
}


@dataclass(frozen=True)
class Built:
    """What the first build kept, under its key, and the SHA-256 of its ELF."""

    name: str
    kept: Prebuilt
    elf: str


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Of model 1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTJAR_CACHE", str(tmp_path_factory.mktemp("first")))
        patch.delenv("CMAKE_C_COMPILER_LAUNCHER", raising=False)
        elf = linked(tiny(tmp_path_factory.mktemp("a"), 1))
        (entry,) = PREBUILT.folder.entries()
        kept = find(entry.name)
        assert kept is not None
        return Built(entry.name, kept, elf)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, first: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the first build's entry alone."""
    monkeypatch.setenv("NIGHTJAR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CMAKE_C_COMPILER_LAUNCHER", raising=False)
    PREBUILT.write(first.name, first.kept.packed())


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The projects that CMake built."""
    made = []
    real = building._make

    def make(project: Project, *given: object) -> None:
        made.append(project.path)
        real(project, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(building, "_make", make)
    return made


def tiny(folder: Path, model: int) -> Project:
    for name, text in TEXTS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("MODEL", str(model)))
    return Project(folder, DESCRIBED)


def linked(project: Project) -> str:
    assert not build(project, Deadline.after(120))
    return sha256_file(project.elf)


def test_a_new_model_has_nothing_but_itself_compiled_and_the_same_bytes(
    tmp_path: Path, first: Built, whole: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tiny(tmp_path / "b", 2)
    taken = linked(project)
    assert not whole
    assert taken != first.elf
    assert (project.elf.parent / "nj_beside.elf").is_file()
    assert build(project, Deadline.after(120))
    built = {name for name in first.kept.files if name.endswith((".o", ".a"))}
    assert "libcore.a" in built
    assert any("plain" in name for name in built)
    assert not any("shaped" in name or "model" in name for name in built)
    monkeypatch.setenv("NIGHTJAR_CACHE", "/dev/null")
    assert linked(tiny(tmp_path / "elsewhere" / "c", 2)) == taken
    assert len(whole) == 1


def test_what_is_no_longer_the_same_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = [str(tmp_path / name) for name in ("cmake", "ninja", "gcc")]
    for tool in tools:
        Path(tool).write_text("")
    project = tiny(tmp_path / "a", 1)
    right = key_for(project, *tools)
    assert right is not None
    assert key_for(tiny(tmp_path / "b", 2), *tools) == right

    def write(name: str, text: str) -> Callable[[], object]:
        return lambda: (project.path / name).write_text(text)

    changes: list[Callable[[], object]] = [
        write("core/core.c", "int core(void) { return 2; }\n"),
        write("core/core.h", TEXTS["core/core.h"] + "#define MORE\n"),
        write("core/new.h", ""),
        write("model/stdint.h", ""),  # found before the C library's
        write("CMakeLists.txt", TEXTS["CMakeLists.txt"].replace("-g ", "-g -O2 ")),
        write("CMakeLists.txt", "#[[" + TEXTS["CMakeLists.txt"].partition("\n")[2]),
        (project.path / "board/beside.c").unlink,
        lambda: (project.path / "board/link").symlink_to("main.c"),
        lambda: Path(tools[2]).write_text("another compiler"),
    ]
    for number, change in enumerate(changes):
        change()
        assert key_for(project, *tools) != right, number
        shutil.rmtree(project.path)
        tiny(project.path, 1)
        Path(tools[2]).write_text("")
        right = key_for(project, *tools)
    for name in ("CMAKE_C_COMPILER_LAUNCHER", "COMPILER_PATH"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "/opt/other")
            assert key_for(project, *tools) != right, name
    for place in ("of a name with spaces", "$HOME"):
        assert key_for(tiny(tmp_path / place, 1), *tools) is None
    assert key_for(project, str(project.path / "cmake")) is None


def test_damage_and_what_another_system_made_are_built_and_kept_anew(
    tmp_path: Path, first: Built, whole: list[Path]
) -> None:
    name, kept = first.name, first.kept
    path = PREBUILT.folder.path / name
    raw = path.read_bytes()
    assert any(one.endswith("/stdint.h") for one, _, _ in kept.outside)
    older = tuple((one, size, when - one.endswith("/stdint.h")) for one, size, when in kept.outside)
    spoilt: list[Callable[[], object]] = [
        lambda: path.write_bytes(raw[: len(raw) // 2]),
        lambda: path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1])),
        lambda: path.write_bytes(b""),
        lambda: PREBUILT.write(name, b"[]\n"),
        lambda: PREBUILT.write(name, replace(kept, outside=older).packed()),
    ]
    for number, spoil in enumerate(spoilt):
        PREBUILT.write(name, kept.packed())
        assert find(name) == kept, number
        spoil()
        assert find(name) is None, number
    assert linked(tiny(tmp_path / "b", 1)) == first.elf
    assert whole == [tmp_path / "b"]
    assert find(name) == kept


def test_steps_that_fail_are_left_to_cmake(tmp_path: Path, first: Built, whole: list[Path]) -> None:
    PREBUILT.write(first.name, replace(first.kept, steps="not for ninja").packed())
    assert linked(tiny(tmp_path / "b", 1)) == first.elf
    assert whole == [tmp_path / "b"]


def test_a_model_that_does_not_compile_says_so(tmp_path: Path) -> None:
    project = tiny(tmp_path / "b", 2)
    (project.path / "model/model.c").write_text("#error no\n")
    with pytest.raises(HostFailure, match="does not build"):
        linked(project)


def test_a_model_that_does_not_fit_is_told_so_at_once(
    tmp_path: Path, first: Built, whole: list[Path]
) -> None:
    line = "region `RAM' overflowed by 8 bytes"
    steps = f'rule run\n command = echo "{line}"; false\nbuild nightjar.elf: run\n'
    PREBUILT.write(first.name, replace(first.kept, steps=steps.replace("`", "\\`")).packed())
    with pytest.raises(BadInput, match="does not fit"):
        linked(tiny(tmp_path / "b", 1))
    assert not whole


def test_a_build_goes_on_after_one_that_was_cut_off(
    tmp_path: Path, first: Built, whole: list[Path]
) -> None:
    project = tiny(tmp_path / "c", 1)
    half = {name: content[: len(content) // 2] for name, content in first.kept.files.items()}
    replace(first.kept, files=half).lay(project)
    project.elf.write_bytes(b"half an ELF")
    assert linked(project) == first.elf
    source = project.path / "model/model.c"
    source.write_text(source.read_text().replace("+ SHAPE", "- SHAPE"))
    assert linked(project) != first.elf
    source.write_text(source.read_text().replace("- SHAPE", "+ SHAPE"))
    assert linked(project) == first.elf
    assert not whole
    (project.path / "core/core.c").write_text("int core(void) { return 7; }\n")
    assert linked(project) != first.elf  # what was laid is not taken for what CMake makes
    assert whole == [project.path]


def test_no_cache_is_needed(
    tmp_path: Path, first: Built, whole: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / PREBUILT.name).symlink_to(tmp_path / "real")
    for place in ("/dev/full", "/proc/nowhere", str(tmp_path / "link")):
        monkeypatch.setenv("NIGHTJAR_CACHE", place)
        PREBUILT.write(first.name, first.kept.packed())
        assert find(first.name) is None
    assert not any((tmp_path / "real").iterdir())
    assert linked(tiny(tmp_path / "b", 1)) == first.elf
    assert whole == [tmp_path / "b"]
