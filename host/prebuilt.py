"""What firmware projects have in common is compiled once: core, link, kernels, messages and port, as a build left them.

A project's private files are those that its model makes (`model/`, `generated/`). A build step is shared when nothing
private is among what it read; what shared steps made is kept, with the commands of the others. It is kept by the
content of every file that is not private, by the names of those that are, and by the tools; the compiler's own parts,
the C library and its headers are held against what they were. So a project whose model alone is new has no CMake to
run, and little to compile: the commands are those that CMake gave for another, and so are the bytes of the ELF.

Nothing here is needed. Whatever is unclear is compiled.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host.build_stamp import Seen, ask, read_by, seen
from host.cache import PREBUILT, key_of
from host.project import ELF, Project

NINJA = "CMakeFiles/nightjar.ninja"  # in the build folder: the steps that are not shared
_SCHEMA = "nightjar/prebuilt/1"
_PRIVATE = ("model", "generated")
_RECIPE = "CMakeLists.txt"  # its first line names the model
_HERE = "\0project\0"
_PLAIN = re.compile(r"[\w/.+-]+")  # a path that neither a shell nor ninja takes for more
_MADE = (".o", ".obj", ".a", ".elf")
# What reaches CMake and the compiler past the project.
_ENVIRONMENT = re.compile(
    r"CMAKE_.*|CCACHE_(?!DIR).*|GCC_EXEC_PREFIX|COMPILER_PATH|SOURCE_DATE_EPOCH"
)


@dataclass(frozen=True)
class Prebuilt:
    """Of other projects. outside: what they came from, as `Stamp.outside`; steps: text of ninja, with a mark for the
    project's folder; files: by their paths in the build folder."""

    outside: tuple[Seen, ...]
    steps: str
    files: Mapping[str, bytes]

    @property
    def is_current(self) -> bool:
        """Whether nothing outside the projects has changed."""
        return self.outside == seen(path for path, _, _ in self.outside)

    def lay(self, project: Project) -> None:
        """Write the files and the steps to the build folder, where ninja then makes the ELF with `-f NINJA`.

        Raises:
            OSError: it cannot be written.
        """
        built = project.elf.parent
        steps = self.steps.replace(_HERE, os.path.realpath(project.path))
        for name, content in {**self.files, NINJA: steps.encode()}.items():
            path = built / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_bytes(content)

    def came_from(self, project: Project) -> list[str]:
        """Paths outside the project that its ELF comes from, which ninja has just made."""
        built = project.elf.parent.resolve()
        read: set[Path] = set()
        for name in re.findall(r"-MF (\S+)", self.steps):
            _, _, listed = (built / name).read_text().partition(":")
            read |= {built / one for one in listed.replace("\\\n", " ").split()}
        places = {path.resolve() for path in read}
        found = {str(path) for path in places if not path.is_relative_to(built.parent)}
        return sorted(found | {path for path, _, _ in self.outside})

    def packed(self) -> bytes:
        sizes = [(name, len(content)) for name, content in self.files.items()]
        head = {"schema": _SCHEMA, "outside": self.outside, "steps": self.steps, "files": sizes}
        return b"\n".join((json.dumps(head).encode(), b"".join(self.files.values())))

    @staticmethod
    def unpacked(raw: bytes) -> "Prebuilt | None":
        line, _, rest = raw.partition(b"\n")
        head: dict[str, Any] = json.loads(line)
        if head["schema"] != _SCHEMA:
            return None
        files, place = {}, 0
        for name, size in head["files"]:
            files[name] = rest[place : place + size]
            place += size
        return Prebuilt(tuple((p, s, t) for p, s, t in head["outside"]), head["steps"], files)


def key_for(project: Project, *tools: str) -> str | None:
    """Of all projects that differ in their models alone; None where none is told from its folder."""
    here = os.path.realpath(project.path)
    if not _PLAIN.fullmatch(here) or any(_at(here).match(tool) for tool in tools):
        return None
    parts: list[str | bytes] = [_SCHEMA, json.dumps(seen(tools))]
    parts += [f"{k}={v}" for k, v in sorted(os.environ.items()) if _ENVIRONMENT.fullmatch(k)]
    built = project.elf.parent
    for path in sorted(project.path.rglob("*")):
        name = path.relative_to(project.path)
        if name.parts[0] == built.name:
            continue
        if path.is_symlink():
            return None
        if not path.is_file():
            continue
        if len(name.parts) > 1:
            private = name.parts[0] in _PRIVATE
            parts += [os.fsencode(name), b"" if private else path.read_bytes()]
        elif name.name == _RECIPE:
            first, _, rest = path.read_bytes().partition(b"\n")
            parts.append(rest if first.startswith(b"# ") else first + b"\n" + rest)
    return key_of(*parts)


def find(of: str | None) -> Prebuilt | None:
    """What is kept under a key, whole and of these very tools; else None."""
    raw = None if of is None else PREBUILT.read(of)
    if raw is None:
        return None
    with suppress(ValueError, KeyError, TypeError):
        kept = Prebuilt.unpacked(raw)
        return kept if kept is not None and kept.is_current else None
    return None


def keep(of: str | None, project: Project, ninja: str, outside: Iterable[str]) -> None:
    """Keep what the build of `project` that has just ended made of its shared files; nothing where that is unclear."""
    if of is None:
        return
    with suppress(OSError, ValueError, KeyError):  # read back from files of CMake's and of ninja's
        kept = _kept(project, ninja, outside)
        if kept is not None:
            PREBUILT.write(of, kept.packed())


@dataclass(frozen=True)
class _Step:
    """One command of a build, what it makes, and which other steps it needs."""

    output: str
    command: str
    needs: tuple[str, ...]


def _kept(project: Project, ninja: str, outside: Iterable[str]) -> Prebuilt | None:
    built = project.elf.parent.resolve()
    here = built.parent
    if not _is_configured(built):
        return None
    steps = _steps(built, ninja)
    private = _private(steps, read_by(built, ninja), here)
    if private is None:
        return None
    used = {name for step in private.values() for name in step.needs}
    shared = steps.keys() - private.keys()
    wanted = {name for name in shared if name in used or _is_last(name, steps)}
    wanted |= {path.name for path in built.glob("*.ld")}
    files = {name: (built / name).read_bytes() for name in sorted(wanted)}
    text = _at(str(here)).sub(_HERE, _text(private.values()))
    return Prebuilt(seen(outside), text, files)


def _at(folder: str) -> re.Pattern[str]:
    """The path of a folder, alone or in front of what lies in it."""
    return re.compile(rf"{re.escape(folder)}(?![\w.+-])")


def _is_configured(built: Path) -> bool:
    """Whether CMake's paths are those of the folder itself, not of a link to it."""
    cache = (built / "CMakeCache.txt").read_text()
    entries = dict(re.findall(r"^([\w-]+):INTERNAL=(.*)$", cache, re.MULTILINE))
    return (entries["CMAKE_CACHEFILE_DIR"], entries["CMAKE_HOME_DIRECTORY"]) == (
        str(built),
        str(built.parent),
    )


def _steps(built: Path, ninja: str) -> dict[str, _Step]:
    listed = json.loads(_commands(built, ninja))
    commands = {one["output"]: one["command"] for one in listed if one["output"].endswith(_MADE)}
    commands = {output: command for output, command in commands.items() if command}
    return {
        output: _Step(
            output,
            command,
            tuple(w for w in dict.fromkeys(command.split()) if w in commands and w != output),
        )
        for output, command in commands.items()
    }


def _private(
    steps: Mapping[str, _Step], read_by: Mapping[str, set[Path]], project: Path
) -> dict[str, _Step] | None:
    """The steps that the model has to do with, the linking always; None where ninja does not say what a step read."""
    folders = tuple(project / name for name in _PRIVATE)
    memo: dict[str, bool] = {Path(ELF).name: True}

    def is_private(output: str) -> bool:
        if output not in memo:
            step = steps[output]
            read = () if step.needs else read_by[output]
            memo[output] = any(map(is_private, step.needs)) or any(
                path.is_relative_to(folder) for path in read for folder in folders
            )
        return memo[output]

    try:
        return {output: step for output, step in steps.items() if is_private(output)}
    except KeyError:
        return None


def _is_last(name: str, steps: Mapping[str, _Step]) -> bool:
    """Whether a program lies beside the ELF for its own sake."""
    return name.endswith(".elf") and all(name not in step.needs for step in steps.values())


def _text(steps: Iterable[_Step]) -> str:
    """For ninja, which runs all of them, side by side, and keeps its log out of CMake's."""
    lines = ["builddir = CMakeFiles", "rule run", "  command = $run", "  description = $out"]
    lines.append("build always: phony")  # what they read is not said here, so nothing is up to date
    for step in steps:
        lines.append(f"build {step.output}: run {' '.join(step.needs)} | always")
        lines.append(f"  run = {step.command.replace('$', '$$')}")
    return "\n".join(lines) + "\n"


def _commands(built: Path, ninja: str) -> str:
    """Every command of a build, as JSON."""
    said = ask(ninja, "-C", str(built), "-t", "compdb").splitlines()
    return "\n".join(one for one in said if not one.startswith("ninja: "))
