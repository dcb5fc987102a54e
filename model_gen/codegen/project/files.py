"""The files of a firmware project: what is copied into it, its libraries, and whether it is there already."""

from dataclasses import dataclass
from pathlib import Path

from host.build_stamp import NAME as STAMP
from host.elf_record import record_path
from host.owned import LIST, new_directory
from host.project import ELF, FAILED
from model_gen.codegen import c_text
from model_gen.codegen.c_text import Text

BUILD = "build"  # the folder in a project that CMake writes
# What is written into a project: by CMake, by ninja or make, by the linking, by `nightjar build`, by who judges it.
BUILT = (
    *(FAILED, "failure-gw*.njs", "attempt-*.njs"),
    *(
        f"{BUILD}/{name}"
        for name in (
            *("CMakeCache.txt", "CMakeFiles/*", "cmake_install.cmake", "compile_commands.json"),
            *("*/CMakeFiles/*", "*/cmake_install.cmake", "build.ninja", ".ninja_*", "Makefile"),
            *("*/Makefile", "*.a", "*.ld"),
            "nj_*.elf",  # beside the firmware: board/beside.cmake
            *(Path(ELF).name, record_path(Path(ELF)).name, STAMP, ".nightjar.*"),
        )
    ),
)
_COPIED = (".c", ".h")

Files = dict[str, bytes]  # path in the project, with slashes -> content


@dataclass(frozen=True)
class Library:
    """A static library of the project's CMakeLists.txt."""

    name: Text
    sources: tuple[Text, ...]
    includes: Text
    options: Text


def write_files(files: Files, out: Path, *, force: bool = False) -> None:
    """Write a project to the folder `out`, whole or not at all; where just these files lie there, nothing is touched.

    Raises:
        BadInput: `out` holds something else.
    """
    if _is_there(files, out):
        return
    with new_directory(out, disposable=BUILT, force=force) as folder:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def copies(source: Path, target: str) -> Files:
    """The C of a folder and its subfolders; tests and caches stay behind."""
    return {
        f"{target}/{path.relative_to(source).as_posix()}": path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file()
        and path.suffix in _COPIED
        and "testing" not in path.relative_to(source).parts
    }


def sources(files: Files, *prefixes: str) -> tuple[Text, ...]:
    """The C files whose paths begin so, in the order of their names."""
    names = (n for n in sorted(files) if n.endswith(".c") and n.startswith(prefixes))
    return tuple(map(c_text.word, names))


def library(name: str, sources: tuple[Text, ...], includes: str, *flags: str) -> Library:
    """A library of these sources."""
    folders = c_text.joined(" ", map(c_text.word, includes.split()))
    options = c_text.joined(" ", map(c_text.flag, flags))
    return Library(c_text.identifier(name), sources, folders, options)


def core_libraries(files: Files) -> tuple[Library, Library]:
    """Frontend and core, which every backend's project has."""
    frontend = sources(files, "core/frontend/", "model/nj_frontend_")
    core = tuple(name for name in sources(files, "core/") if name not in frontend)
    return (
        library(
            "nj_frontend",
            frontend,
            "core core/frontend model",
            *("-O3", "-ffp-contract=off", "-fno-fast-math"),
            # FLT_EVAL_METHOD 16 (half precision of its own) becomes 0, which says the same of float.
            "-fpermitted-flt-eval-methods=c11",
        ),
        library("nj_core", core, "core core/link", "-O2"),
    )


def _is_there(files: Files, out: Path) -> bool:
    """Whether just these files lie at `out`, besides their list and what CMake built."""
    found = {
        name
        for path in out.rglob("*")
        if path.is_file()
        and (name := path.relative_to(out).as_posix()) != LIST
        and not name.startswith(f"{BUILD}/")
    }
    return found == set(files) and all(
        (out / name).stat().st_size == len(content) and (out / name).read_bytes() == content
        for name, content in files.items()
    )
