"""Builds a generated firmware project with CMake, and reads sizes from what came out."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section, SymbolTableSection

from host import prebuilt
from host.build_place import buildable
from host.build_stamp import Stamper
from host.deadline import Deadline
from host.elf_record import check_recorded
from host.errors import BadInput, HostFailure
from host.group import run_group
from host.made_once import by_content
from host.project import Project
from host.tools import require_open_files

APT = "apt-get install -y gcc-arm-none-eabi libnewlib-arm-none-eabi"
_TAIL = 3000  # characters of compiler output that an error shows
# What would reach the compiler past the project's own flags.
_UNWANTED = {"CFLAGS", "CPPFLAGS", "LDFLAGS", "CC", "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH"}
_UNWANTED |= {"CMAKE_GENERATOR", "CMAKE_TOOLCHAIN_FILE", "DESTDIR", "MAKEFLAGS"}
# How the linker says that a region is full; GNU ld 2.40 crashes instead when no region is left to go on in.
_TOO_LARGE = ("overflowed by", "will not fit in region", "ld terminated with signal 11")


@dataclass(frozen=True)
class Footprint:
    """Bytes of memory that a firmware takes.

    flash: every loaded read-only section and the image of .data. engine_flash: kernels, generated code, tables and
    weights. ram: all writable sections, the arena and the stacks among them. arena: of the model, scratch included.
    stack: what the linker reserves for the thread; 0 for a process of the host.
    """

    flash: int
    engine_flash: int
    ram: int
    arena: int
    stack: int


def find_tool(name: str, remedy: str) -> str:
    """The path of a tool: beside the running Python first, where the project's own are, then in PATH.

    Raises:
        HostFailure: it is in neither place; `remedy` is the command that installs it.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if found is None:
        raise HostFailure(
            f"{name} is not installed",
            evidence=f"neither {beside} nor PATH has it",
            next_step=remedy,
        )
    return found


def _find_cmake() -> str:
    """CMake itself: what the package puts on the path starts a Python for it."""
    spec = importlib.util.find_spec("cmake")
    for place in (spec and spec.submodule_search_locations) or ():
        program = Path(place) / "data" / "bin" / "cmake"
        if os.access(program, os.X_OK):
            return str(program)
    return find_tool("cmake", "pip install cmake, or apt-get install -y cmake")


def build(project: Project, deadline: Deadline) -> bool:
    """Configure and build `project`; its ELF is at `project.elf` afterwards. Nothing is redone that is up to date.

    Returns:
        Whether it was: the ELF is what the last build made, of the same files by the same tools. What
        was built elsewhere, or by make, is built anew.

    Raises:
        HostFailure: a tool is missing, the compiler refuses the sources, or the deadline has passed.
        BadInput: the model does not fit the board's memory.
        IdentityFailure: an ELF that is up to date is not the one that was linked.
    """
    require_open_files()
    with buildable(project) as place:
        return _build(place, deadline)


def _build(project: Project, deadline: Deadline) -> bool:
    cmake = _find_cmake()
    ninja = find_tool("ninja", "pip install ninja, or apt-get install -y ninja-build")
    if project.description.board == "native":
        compiler = find_tool("gcc", "apt-get install -y gcc libc6-dev")
    else:
        compiler = find_tool("arm-none-eabi-gcc", APT)
    stamper = Stamper(project, cmake=cmake, ninja=ninja, compiler=compiler)
    if stamper.is_current:
        return True
    folder = project.elf.parent
    if not stamper.same_tools and not folder.is_symlink():
        shutil.rmtree(folder)
    found_by_cmake = [shutil.which("cc") or ""] if project.description.board == "native" else []
    of = prebuilt.key_for(project, cmake, ninja, compiler, *found_by_cmake)
    kept = prebuilt.find(of) if not (folder / "CMakeCache.txt").exists() else None
    outside = None
    if kept is not None:
        if stamper.elf_has_changed:
            check_recorded(project.elf)
        stamper.forget()
        outside = _complete(project, kept, ninja, deadline)
    if outside is None:
        _make(project, cmake, ninja, deadline)
        outside = stamper.outside()
    check_recorded(project.elf)
    stamper.write(outside)
    if kept is None and outside is not None:
        prebuilt.keep(of, project, ninja, outside)
    return False


def _make(project: Project, cmake: str, ninja: str, deadline: Deadline) -> None:
    """Have CMake and ninja build a project as anybody else would."""
    folder = project.elf.parent
    configure = [cmake, "-G", "Ninja", "-S", str(project.path), "-B", str(folder)]
    configure += [f"-DCMAKE_MAKE_PROGRAM={ninja}"]
    if not _configured_here(project):
        configure.append("--fresh")  # CMake refuses the cache of another folder or generator
    _run(configure, deadline, "CMake does not accept the project")
    _run_ninja(project, [ninja, "-C", str(folder)], deadline)
    if not project.elf.is_file():
        raise HostFailure("the build gave no ELF", evidence=f"expected {project.elf}")


def _complete(
    project: Project, kept: prebuilt.Prebuilt, ninja: str, deadline: Deadline
) -> list[str] | None:
    """Compile and link what other builds have left over.

    Returns:
        Paths outside the project that the ELF comes from; None where it cannot be made so: CMake then says why.

    Raises:
        BadInput: the model does not fit the board's memory.
    """
    folder = project.elf.parent
    try:
        kept.lay(project)
        _run_ninja(project, [ninja, "-C", str(folder), "-f", prebuilt.NINJA], deadline)
        return kept.came_from(project)
    except (OSError, HostFailure):
        if deadline.expired:
            raise
        return None


def _run_ninja(project: Project, command: list[str], deadline: Deadline) -> None:
    try:
        _run(command, deadline, "the firmware does not build")
    except HostFailure as error:
        if any(sign in error.evidence for sign in _TOO_LARGE):
            raise BadInput(
                f"the model does not fit the memory of the board {project.description.board}",
                evidence=f"Received: an arena of {project.description.arena_bytes:,} bytes; {error.evidence}",
                next_step="take a smaller model or input, or a board with more memory",
            ) from error
        raise


def _configured_here(project: Project) -> bool:
    """Whether CMake's cache is of this very folder and of Ninja; True when there is none."""
    try:
        cache = os.fsdecode((project.elf.parent / "CMakeCache.txt").read_bytes())
    except FileNotFoundError:
        return True
    entries = dict(re.findall(r"^([\w-]+):INTERNAL=(.*)$", cache, re.MULTILINE))
    try:
        here = project.path.samefile(entries["CMAKE_HOME_DIRECTORY"])
    except (KeyError, OSError):
        return False
    return here and entries.get("CMAKE_GENERATOR") == "Ninja"


def _run(command: list[str], deadline: Deadline, what: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in _UNWANTED}
    try:
        code, output = run_group(command, deadline, environment=environment)
    except subprocess.TimeoutExpired as error:
        raise HostFailure(
            f"{Path(command[0]).name} did not end before the deadline",
            evidence=" ".join(command),
            next_step="give it more time, or look for what keeps this computer busy",
        ) from error
    if code != 0:
        raise HostFailure(
            what,
            evidence=f"exit code {code} of {' '.join(command)}\n{output[-_TAIL:]}",
            next_step="read the first error above; `nightjar doctor` checks the compilers",
        )


def footprint(project: Project) -> Footprint:
    """Sizes from the section headers of the project's ELF.

    Raises:
        HostFailure: the project has not been built.
    """
    if not project.elf.is_file():
        raise HostFailure(
            "the project has no ELF yet",
            evidence=f"expected {project.elf}",
            next_step="build it with `nightjar build`",
        )
    flash, engine, ram, stack = _sizes(project.elf.read_bytes())
    return Footprint(flash, engine, ram, project.description.arena_bytes, stack)


@by_content(32)
def _sizes(data: bytes) -> tuple[int, int, int, int]:
    """Bytes of flash, of the engine in it, of RAM, and of the stack."""
    elf = ELFFile(BytesIO(data))
    sections = list(_allocated(elf))
    flash = sum(s.data_size for s in sections if s["sh_type"] != "SHT_NOBITS")
    engine = sum(s.data_size for s in sections if s.name in (".engine_text", ".engine_rodata"))
    ram = sum(s.data_size for s in sections if _in_ram(s))
    return flash, engine, ram, _symbol(elf, "nj_stack_bytes")


def _allocated(elf: ELFFile) -> Iterator[Section]:
    for section in elf.iter_sections():
        if section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
            yield section


def _in_ram(section: Section) -> bool:
    return bool(section["sh_flags"] & SH_FLAGS.SHF_WRITE) or section["sh_type"] == "SHT_NOBITS"


def _symbol(elf: ELFFile, name: str) -> int:
    table = elf.get_section_by_name(".symtab")
    found = table.get_symbol_by_name(name) if isinstance(table, SymbolTableSection) else None
    return int(found[0]["st_value"]) if found else 0
